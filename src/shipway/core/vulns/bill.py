"""What runs, by the SBOMs of a release: services, images, modules, and where they came from.

``affected`` reads it once a release and keeps it, since none of it changes; matching it with a
database is then a look into a dictionary. SPDX and CycloneDX documents are read, by anybody's
words for a package: its purl (purl-spec, type golang).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

from shipway.core.evidence import release as sealed
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipway.core.evidence.link import Verified
    from shipway.core.evidence.walk import Evidence

_GO = "pkg:golang/"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One service of a release."""

    service: str
    repository: str
    images: tuple[Digest, ...]
    """Its image, or its index and all that the index lists."""
    modules: tuple[tuple[str, str], ...] = ()
    """Go modules and their versions, the standard library as ``stdlib``."""
    commit: str = ""
    """The commit it was built from, or ``tree ID`` where there was none."""
    signer: str = ""
    """Fingerprint of the key that signed for its build."""
    known: bool = False
    """Whether it has an SBOM that counts; else nothing can be said of it."""


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A release, and what it is made of."""

    release: Digest
    parts: tuple[Part, ...]

    @property
    def modules(self) -> frozenset[str]:
        """Return the paths of all its modules."""
        return frozenset(module for part in self.parts for module, _ in part.modules)


def of(evidence: Evidence, release: Digest, repository: str) -> Bill:
    """Return the bill of a release that lies in ``repository``, from what was verified of it."""
    contents = evidence.releases.get(release)
    parts = tuple(
        part(evidence, one.name, sealed.absolute(one.repository, repository), one.image)
        for one in (contents.services if contents else ())
    )
    return Bill(release=release, parts=parts)


def part(evidence: Evidence, name: str, repository: str, image: Digest) -> Part:
    """Return what an image or index is made of, from what was verified of it."""
    images = _images(evidence, image)
    bills = [link for one in images for link in evidence.about(one, "sbom")]
    builds = [link for one in images for link in evidence.about(one, "build")]
    return Part(
        service=name,
        repository=repository,
        images=images,
        modules=modules(link.statement.predicate for link in bills),
        commit=next(filter(None, map(_commit, builds)), ""),
        signer=builds[0].signer if builds else "",
        known=bool(bills),
    )


def modules(documents: Iterable[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    """Return the Go modules that SPDX or CycloneDX documents name, sorted."""
    return tuple(sorted({found for one in documents for found in _purls(one)}))


def _images(evidence: Evidence, image: Digest) -> tuple[Digest, ...]:
    manifest = evidence.manifests.get(image)
    return (image, *(one.digest for one in (manifest.manifests if manifest else ())))


def _purls(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for package in _list(document.get("packages")):
        for reference in _list(package.get("externalRefs")):
            if reference.get("referenceType") == "purl":
                yield from _golang(reference.get("referenceLocator"))
    for component in _list(document.get("components")):
        yield from _golang(component.get("purl"))


def _golang(purl: object) -> Iterator[tuple[str, str]]:
    if isinstance(purl, str) and purl.startswith(_GO):
        plain = purl.removeprefix(_GO).partition("?")[0].partition("#")[0]
        path, _, version = plain.partition("@")
        yield unquote(path), unquote(version)


def _commit(link: Verified) -> str:
    definition = link.statement.predicate.get("buildDefinition")
    listed = definition.get("resolvedDependencies") if isinstance(definition, dict) else None
    digests = [one.get("digest") for one in _list(listed)]
    for kind, word in (("gitCommit", ""), ("gitTree", "tree ")):
        for digest in digests:
            if isinstance(digest, dict) and isinstance(digest.get(kind), str):
                return f"{word}{digest[kind]}"
    return ""


def _list(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
