"""The user's own key on this disk, and public keys that a person names.

Wiring makes one :class:`KeyFolder` with the user's configuration folder and a way to ask. The key
is made on first use, under a temporary name, durable before it has its own; two first uses at once
end with one key. Nothing here ever prints or logs a passphrase.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters import durable
from shipway.adapters.keyfile import KeySigner, generate, open_key
from shipway.core.evidence.key import PublicKey, from_pem
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRIVATE, PUBLIC = "shipway.key", "shipway.pub"
_MOST = 64 << 10
"""Bytes that a key file may have."""


class KeyFolder:
    """Where the user's key lies: ``$XDG_CONFIG_HOME/shipway/keys``, mode 0700."""

    def __init__(
        self,
        folder: str,
        *,
        passphrase: str | None = None,
        ask: Callable[[str], str] | None = None,
        on_made: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Remember how to open the key; nothing is read yet.

        Args:
            folder: Where the key lies or will lie.
            passphrase: From the environment, if it says one.
            ask: Asks a person, with a prompt; none without a terminal.
            on_made: Told the fingerprint of a key that was just made.
        """
        self._folder = Path(folder)
        self._passphrase = passphrase
        self._ask = ask
        self._on_made = on_made

    @property
    def path(self) -> str:
        """Return where the private key lies or will lie."""
        return str(self._folder / PRIVATE)

    def exists(self) -> bool:
        """Return whether there is a key."""
        return (self._folder / PRIVATE).exists()

    def signer(self) -> KeySigner:
        """Open the key, made now if there is none (see ``core.ports.signer``)."""
        if self.exists():
            return self._published(self.open())
        passphrase = self._new_passphrase()
        pem = generate(passphrase.encode())
        if not self._keep(pem):
            return self._published(self.open())
        signer = open_key(pem, passphrase.encode(), subject=self.path)
        self._on_made(signer.fingerprint)
        return self._published(signer)

    def open(self) -> KeySigner:
        """Open the key that is there.

        Raises:
            ShipwayError: ``key.missing`` (not found), ``key.exposed``, ``key.invalid`` or
                ``key.locked``.
        """
        path = self._folder / PRIVATE
        pem = _read(path, private=True)
        if self._passphrase is not None:
            return open_key(pem, self._passphrase.encode(), subject=str(path))
        try:
            return open_key(pem, b"", subject=str(path))
        except ShipwayError as error:
            if error.id != "key.locked" or self._ask is None:
                raise
        given = self._ask(f"Passphrase of {path}: ")
        return open_key(pem, given.encode(), subject=str(path))

    def at_hand(self) -> bool:
        """Return whether there is a key that opens without asking anybody."""
        if not self.exists():
            return False
        try:
            return self._passphrase is not None or not self.guarded()
        except ShipwayError:
            return False

    def guarded(self) -> bool:
        """Return whether a passphrase guards the key; nobody is asked for it.

        Raises:
            ShipwayError: ``key.missing`` (not found), ``key.exposed`` or ``key.invalid``.
        """
        try:
            open_key(_read(Path(self.path), private=True), b"", subject=self.path)
        except ShipwayError as error:
            if error.id != "key.locked":
                raise
            return True
        return False

    def public_key(self) -> PublicKey:
        """Return the user's public key without opening the private one.

        Raises:
            ShipwayError: ``key.missing`` (not found) if there is none yet.
        """
        return public_key(str(self._folder / PUBLIC))

    def _new_passphrase(self) -> str:
        if self._passphrase is not None:
            return self._passphrase
        if self._ask is None:
            return ""
        return self._ask(f"Passphrase for the new key {self.path} (empty for none): ")

    def _keep(self, pem: str) -> bool:
        """Write a new key; return false if another process was first."""
        durable.folder(self._folder, 0o700)
        target = self._folder / PRIVATE
        with self._beside(pem, 0o600) as name:
            try:
                Path(target).hardlink_to(name)
            except FileExistsError:
                return False
        durable.sync(self._folder)
        return True

    def _published(self, signer: KeySigner) -> KeySigner:
        """Have ``shipway.pub`` lie beside the key, for people and for cosign."""
        path = self._folder / PUBLIC
        wanted = signer.public_key.pem()
        with contextlib.suppress(OSError):
            if path.read_text() == wanted:
                return signer
        with self._beside(wanted, 0o644) as name:
            Path(name).replace(path)
        durable.sync(self._folder)
        return signer

    @contextlib.contextmanager
    def _beside(self, text: str, mode: int) -> Iterator[str]:
        """Yield the path of a whole file of a passing name; it is gone afterwards."""
        handle, name = tempfile.mkstemp(prefix=".new-", dir=self._folder)
        try:
            with os.fdopen(handle, "w") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            yield name
        finally:
            Path(name).unlink(missing_ok=True)


def public_key(path: str) -> PublicKey:
    """Return the public key in a PEM file.

    Raises:
        ShipwayError: ``key.missing`` (not found) or ``key.invalid`` (config).
    """
    return from_pem(_read(Path(path), private=False), subject=path)


def _read(path: Path, *, private: bool) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MOST)
    except OSError as cause:
        raise ShipwayError(
            "key.missing",
            Kind.NOT_FOUND,
            cause.strerror or "it cannot be read",
            operation="reading the key",
            subject=str(path),
        ) from cause
    if private and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ShipwayError(
            "key.exposed",
            Kind.CONFIG,
            f"its mode is {stat.S_IMODE(mode):04o}, so others may read it",
            operation="reading the key",
            subject=str(path),
            hint=f"chmod 600 {path}",
        )
    return data.decode("ascii", "replace")
