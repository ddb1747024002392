"""The person for whom a process works: their environment, folders, files and keys.

Environment variables are read here and nowhere below.
"""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from shipway import redaction
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shipway.adapters.keys import KeyFolder
    from shipway.core.evidence.key import PublicKey
    from shipway.core.evidence.trust import TrustedKey
    from shipway.core.keyless.instance import Said
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.journal import Runs
    from shipway.core.ports.signer import Sealer, Signer
    from shipway.core.run.events import Event
    from shipway.core.vulns.gate import Rules

    Emit = Callable[[Event], None]

_Section = TypeVar("_Section")
TOKENS = ("SHIPWAY_ID_TOKEN", "SIGSTORE_ID_TOKEN")
"""Variables that hold an identity token; GitLab CI sets the second where a job asks for it."""
GITHUB = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""With it, anybody may ask GitHub Actions for tokens of the job."""
PASSPHRASE = ("SHIPWAY_KEY_PASSWORD", "COSIGN_PASSWORD")


class _OwnStore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[store]`` of the person's own configuration."""

    limit: str = "5Gi"
    """Bytes, as Kubernetes writes quantities."""


class Person:
    """What a process has of the person who started it, each part on its first use."""

    def __init__(
        self, emit: Emit, environ: dict[str, str] | None = None, *, ask: bool = True
    ) -> None:
        """Remember who hears events; ``ask`` lets a terminal be asked for a passphrase."""
        self._emit = emit
        self._asks = ask
        self._passphrase: str | None = None
        self._told: set[str] = set()
        self.variables = dict(os.environ if environ is None else environ)
        for name in PASSPHRASE:
            said = self.variables.pop(name, None)
            os.environ.pop(name, None)
            if said is not None and self._passphrase is None:
                self._passphrase = said
        if self._passphrase:
            redaction.add(self._passphrase)
        self.variables |= _spelt(self.variables)
        self.held = {name: found for name in self._tokens() if (found := self._take(name))}
        self.variables = self._networked()
        self._hide_proxies()

    def _take(self, name: str) -> redaction.Secret | None:
        """Return a secret of the environment, which no child will see any more."""
        said = self.variables.pop(name, None)
        os.environ.pop(name, None)
        return redaction.Secret(said) if said else None

    def _tokens(self) -> tuple[str, ...]:
        """Return the variables that may hold identity tokens."""
        trust = self._said.get("trust", {})
        said = str(trust.get("token", "")) if isinstance(trust, dict) else ""
        kind, _, name = said.partition(":")
        return (*TOKENS, GITHUB, *((name,) if kind == "env" and name else ()))

    def _networked(self) -> dict[str, str]:
        """Return the variables with what the person's own ``[network]`` adds."""
        if "network" not in self._said:
            return self.variables
        from shipway.wiring.network import OwnNetwork, variables

        own = self._section("network", OwnNetwork)
        base, cache = Path(self.config_folder), Path(self.cache_folder)
        return variables(self.variables, own, base=base, cache=cache)

    def _hide_proxies(self) -> None:
        """Mask the logins of all proxies, before anybody speaks of them."""
        for name, said in self.variables.items():
            if name.lower() in {"https_proxy", "http_proxy", "all_proxy"} and "@" in said:
                from shipway.adapters.http.network import hide_login

                hide_login(said)

    @cached_property
    def home(self) -> Path:
        """Return the person's home folder."""
        return Path(self.variables.get("HOME") or Path.home())

    def folder(self, variable: str, usual: str) -> str:
        """Return Shipway's folder below an XDG base directory."""
        return str(Path(self.variables.get(variable) or self.home / usual) / "shipway")

    @cached_property
    def cache_folder(self) -> str:
        """Return where what can be made again lies."""
        return self.folder("XDG_CACHE_HOME", ".cache")

    @cached_property
    def state_folder(self) -> str:
        """Return where the records of runs lie."""
        return self.folder("XDG_STATE_HOME", ".local/state")

    @cached_property
    def data_folder(self) -> str:
        """Return where the store lies."""
        return self.folder("XDG_DATA_HOME", ".local/share")

    @cached_property
    def config_folder(self) -> str:
        """Return where keys and the person's own configuration lie."""
        return self.folder("XDG_CONFIG_HOME", ".config")

    @cached_property
    def account(self) -> Any:  # noqa: ANN401  the adapter's
        """Return for whom the work is done."""
        from shipway.adapters.userfiles import person

        return person(self.variables)

    @cached_property
    def userfiles(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return the person's own files."""
        from shipway.adapters.userfiles import AccountFiles

        return AccountFiles(self.account, self.variables)

    @cached_property
    def clock(self) -> Clock:
        """Return the time of this machine."""
        from shipway.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def processes(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return what runs programs."""
        from shipway.adapters.process import SystemProcesses

        return SystemProcesses()

    @cached_property
    def runs(self) -> Runs:
        """Return the journals of this person's runs."""
        from shipway.adapters.journal import LocalRuns

        return LocalRuns(self.state_folder)

    @cached_property
    def keys(self) -> KeyFolder:
        """Return where the person's key lies."""
        from shipway.adapters.keys import KeyFolder

        return KeyFolder(
            str(Path(self.config_folder) / "keys"),
            passphrase=self._passphrase,
            ask=self._ask,
            on_made=self._made,
        )

    def _made(self, fingerprint: str) -> None:
        """Say which key was just made, by no run: a key outlives all of them."""
        from shipway.core.run.events import Fact

        self._emit(Fact(run="", trace="", at=self.clock.now(), name="key", value=fingerprint))

    @cached_property
    def _signer(self) -> Signer:
        return self.keys.signer()

    def signer(self) -> Signer:
        """Return the person's key, made now if there is none."""
        return self._signer

    def at_hand(self) -> bool:
        """Return whether the person's key is there and opens without asking anybody."""
        return "_signer" in vars(self) or self.keys.at_hand()

    def fingerprint(self) -> str:
        """Return that of the person's key, without opening it where it is there."""
        return self._public().fingerprint

    def _public(self) -> PublicKey:
        """Return the person's public key; one that is not there is written from the private one."""
        try:
            return self.keys.public_key()
        except ShipwayError as error:
            if error.id != "key.missing":
                raise
            return self.signer().public_key

    def trusted(self, paths: tuple[str, ...], *, own: bool) -> tuple[TrustedKey, ...]:
        """Return the keys at ``paths``, of the person's ``[trust]``, and the own one."""
        from shipway.adapters.keys import public_key
        from shipway.core.evidence.trust import TrustedKey

        found = [
            TrustedKey(key=public_key(path), name=path, passphrase=self._guarded(path))
            for path in (*paths, *self._configured())
        ]
        if own:
            found.append(TrustedKey(key=self._public(), name="your own key", passphrase=False))
        return tuple(found)

    def _guarded(self, path: str) -> bool:
        """Return whether a key is not known to lie here without a passphrase."""
        from shipway.adapters.keys import public_key

        if not self.keys.exists():
            return True
        if public_key(path).fingerprint != self._public().fingerprint:
            return True
        return self.keys.guarded()

    def _configured(self) -> Iterable[str]:
        """Return the key files that the person's own configuration trusts."""
        return tuple(str(self.own_path(one)) for one in self.trust.keys)

    @cached_property
    def trust(self) -> Said:
        """Return ``[trust]`` of the person's own configuration."""
        from shipway.core.keyless.instance import Said

        return self._section("trust", Said)

    def own_path(self, path: str) -> Path:
        """Return a path that the own configuration names, which counts from its folder."""
        return self._own_file.parent / path

    @cached_property
    def _sealer(self) -> Sealer:
        from shipway.wiring.keyless import sealer

        return sealer(self, emit=self._emit, ask=None if self._ask is None else _line)

    def sealer(self) -> Sealer:
        """Return who signs by the person's, or the job's, identity."""
        return self._sealer

    @property
    def _ask(self) -> Callable[[str], str] | None:
        """Return what asks the person; none where nobody can be asked."""
        return _ask if self._asks and sys.stdin and sys.stdin.isatty() else None

    @cached_property
    def limit(self) -> int:
        """Return how many bytes the store may have."""
        from shipway.core.kube import quantity

        said = self._section("store", _OwnStore).limit
        found = quantity.value(said)
        if found is None or found < 0:
            raise self._wrong(ValueError(f"limit = {said!r} is no quantity, as in 5Gi"), "store")
        return int(found)

    @cached_property
    def scan_rules(self) -> Rules:
        """Return the person's ``[scan]``; a folder counts from the configuration's own."""
        from shipway.core.vulns.gate import Rules

        rules = self._section("scan", Rules)
        if "://" in rules.database:
            return rules
        place = str(self._own_file.parent / rules.database)
        return msgspec.structs.replace(rules, database=place)

    @property
    def _own_file(self) -> Path:
        return Path(self.config_folder) / "config.toml"

    @cached_property
    def _said(self) -> dict[str, Any]:
        """Return the person's own configuration, empty where there is none."""
        try:
            text = self._own_file.read_text()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise self._wrong(error) from error
        import tomllib

        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self._wrong(error) from error

    def _section(self, name: str, kind: type[_Section]) -> _Section:
        try:
            return msgspec.convert(self._said.get(name, {}), kind)
        except msgspec.ValidationError as error:
            raise self._wrong(error, name) from error

    def _wrong(self, error: Exception, section: str = "") -> ShipwayError:
        where = f"[{section}] " if section else ""
        return ShipwayError(
            "config.syntax",
            Kind.CONFIG,
            f"{where}{error}",
            operation="reading",
            subject=str(self._own_file),
            hint="mend it; docs/config.md says what may stand there",
        )


def _spelt(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the proxy variables in both spellings, where either is set; lower case goes first.

    Clients differ: Go takes the upper case first, and git reads no ``HTTP_PROXY`` at all.
    """
    names = ("https_proxy", "http_proxy", "no_proxy")
    said = {name: variables.get(name) or variables.get(name.upper()) or "" for name in names}
    return {at: text for name, text in said.items() if text for at in (name, name.upper())}


def _line(prompt: str) -> str:
    """Return what a person answers, which may be seen."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _ask(prompt: str) -> str:
    import getpass

    return getpass.getpass(prompt)
