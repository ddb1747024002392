"""Affected: which pods, services and commits a vulnerability reaches, by the SBOMs of what runs.

The CLI calls :func:`affected`. What serves is known from each target's history, what is in it from
verified SBOM links; how near it comes to being run from the newest scan link, where there is one.
What a release is made of never changes and is kept on this machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import __version__, scope
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.scanned import newest
from shipway.core.evidence.statement import timestamp
from shipway.core.evidence.walk import Walk
from shipway.core.kube import pods
from shipway.core.kube.objects import ref_of
from shipway.core.oci.digest import of, parse
from shipway.core.ports.kube import Selection
from shipway.core.project import settings
from shipway.core.vulns import bill as bills
from shipway.core.vulns import osv
from shipway.core.vulns.bill import Bill
from shipway.core.vulns.reach import Index
from shipway.errors import Kind, ShipwayError
from shipway.roads import history, outset, scanning, where
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence.trust import Trust
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.hands import Hands
    from shipway.core.vulns.bill import Part
    from shipway.core.vulns.reach import Match
    from shipway.roads.destination import Destination

UNSCANNED = "not scanned"
_PASSED = "passed"
"""State of a head whose newest intent ended well."""


class AffectedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    where: where.WhereRequest
    """Its environment is empty for all of them."""
    id: str = ""
    """Any name of a vulnerability; empty: all that are known."""
    database: str = ""
    """In place of the one that the rules name."""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """One vulnerability in one service that serves."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    environment: str
    target: str
    service: str
    module: str
    version: str
    fixed: str
    grade: str
    """As the newest scan link has it, or ``not scanned``."""
    release: str
    image: str
    commit: str
    owner: str
    """The key that signed for its build, by the name it has here."""
    pods: tuple[str, ...]
    """``NAMESPACE/NAME`` of those that run it."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is reached, and of what nothing can be said."""

    reached: tuple[Reached, ...]
    unknown: tuple[str, ...] = ()
    """Targets that cannot be asked, and services without an SBOM that counts."""
    releases: int
    database: str
    modified: str
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        said = ""
        for one in self.reached:
            if one.id != said:
                names = f" ({', '.join(one.aliases)})" if one.aliases else ""
                yield f"{one.id}{names} {one.summary}".rstrip()
                said = one.id
            mend = f"fixed in {one.fixed}" if one.fixed else "no fix is known"
            yield f"  {one.environment} on {one.target}: {one.service}, {one.grade}"
            yield f"    {one.module}@{one.version} ({mend})"
            yield f"    commit {one.commit or 'unknown'}, signed by {one.owner or 'nobody'}"
            yield f"    pods {', '.join(one.pods) or 'none'}"
        yield from (f"unknown: {one}" for one in self.unknown)
        count = len({(one.environment, one.target, one.service) for one in self.reached})
        if not count:
            yield "the database knows nothing of that about any module that serves"
        yield (
            f"{count} services of {self.releases} releases reached, database of {self.modified} "
            f"({self.database})"
        )


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What serves on one target."""

    place: Destination
    bill: Bill


def affected(request: AffectedRequest, *, hands: Hands) -> Told:
    """Return what a vulnerability, or all that are known, reaches of what serves now.

    Raises:
        ShipwayError: ``scan.stale`` (rejected), ``scan.database``; why an environment that was
            named cannot be asked.
    """
    unknown: list[str] = []
    with scope.open():
        found = serving(request.where, unknown, hands=hands)
    rules = scanning.named(hands.scan_rules, request.database)
    modules = frozenset(module for one in found for module in one.bill.modules)
    database = scanning.opened(modules, rules, hands=hands)
    entries = [osv.read(one) for one in hands.databases.entries(database, modules)]
    wanted = [one for one in entries if request.id in {"", *one.names}]
    index = Index(wanted)
    reached = [hit for one in found for hit in _hits(one, index, hands)]
    unknown += [
        f"{one.place.environment} on {one.place.context}: {part.service} has no SBOM that counts"
        for one in found
        for part in one.bill.parts
        if not part.known
    ]
    return Told(
        reached=tuple(sorted(reached, key=lambda one: (one.id, one.environment, one.service))),
        unknown=tuple(unknown),
        releases=len({one.bill.release for one in found}),
        database=database.source,
        modified=timestamp(database.modified),
        exit_kind=Kind.MISSING if unknown else None,
    )


def serving(
    request: where.WhereRequest, unknown: list[str], *, hands: Hands
) -> tuple[Serving, ...]:
    """Return what serves on the targets that can be asked; why others cannot goes to ``unknown``.

    Raises:
        ShipwayError: why an environment that was named cannot be asked.
    """
    loaded = outset.project(request.directory, hands=hands)
    names = (
        [request.environment]
        if request.environment
        else list(loaded.settings.config.environments) or [settings.DEV]
    )
    places: list[Destination] = []
    for name in names:
        try:
            asked = msgspec.structs.replace(request, environment=name)
            places += where.destinations(asked, hands=hands, loaded=loaded)
        except ShipwayError as error:
            if request.environment or error.kind is Kind.CANCELLED:
                raise
            unknown.append(f"{name}: {error}")

    def one(place: Destination) -> Serving | str | None:
        try:
            return _serving(place, hands)
        except ShipwayError as error:
            if error.kind is Kind.CANCELLED:
                raise
            return f"{place.environment} on {place.context}: {error}"

    told = scope.each(one, places)
    unknown += [at for at in told if isinstance(at, str)]
    return tuple(at for at in told if isinstance(at, Serving))


def _serving(place: Destination, hands: Hands) -> Serving | None:
    kube = hands.kube(place.context)
    head = history.head(place.project, place.environment, place.target, kube=kube)
    key = _key(place, [place.environment, place.target, head])
    release = _remembered(key, hands) if head.state == _PASSED else None
    if release is None:
        past = history.recent(place.history(), registry=hands.registry, head=head)
        newest_passed = past.newest_passed
        if newest_passed is None:
            return None
        release = newest_passed.intent.release
        if newest_passed.intent.sequence == head.sequence:
            hands.cache.put(key, release.encode())
    return Serving(place=place, bill=_bill(place, release, hands))


def _remembered(key: Digest, hands: Hands) -> Digest | None:
    """Return the release that an intent at the head was verified to have brought, if it was."""
    kept = hands.cache.get(key)
    return None if kept is None else parse(kept.decode())


def _key(place: Destination, about: list[object]) -> Digest:
    """Return a key for what was verified under this trust, whatever it consists of."""
    keys = sorted([one.key.fingerprint, *_told(one, "key", "name")] for one in place.trust.keys)
    words = ["serving", __version__, place.evidence, about, keys, _told(place.trust, "keys")]
    return of(msgspec.json.encode(words))


def _told(value: msgspec.Struct, *without: str) -> list[str]:
    """Return the other fields of a value, each by its name."""
    names = (name for name in value.__struct_fields__ if name not in without)
    return [f"{name}={getattr(value, name)!r}" for name in names]


def _bill(place: Destination, release: Digest, hands: Hands) -> Bill:
    """Return what a release is made of, as it was read once under the same trust."""
    key = _key(place, [release])
    kept = hands.cache.get(key)
    if kept is not None:
        return msgspec.json.decode(kept, type=Bill)
    walk = Walk(trust=place.trust, policy=built_in().policy)
    walk.release(place.evidence, release)
    made = bills.of(drive(walk, RegistrySource(hands.registry)), release, place.evidence)
    if made.parts and all(part.known for part in made.parts):
        hands.cache.put(key, msgspec.json.encode(made))
    return made


def _hits(one: Serving, index: Index, hands: Hands) -> Iterator[Reached]:
    for part in one.bill.parts:
        matches = index.matches(part)
        if matches:
            near = grades(part, one.place.trust, hands)
            running = _pods(part, one.place, hands)
            for match in matches:
                yield _reached(one, part, match, near.get((match.id, match.module)), running)


def _reached(
    one: Serving, part: Part, match: Match, grade: str | None, running: tuple[str, ...]
) -> Reached:
    named = {key.key.fingerprint: key.name for key in one.place.trust.keys}
    return Reached(
        id=match.id,
        aliases=match.aliases,
        summary=match.summary,
        environment=one.place.environment,
        target=one.place.context,
        service=part.service,
        module=match.module,
        version=match.version,
        fixed=match.fixed,
        grade=grade or UNSCANNED,
        release=one.bill.release,
        image=f"{part.repository}@{part.images[0]}",
        commit=part.commit,
        owner=named.get(part.signer) or part.signer,
        pods=running,
    )


def grades(part: Part, trust: Trust, hands: Hands) -> dict[tuple[str, str], str]:
    """Return how near each vulnerability comes, by the newest scan link of a service's images."""
    walk = Walk(trust=trust, policy=built_in().policy)
    for image in part.images:
        walk.referrers(part.repository, image)
    return newest(drive(walk, RegistrySource(hands.registry)).links)


def _pods(part: Part, place: Destination, hands: Hands) -> tuple[str, ...]:
    kube = hands.kube(place.context)
    found = [
        pod
        for namespace in place.namespaces
        for pod in kube.list(Selection("v1", "Pod", namespace=namespace))
        if any(image.digest in part.images for image in pods.images(pod))
    ]
    refs = sorted((ref_of(pod) for pod in found), key=lambda ref: (ref.namespace, ref.name))
    return tuple(f"{ref.namespace}/{ref.name}" for ref in refs)
