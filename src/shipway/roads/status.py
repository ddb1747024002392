"""Status and history: what runs where, and what ran before, from signed links and live objects.

The CLI calls these. Both only look; a history's faults are named, not hidden.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence.answer import Answer
from shipway.errors import Kind, ShipwayError
from shipway.roads import growth, history, outset, where
from shipway.stages import deploy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence.history import Entry
    from shipway.core.kube.objects import Ref
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.roads.destination import Destination


_STOPPED = frozenset({Answer.UNFINISHED, Answer.ABANDONED})


class Deploy(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a history."""

    number: int
    kind: str
    release: str
    result: str
    """The outcome's word, or ``deploy unfinished``."""
    started: str
    seconds: float | None = None
    reason: str = ""
    causes: tuple[str, ...] = ()
    signer: str


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One environment on one cluster."""

    environment: str
    target: str
    deploys: tuple[Deploy, ...]
    """Newest first."""
    findings: tuple[str, ...] = ()
    objects: dict[str, str] = {}
    """Of the newest deploy: object to how it is."""
    sound: bool = True
    """Whether the history has neither fork nor gap; a deploy that was stopped is no fault of it."""
    unreachable: str = ""
    """Why nothing could be read."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for."""

    targets: tuple[Target, ...]
    store: str = ""
    """How much room the store of this machine takes."""
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        for one in self.targets:
            yield f"{one.environment} on {one.target}"
            for deployed in one.deploys:
                tail = f"  {', '.join(deployed.causes)}" if deployed.causes else ""
                tail += f"  ({deployed.reason})" if deployed.reason else ""
                yield (
                    f"  {deployed.number:6}  {deployed.started}  {deployed.kind:8}"
                    f"  {deployed.result:9}  {deployed.release[:19]}{tail}"
                )
            yield from (f"  {name}: {how}" for name, how in one.objects.items())
            yield from (f"  ! {finding}" for finding in one.findings)
            if one.unreachable:
                yield f"  {one.unreachable}"
            elif not one.deploys and not one.findings:
                yield "  nothing was deployed yet"
        if self.store:
            yield self.store


def past(request: where.WhereRequest, *, limit: int, hands: Hands) -> Told:
    """Return the deploys and rollbacks of an environment, newest first."""
    found = where.destinations(request, hands=hands)
    return _told(_targets(found, limit, hands, live=False))


def now(request: where.WhereRequest, *, hands: Hands) -> Told:
    """Return what runs; without an environment, in all of them that can be reached."""
    if request.environment:
        found = where.destinations(request, hands=hands)
        return _told(_targets(found, 1, hands, live=True), growth.room(hands))
    project = outset.project(request.directory, hands=hands)
    names = list(project.settings.config.environments) or ["dev"]
    targets: list[Target] = []
    for name in names:
        asked = msgspec.structs.replace(request, environment=name)
        try:
            found = where.destinations(asked, hands=hands)
        except ShipwayError as error:
            targets.append(_unreachable(name, "-", error))
        else:
            targets += [_reached(one, 1, hands, live=True) for one in found]
    return _told(tuple(targets), growth.room(hands))


def _told(targets: tuple[Target, ...], store: str = "") -> Told:
    kind = Kind.MISSING if any(one.unreachable for one in targets) else None
    return Told(
        targets=targets,
        store=store,
        exit_kind=kind if all(one.sound for one in targets) else Kind.INTEGRITY,
    )


def _targets(
    found: tuple[Destination, ...], limit: int, hands: Hands, *, live: bool
) -> tuple[Target, ...]:
    """Return what all targets say; a lone one that cannot be reached is an error."""
    look = _target if len(found) == 1 else _reached
    return tuple(look(one, limit, hands, live=live) for one in found)


def _reached(destination: Destination, limit: int, hands: Hands, *, live: bool) -> Target:
    """Return what a target says, or why it could not be asked; the others are shown anyway."""
    try:
        return _target(destination, limit, hands, live=live)
    except ShipwayError as error:
        if error.kind is Kind.CANCELLED:
            raise
        return _unreachable(destination.environment, destination.context, error)


def _unreachable(environment: str, target: str, error: ShipwayError) -> Target:
    return Target(
        environment=environment,
        target=target,
        deploys=(),
        unreachable=str(error),
        sound=error.kind is not Kind.INTEGRITY,
    )


def _target(destination: Destination, limit: int, hands: Hands, *, live: bool) -> Target:
    kube = hands.kube(destination.context)
    head = history.head(destination.project, destination.environment, destination.target, kube=kube)
    read = history.read(destination.history(limit + 1), registry=hands.registry, head=head)
    entries = read.entries[:limit]
    return Target(
        environment=destination.environment,
        target=destination.context,
        deploys=tuple(_deploy(one) for one in entries),
        findings=tuple(str(one) for one in read.findings),
        sound=all(one.answer in _STOPPED for one in read.findings),
        objects=_objects(entries[0], kube) if live and entries else {},
    )


def _deploy(entry: Entry) -> Deploy:
    outcome = entry.outcome
    return Deploy(
        number=entry.intent.sequence,
        kind=entry.intent.kind,
        release=entry.intent.release,
        result=outcome.result if outcome else "deploy unfinished",
        started=entry.intent.signed_on,
        seconds=outcome.seconds if outcome else None,
        reason=entry.intent.reason,
        causes=outcome.causes if outcome else (),
        signer=entry.link.signer,
    )


def _objects(entry: Entry, kube: Kube) -> dict[str, str]:
    from shipway.core.kube import health  # noqa: PLC0415  the status of one environment only

    found = {}
    applied = entry.outcome.objects if entry.outcome else ()
    for one in deploy.standing(applied, kube=kube):
        if health.watched(one.ref.group, one.ref.kind):
            found[str(one.ref)] = _how(one.ref, kube)
    return found


def _how(ref: Ref, kube: Kube) -> str:
    from shipway.core.kube.scene import Scene  # noqa: PLC0415

    live = kube.get(ref)
    if live is None:
        return "gone"
    scene = Scene()
    scene.put(live)
    judged = scene.health(live)
    return f"{judged.state.value} {judged.message}".strip()
