"""What is in a program or image of anybody, as a document in one of two formats.

Nothing is run. A path of this machine is a program or an image layout, anything else an image in a
registry. The same input gives the same bytes, so the document's time is that of its subject;
``SOURCE_DATE_EPOCH`` overrides it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from shipway import __version__
from shipway.core.oci.descriptor import Platform
from shipway.core.supply import programs
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.ports.content import Content
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.looking import Looking
    from shipway.core.ports.registry import Registry
    from shipway.core.supply.bom import Bom

SPDX, CYCLONEDX = "spdx-json", "cyclonedx-json"
_LATEST = 253402300799
"""The last second of the year 9999, after which RFC 3339 has no dates."""
_CONFIG = 4 << 20
"""Bytes of an image's configuration at most."""


class SbomRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    subject: str
    """A path of this machine, or an image reference."""
    format: str = SPDX
    file: str = ""
    """Where to write it; empty: nowhere."""
    platform: Platform = Platform("amd64")
    """Of an image for several."""


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A document, or where it was written."""

    components: int
    document: msgspec.Raw = msgspec.Raw()
    file: str = ""

    def lines(self) -> Iterator[str]:
        """Yield the document for a reader, or where it lies."""
        if self.file:
            yield f"wrote {self.file}: {self.components} components"
        else:
            yield bytes(self.document).decode()


def sbom(request: SbomRequest, *, hands: Hands) -> Described:
    """Describe a program or an image.

    Raises:
        ShipwayError: ``sbom.missing`` (not found) where nothing is at a path, ``sbom.several``
            (usage) where a layout has several images, ``buildinfo.unreadable`` and
            ``layer.unreadable`` (integrity), ``manifest.platform`` (not found), ``files.refused``,
            and what a registry says.
    """
    found = _found(request, hands)
    epoch = hands.variables.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdecimal():
        found = msgspec.structs.replace(found, time=min(int(epoch), _LATEST))
    data = msgspec.json.format(_document(found, request.format), indent=2)
    if not request.file:
        return Described(components=len(found.components), document=msgspec.Raw(data))
    hands.looking.write(request.file, data + b"\n")
    return Described(components=len(found.components), file=request.file)


def _document(found: Bom, form: str) -> bytes:
    """Return the document; only the writer that is asked for is loaded."""
    write: Any
    if form == CYCLONEDX:
        from shipway.core.supply.cyclonedx import document as write  # noqa: PLC0415
    else:
        from shipway.core.supply.spdx import document as write  # noqa: PLC0415
    return bytes(write(found, creator=f"shipway-{__version__}"))


def _found(request: SbomRequest, hands: Hands) -> Bom:
    subject, looking = request.subject, hands.looking
    shape = looking.shape(subject)
    if shape == "file":
        return programs.contents(looking.program(subject))
    head, _, name = subject.rpartition(":")
    if shape == "folder":
        return _image(_Folder(subject, "", looking), request.platform)
    if head and looking.shape(head) == "folder":
        return _image(_Folder(head, name, looking), request.platform)
    if subject.startswith(("/", ".")):
        raise ShipwayError(
            "sbom.missing",
            Kind.NOT_FOUND,
            "nothing is there",
            operation="describing",
            subject=subject,
            hint="name the file of a Go program, the folder of an image layout, or an image",
        )
    return _image(_Remote(subject, hands.registry, hands.content), request.platform)


class _Place(Protocol):
    """Where an image lies."""

    name: str
    version: str
    repository: str

    def root(self) -> tuple[Descriptor, bytes]:
        """Return the manifest or index that was named."""
        ...

    def manifest(self, descriptor: Descriptor) -> bytes:
        """Return one that an index lists."""
        ...

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob in pieces, proved at the end."""
        ...


class _Remote:
    """An image in a registry; its layers come through the local store."""

    def __init__(self, subject: str, registry: Registry, content: Content) -> None:
        from shipway.core.oci import reference  # noqa: PLC0415  a program needs none of it

        self._at = reference.parse(subject)
        self._registry = registry
        self._content = content
        self.name = self.repository = self._at.repository
        self.version = self._at.tag

    def root(self) -> tuple[Descriptor, bytes]:
        return self._registry.pull_manifest(self.repository, self._at.target)

    def manifest(self, descriptor: Descriptor) -> bytes:
        return self._registry.pull_manifest(self.repository, descriptor.digest)[1]

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        self._registry.fetch_blob(self.repository, descriptor, self._content)
        return self._content.chunks(descriptor.digest)


class _Folder:
    """An image in an image layout on this machine, by its name there."""

    repository = ""

    def __init__(self, folder: str, name: str, looking: Looking) -> None:
        self._folder = folder
        self._looking = looking
        self._wanted = name
        self.name = name or folder.rstrip("/").rpartition("/")[2]
        self.version = ""

    def root(self) -> tuple[Descriptor, bytes]:
        """Return the one that is named; an index with an image a platform is one, too."""
        from shipway.core.oci import layout  # noqa: PLC0415
        from shipway.core.oci.descriptor import INDEX, describe  # noqa: PLC0415
        from shipway.core.oci.manifest import parse_index  # noqa: PLC0415

        data = self._looking.index(self._folder)
        listed = parse_index(data).manifests
        names = [one.annotations.get(layout.REF_NAME, "") for one in listed]
        if self._wanted:
            found = [one for one, name in zip(listed, names, strict=True) if name == self._wanted]
        else:
            found = list(listed)
        if len(found) == 1:
            self.name = found[0].annotations.get(layout.REF_NAME) or self.name
            return found[0], self.manifest(found[0])
        if found and not any(names):
            return describe(data, INDEX), data
        raise ShipwayError(
            "sbom.several",
            Kind.USAGE,
            f"it has the images {', '.join(name for name in names if name) or 'none'}",
            operation="choosing an image of",
            subject=self._folder,
            hint=f"name one: {self._folder}:NAME",
        )

    def manifest(self, descriptor: Descriptor) -> bytes:
        return _whole(self, descriptor)

    def blob(self, descriptor: Descriptor) -> Iterator[bytes]:
        return self._looking.blob(self._folder, descriptor)


def _image(place: _Place, platform: Platform) -> Bom:
    """Return what is in an image for one platform."""
    from shipway.core.oci import config as configs  # noqa: PLC0415  a program needs none of it
    from shipway.core.oci import manifest as manifests  # noqa: PLC0415
    from shipway.core.supply import images, purl, rootfs  # noqa: PLC0415

    described, data = place.root()
    if described.media_type in manifests.INDEXES:
        described = manifests.choose(manifests.parse_index(data), platform)
        data = place.manifest(described)
    found = manifests.parse(data)
    config = configs.parse(_whole(place, found.config))
    pulled = images.Pulled(
        name=place.name,
        version=place.version,
        manifest=described.digest,
        config=found.config.digest,
        created=config.created or "",
        platform=config.platform,
        diff_ids=config.rootfs.diff_ids,
        purl=purl.oci(place.repository, described.digest) if place.repository else "",
    )
    layers = ((place.blob(layer), layer.media_type) for layer in found.layers)
    return images.looked(pulled, rootfs.look(layers))


def _whole(place: _Place, descriptor: Descriptor) -> bytes:
    """Return a small blob whole."""
    if descriptor.size > _CONFIG:
        raise ShipwayError(
            "manifest.invalid",
            Kind.INTEGRITY,
            f"{descriptor.digest} has {descriptor.size} bytes, more than {_CONFIG}",
            operation="reading an image",
        )
    return b"".join(place.blob(descriptor))
