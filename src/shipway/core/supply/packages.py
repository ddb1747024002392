"""Packages that distributions install: the databases of apk and dpkg, and what system it is.

An image's layers may come from anybody, so nothing here raises: lines that mean nothing are passed
over, and a field that is missing is empty.
Spec: Alpine wiki, Apk spec (installed database); deb-control(5), dpkg's status and the
``status.d`` of distroless images; os-release(5).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from shipway.core.patterns import late
from shipway.core.supply import bom, licences, purl
from shipway.core.supply.bom import Component, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
DPKG = "var/lib/dpkg/status"
DPKG_FOLDER = "var/lib/dpkg/status.d/"
RELEASES = ("etc/os-release", "usr/lib/os-release")
RPM = ("var/lib/rpm/", "usr/lib/sysimage/rpm/")

_NAME = late(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,199}\Z")
_SOURCE = late(r"([^\s(]+)(?:\s+\(([^)]+)\))?")
_RELATION = late(r"[<>=~ (\[:]")
_LONGEST = 300


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One installed package, as its database has it."""

    kind: str
    """``apk`` or ``deb``, as in its package URL."""
    name: str
    version: str
    architecture: str = ""
    origin: str = ""
    """Name of the source package where it is another one, with ``@VERSION`` if that is, too."""
    licence: str = ""
    """Valid as an SPDX expression, else empty."""
    stated: str = ""
    """The licence in the database's own words."""
    maintainer: str = ""
    provides: tuple[str, ...] = ()
    needs: tuple[tuple[str, ...], ...] = ()
    """What it needs; of each the alternatives."""


class System(msgspec.Struct, frozen=True):
    """What distribution it is."""

    id: str = ""
    version: str = ""


def is_wanted(path: str) -> bool:
    """Return whether a file says what is installed."""
    if path.startswith(DPKG_FOLDER):
        return not path.endswith(".md5sums")
    return path in {*APK, DPKG, *RELEASES}


def system(files: Mapping[str, bytes]) -> System:
    """Return the distribution that an image's files name."""
    for path in RELEASES:
        said = {}
        for line in _text(files.get(path, b"")).splitlines():
            key, _, value = line.partition("=")
            said[key.strip()] = value.strip().strip("\"'")[:_LONGEST]
        if _NAME.match(said.get("ID", "")):
            return System(said["ID"], said.get("VERSION_ID", ""))
    return System()


def installed(files: Mapping[str, bytes]) -> tuple[Package, ...]:
    """Return all packages in an image's databases, sorted by name and version."""
    found: dict[tuple[str, str, str, str], Package] = {}
    for path in sorted(files):
        if path in APK:
            some = _apk(files[path])
        elif path == DPKG or path.startswith(DPKG_FOLDER):
            some = _dpkg(files[path])
        else:
            continue
        for one in some:
            if _NAME.match(one.name) and one.version:
                found[one.name, one.version, one.architecture, one.kind] = one
    return tuple(found[key] for key in sorted(found))


def components(
    packages: Iterable[Package], release: System
) -> tuple[tuple[Component, ...], tuple[Relation, ...], tuple[str, ...]]:
    """Return packages as components, who needs whom, and those whose needs are not all there."""
    found = [(one, _component(one, release)) for one in packages]
    owners: dict[str, str] = {}
    for one, component in found:
        for name in (one.name, *one.provides):
            owners.setdefault(name, component.ref)
    relations: dict[Relation, None] = {}
    open_: list[str] = []
    for one, component in found:
        for alternatives in one.needs:
            target = next((owners[name] for name in alternatives if name in owners), "")
            if not target:
                open_.append(component.ref)
            elif target != component.ref:
                relations[Relation(component.ref, bom.DEPENDS_ON, target)] = None
    return (
        tuple(component for _, component in found),
        tuple(relations),
        tuple(dict.fromkeys(open_)),
    )


def _component(one: Package, release: System) -> Component:
    said = (
        f"maintained by {one.maintainer}" if one.maintainer else "",
        f"its database states the licence {one.stated}" if one.stated and not one.licence else "",
    )
    return Component(
        ref=bom.ref(one.kind, one.name, f"{one.version}-{one.architecture}"),
        kind=bom.LIBRARY,
        name=one.name,
        version=one.version,
        purl=located(one, release),
        declared=one.licence,
        comment="; ".join(part for part in said if part),
    )


def located(one: Package, release: System) -> str:
    """Return a package's URL; its distribution is a qualifier, as scanners expect it."""
    distro = "-".join(part for part in (release.id, release.version) if part)
    qualifiers = {"arch": one.architecture, "distro": distro, "upstream": one.origin}
    return purl.packaged(one.kind, release.id, one.name, one.version, qualifiers)


def _apk(data: bytes) -> Iterator[Package]:
    for paragraph in _text(data).split("\n\n"):
        said: dict[str, str] = {}
        for line in paragraph.splitlines():
            key, colon, value = line.partition(":")
            if colon and len(key) == 1:
                said.setdefault(key, value.strip())
        name, origin = said.get("P", ""), said.get("o", "")
        yield Package(
            kind="apk",
            name=name,
            version=said.get("V", "")[:_LONGEST],
            architecture=said.get("A", "")[:_LONGEST],
            origin="" if origin == name else origin[:_LONGEST],
            licence=licences.expression(said.get("L", "")),
            stated=said.get("L", "")[:_LONGEST],
            maintainer=said.get("m", "")[:_LONGEST],
            provides=tuple(_bare(word) for word in said.get("p", "").split()),
            needs=tuple((_bare(word),) for word in said.get("D", "").split() if word[0] != "!"),
        )


def _dpkg(data: bytes) -> Iterator[Package]:
    for paragraph in re.split(r"\n[ \t]*\n", _text(data)):
        said: dict[str, str] = {}
        for line in paragraph.splitlines():
            key, colon, value = line.partition(":")
            if colon and not line[:1].isspace():
                said.setdefault(key.lower(), value.strip())
        if said.get("status", "installed").rpartition(" ")[2] != "installed":
            continue
        source = _SOURCE.match(said.get("source", ""))
        needs = f"{said.get('pre-depends', '')},{said.get('depends', '')}"
        yield Package(
            kind="deb",
            name=said.get("package", ""),
            version=said.get("version", "")[:_LONGEST],
            architecture=said.get("architecture", "")[:_LONGEST],
            origin="@".join(part for part in source.groups() if part)[:_LONGEST] if source else "",
            maintainer=said.get("maintainer", "")[:_LONGEST],
            provides=tuple(_bare(word.strip()) for word in said.get("provides", "").split(",")),
            needs=tuple(
                tuple(_bare(word.strip()) for word in one.split("|"))
                for one in needs.split(",")
                if one.strip()
            ),
        )


def _bare(word: str) -> str:
    """Return a name without version, architecture or repository."""
    prefix, colon, rest = word.partition(":")
    if colon and prefix in {"so", "cmd", "pc", "py3.11", "py3.12"}:
        return f"{prefix}:{_RELATION.split(rest, maxsplit=1)[0]}"
    return _RELATION.split(word, maxsplit=1)[0]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
