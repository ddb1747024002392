"""From a person's own ``[trust]`` to who signs without a key, and a word on what stays public."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import shipway
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.adapters.sigstore.sealer import KeylessSealer
    from shipway.adapters.sigstore.tokens import Token
    from shipway.core.keyless.instance import Instance
    from shipway.core.ports.clock import Clock
    from shipway.core.run.events import Event
    from shipway.core.sigstore.trustedroot import TrustedRoot
    from shipway.wiring.person import Person

PUBLIC_ROOT = Path(shipway.__file__).parent / "trust" / "sigstore-public-good.json"


def sealer(
    person: Person, *, emit: Callable[[Event], None], ask: Callable[[str], str] | None
) -> KeylessSealer:
    """Return who signs by an identity, for what ``[trust]`` says; nobody is asked anything yet.

    Raises:
        ShipwayError: ``keyless.*``, ``trust.invalid`` (config), ``identity.missing`` (missing).
    """
    from shipway.adapters.http.network import from_environment
    from shipway.adapters.sigstore.sealer import KeylessSealer
    from shipway.adapters.sigstore.tokens import Tokens, source
    from shipway.core.keyless import instance as instances

    said = person.trust
    chosen = instances.choose(said)
    if chosen.public and not said.public and ask is None:
        instances.refuse_unsaid()
    network = from_environment(person.variables)
    token = said.token
    if token.startswith("file:"):
        token = f"file:{person.own_path(token.removeprefix('file:'))}"
    find = source(
        token,
        audience=chosen.audience,
        held=person.held,
        variables=person.variables,
        network=network,
    )
    return KeylessSealer(
        chosen,
        _root(person, said.root, public=chosen.public),
        Tokens(find, audience=chosen.audience, clock=person.clock),
        network=network,
        processes=person.processes,
        clock=person.clock,
        before=Word(chosen, person.clock, emit, None if said.public else ask),
    )


def _root(person: Person, path: str, *, public: bool) -> TrustedRoot:
    from shipway.core.sigstore import trustedroot

    if not path and not public:
        raise ShipwayError(
            "keyless.unset",
            Kind.CONFIG,
            "[trust] in your own config.toml says no root",
            operation="choosing",
            subject="where to sign without a key",
            hint='write root = "trusted_root.json", as `cosign trusted-root create` makes it',
        )
    file = person.own_path(path) if path else PUBLIC_ROOT
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ShipwayError(
            "trust.invalid",
            Kind.CONFIG,
            error.strerror or str(error),
            operation="reading the trusted root",
            subject=str(file),
            hint="[trust] root in your own config.toml names it",
        ) from error
    return trustedroot.parse(data)


class Word:
    """Says once, before the first upload, what the public instance will show for ever."""

    def __init__(
        self,
        instance: Instance,
        clock: Clock,
        emit: Callable[[Event], None],
        ask: Callable[[str], str] | None,
    ) -> None:
        """Say nothing yet; ``ask`` is none where the configuration agreed."""
        self._instance = instance
        self._clock = clock
        self._emit = emit
        self._ask = ask
        self._lock = threading.Lock()
        self._said = False

    def __call__(self, token: Token) -> None:
        """Say it, and ask where the configuration did not agree."""
        from shipway.core.keyless.instance import refuse_unsaid, shown
        from shipway.core.run.events import Fact

        with self._lock:
            if self._said:
                return
            name = self._instance.identity or next(iter(token.identity.names), "")
            lines = shown(self._instance, name)
            for line in lines:
                now = self._clock.now()
                self._emit(Fact(run="", trace="", at=now, name="public", value=line))
            if lines and self._ask is not None and self._ask("Write there? [y/N] ") != "y":
                refuse_unsaid()
            self._said = True
