"""Credential helpers: ``docker-credential-NAME get | store | erase`` (docker-credential-helpers).

Called within ``adapters.registry`` only. What is secret goes through standard input and output;
nothing of it is in an argument list or an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import redaction
from shipway.core.oci import dockerconfig
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.ports.process import Processes

_SECONDS = 20.0
_ABSENT = ("credentials not found", "no credentials server URL", "no credentials username")


class _Kept(msgspec.Struct, frozen=True, rename="pascal"):
    server_url: str = msgspec.field(name="ServerURL", default="")
    username: str = ""
    secret: str = ""


class Helper:
    """One helper by its short name."""

    def __init__(
        self, name: str, processes: Processes | None, environment: Mapping[str, str]
    ) -> None:
        self.program = f"docker-credential-{name}"
        self._processes = processes
        self._environment = environment

    def get(self, registry: str) -> tuple[str, str] | None:
        """Return user and secret; none where it keeps none.

        Raises:
            ShipwayError: ``registry.helper`` (missing), naming the program.
        """
        out = self._ask("get", dockerconfig.key(registry).encode())
        if out is None:
            return None
        try:
            found = msgspec.json.decode(out, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise self._failed("its answer is not the protocol's") from error
        return found.username, found.secret

    def store(self, registry: str, user: str, secret: str) -> None:
        """Have it keep a login.

        Raises:
            ShipwayError: ``registry.helper`` (missing), naming the program.
        """
        kept = _Kept(dockerconfig.key(registry), user, secret)
        if self._ask("store", msgspec.json.encode(kept)) is None:
            raise self._failed("it does not keep logins")

    def erase(self, registry: str) -> bool:
        """Have it forget a login; return whether it kept one.

        Raises:
            ShipwayError: ``registry.helper`` (missing), naming the program.
        """
        if self.get(registry) is None:
            return False
        return self._ask("erase", dockerconfig.key(registry).encode()) is not None

    def _ask(self, verb: str, said: bytes) -> bytes | None:
        """Return its output; none where it says that it has no such login."""
        if self._processes is None:
            raise self._failed("programs cannot be run here")
        try:
            done = self._processes.run(
                [self.program, verb], env=self._environment, stdin=said, timeout=_SECONDS
            )
        except ShipwayError as error:
            raise self._failed(error.message) from error
        if not done.code:
            return done.out
        words = (done.out + done.err).decode(errors="replace").strip()
        if any(absent in words for absent in _ABSENT):
            return None
        raise self._failed(f"{verb} ended with exit code {done.code}: {words[:200]}")

    def _failed(self, reason: str) -> ShipwayError:
        return ShipwayError(
            "registry.helper",
            Kind.MISSING,
            redaction.text(reason),
            operation="asking the credential helper",
            subject=self.program,
            hint="install or repair it, or take it out of Docker's config.json and log in again",
        )
