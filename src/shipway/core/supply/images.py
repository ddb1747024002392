"""What is in an image: programs, and the packages of what it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang.binary import Module
from shipway.core.golang.buildinfo import BuildInfo
from shipway.core.oci.descriptor import Platform  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.supply import bom, packages, programs
from shipway.core.supply.bom import Bom, Component, Relation
from shipway.core.supply.programs import Known, Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.golang.binary import Binary
    from shipway.core.oci.image import Image, Package
    from shipway.core.project.source import Source
    from shipway.core.supply.packages import System
    from shipway.core.supply.rootfs import Rootfs

IMAGE = "Image"


def made(binary: Binary, image: Image, source: Source) -> Bom:
    """Return what is in an image of ours; the build has read its program already."""
    commit = f"git commit {source.commit}, " if not source.dirty else ""
    name = binary.package.rpartition("/")[2] or binary.module
    program = Program(
        name=name,
        digest=binary.content.digest,
        info=BuildInfo(
            go_version=binary.go_version,
            package=binary.package,
            main=Module(path=binary.module),
            modules=binary.modules,
            settings={"GOOS": binary.platform.os, "GOARCH": binary.platform.architecture},
        ),
    )
    known = Known(
        version=source.version,
        origin=f"{commit}git tree {source.tree}",
        needs=binary.needs,
        licences=binary.licences,
    )
    inner = programs.contents(program, known)
    layers = ", ".join(layer.diff_id for layer in image.layers)
    whole = Component(
        ref=IMAGE,
        kind=bom.CONTAINER,
        name=name,
        version=source.version,
        comment=f"image for {image.platform} with config {image.config.digest}, layers {layers}",
    )
    based = tuple(packaged(one) for one in image.base.packages)
    return Bom(
        name=f"{name} {source.version}",
        time=source.time,
        subject=IMAGE,
        components=(whole, *inner.components, *based),
        relations=(
            Relation(IMAGE, bom.CONTAINS, inner.subject),
            *inner.relations,
            *(Relation(IMAGE, bom.CONTAINS, one.ref) for one in based),
        ),
        open=(*inner.open, *(one.ref for one in based)),
        notes=inner.notes,
    )


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """An image of anybody for one platform."""

    name: str
    version: str = ""
    manifest: Digest
    config: Digest
    created: str = ""
    platform: Platform
    diff_ids: tuple[Digest, ...]
    purl: str = ""


def looked(image: Pulled, found: Rootfs) -> Bom:
    """Return what is in an image of anybody, by what its layers amount to."""
    layers = ", ".join(image.diff_ids)
    whole = Component(
        ref=IMAGE,
        kind=bom.CONTAINER,
        name=image.name,
        version=image.version or image.manifest,
        purl=image.purl,
        digest=image.manifest,
        comment=f"manifest of {image.platform} with config {image.config}, layers {layers}",
    )
    inner = [programs.contents(one) for one in found.programs]
    installed, needs, unresolved = packages.components(found.packages, found.system)
    based = tuple(_system(found.system)) + installed
    components, relations = bom.merged(inner)
    return Bom(
        name=f"{image.name} {image.version}".rstrip(),
        time=bom.instant(image.created),
        subject=IMAGE,
        components=(whole, *components, *based),
        relations=(
            *(Relation(IMAGE, bom.CONTAINS, one.subject) for one in inner),
            *(Relation(IMAGE, bom.CONTAINS, one.ref) for one in based),
            *relations,
            *needs,
        ),
        open=(*dict.fromkeys(ref for one in inner for ref in one.open), *unresolved),
        notes=(*dict.fromkeys(note for one in inner for note in one.notes), *found.notes),
    )


def _system(found: System) -> Iterator[Component]:
    if found.id:
        yield Component(
            ref=bom.ref("System", found.id, found.version),
            kind=bom.SYSTEM,
            name=found.id,
            version=found.version,
            comment="" if found.version else "no version: its os-release does not say it",
        )


def packaged(package: Package) -> Component:
    """Return a package that a base was made of."""
    licence = "" if package.licence == "NOASSERTION" else package.licence
    return Component(
        ref=bom.ref("Base", package.name, package.version),
        kind=bom.LIBRARY,
        name=package.name,
        version=package.version,
        purl=package.purl,
        digest=package.digest,
        declared=licence,
    )
