"""Saving: links that only a registry has come into the local store before that registry goes.

``cluster delete`` calls it. What cannot be read is named as lost; nothing stops the deletion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway import scope
from shipway.core.evidence import artifact, bundle
from shipway.core.evidence.link import Link
from shipway.core.evidence.statement import parse as parse_statement
from shipway.core.oci.descriptor import MANIFEST
from shipway.errors import ShipwayError
from shipway.roads.cluster import Saved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.ports.content import Content
    from shipway.core.ports.evidence import Links
    from shipway.core.ports.registry import Registry


def save(domain: str, *, registry: Registry, content: Content, links: Links) -> Saved:
    """Copy every link of the registry at ``domain`` that the store lacks.

    Returns their names, and what could not be read.
    """
    try:
        repositories = registry.repositories(domain)
    except ShipwayError as error:
        return Saved(lost=(f"{domain}: {error}",))
    lost: list[str] = []
    found = [one for name in repositories for one in _tagged(name, registry, lost)]
    outcomes = scope.each(lambda one: _save(*one, registry, content, links), found)
    told = [one for one in outcomes if one]
    return Saved(
        saved=tuple(name for name, fault in told if not fault),
        lost=(*lost, *(f"{name}: {fault}" for name, fault in told if fault)),
    )


def _tagged(
    repository: str, registry: Registry, lost: list[str]
) -> Iterator[tuple[str, Descriptor]]:
    """Yield what each tag stands for, once; every link lies under a tag of its own.

    What cannot be listed or resolved goes to ``lost``, and the rest is yielded all the same.
    """

    def resolve(tag: str) -> Descriptor | str | None:
        try:
            return registry.resolve(repository, tag)
        except ShipwayError as error:
            return f"{repository}:{tag}: {error}"

    try:
        tags = registry.tags(repository)
    except ShipwayError as error:
        lost.append(f"{repository}: {error}")
        return
    seen = set()
    for found in scope.each(resolve, tags):
        if isinstance(found, str):
            lost.append(found)
        elif found is not None and found.digest not in seen and found.media_type == MANIFEST:
            seen.add(found.digest)
            yield repository, found


def _save(
    repository: str, found: Descriptor, registry: Registry, content: Content, links: Links
) -> tuple[str, str] | None:
    """Copy one link; nothing if it is none, or is here already."""
    if content.has(found.digest):
        return None
    name = f"{repository}@{found.digest}"
    try:
        _, data = registry.pull_manifest(repository, found.digest)
        carrier = artifact.parse(data)
        if len(carrier.layers) != 1 or carrier.layers[0].media_type != bundle.MEDIA_TYPE:
            return None
        layer = carrier.layers[0]
        blob = registry.pull_blob(repository, layer)
        envelope = bundle.parse(blob).envelope
        said = parse_statement(envelope.payload)
        if carrier.subject is None:
            return None
        content.put(blob, layer.media_type)
        manifest = content.put(data, MANIFEST)
    except ShipwayError as error:
        return name, str(error)
    links.keep(
        (
            Link(
                predicate_type=said.predicate_type,
                payload=envelope.identity,
                bundle=layer,
                manifest=manifest,
                subject=carrier.subject.digest,
            ),
        )
    )
    return name, ""
