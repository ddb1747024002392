"""Base images for real: ``shipway/static`` from pinned packages, or any base pinned by digest.

Wiring makes one (``core.ports.bases``). The static base is the same bytes everywhere: its layer's
digest is written down here, and packages that would make other bytes are refused. A pulled base
is proved layer by layer against its own configuration and remembered in the store.
"""

from __future__ import annotations

import contextlib
import importlib.util
import posixpath
import re
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from shipway.core.golang import elf
from shipway.core.golang.linkage import Libraries
from shipway.core.oci import config as configs
from shipway.core.oci import manifest as manifests
from shipway.core.oci import reference as references
from shipway.core.oci import static
from shipway.core.oci.descriptor import LAYER_GZIP, LAYER_TAR, OCTETS, Descriptor, Platform
from shipway.core.oci.digest import Digest
from shipway.core.oci.image import Base, BaseImage, Layer, Package
from shipway.core.oci.layer import archive
from shipway.core.ports.content import Content, Pins
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from shipway.core.ports.registry import Registry

PACKAGES = (
    Package(
        "certifi",
        "2026.10.19.post1",
        "pkg:pypi/certifi@2026.10.19.post1",
        Digest("sha256:1324c476b4811eff41a8bc2122cd0bbd4d9c7234c725446d99ab1612b3a7fdd2"),
        "MPL-2.0",
    ),
    Package(
        "tzdata",
        "2026.6",
        "pkg:pypi/tzdata@2026.6",
        Digest("sha256:0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec"),
        "Apache-2.0",
    ),
)
"""What the static base is made of; the digests are those of the wheels."""

LAYER = Descriptor(
    LAYER_TAR,
    Digest("sha256:87ac95083550766b4f668909f165597693d786606b5ad59ff4f06b1dd8d7fa1d"),
    1249280,
)
"""The static base's one layer."""
ROOTS = Descriptor(
    OCTETS,
    Digest("sha256:d87887200c9a705dccc937b9b83b5e67e47024c4a4b7f9dd15700c72e0f55453"),
    234072,
)
"""The CA bundle in it."""

_MEMORY = "application/vnd.shipway.base.v1+json"
_GZIP = frozenset({LAYER_GZIP, manifests.DOCKER_LAYER})
_HOPS = 5
_LIBRARY = re.compile(r"\.so(?:\.|\Z)")
_LIBC = "libc.so.6"
_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_PIECE = 1 << 20


class _Shared(NamedTuple):
    """A library in a layer."""

    layer: Digest
    name: str
    """As the layer's tar has it."""
    link: str = ""
    """Where it points, if it is a symbolic link."""


class Storage(Content, Pins, Protocol):
    """What a base needs of the store."""


class BaseImages:
    """Base images, put into ``content``."""

    def __init__(self, content: Storage, registry: Registry) -> None:
        self._content = content
        self._registry = registry

    def static(self, platform: Platform) -> BaseImage:
        """Return ``shipway/static``; it holds no programs, so it is the same for all platforms."""
        if not (self._content.has(LAYER.digest) and self._content.has(ROOTS.digest)):
            self._make()
        return BaseImage(
            base=Base(name=static.NAME, digest=LAYER.digest, packages=PACKAGES),
            platform=platform,
            layers=(Layer(LAYER.digest, LAYER.size, "base"),),
            roots=ROOTS,
        )

    def pulled(self, reference: str, platform: Platform) -> BaseImage:
        """Return the base that ``reference`` pins by digest."""
        at = references.parse(reference)
        if at.digest is None:
            raise ShipwayError(
                "base.unpinned",
                Kind.CONFIG,
                "a base image is named by its digest, since a tag may move",
                operation="reading the base image",
                subject=reference,
                hint=f"write {at.repository}@sha256:... (shipway.lock keeps it)",
            )
        name = f"base/2/{at.repository}@{at.digest}#{platform}"
        found = self._remembered(name)
        if found is None:
            found = self._pull(at.repository, at.digest, platform)
            data = msgspec.json.encode(found)
            self._content.pin(name, self._content.put(data, _MEMORY))
        return found

    def libraries(self, base: BaseImage) -> Libraries:
        """Return the shared libraries in a base's layers; see the port."""
        found: dict[str, _Shared] = {}
        for layer in base.layers:
            own, gone = self._shared(layer)
            kept = {path: one for path, one in found.items() if not _is_gone(path, gone)}
            found = {path: one for path, one in kept.items() if path not in own} | own
        provides: tuple[str, ...] = ()
        for path in found:
            if posixpath.basename(path) == _LIBC:
                provides = self._provides(path, found) or provides
        return Libraries(frozenset(map(posixpath.basename, found)), provides)

    def _shared(self, layer: Layer) -> tuple[dict[str, _Shared], set[str]]:
        """Return a layer's libraries by path, and the paths below it that it takes away."""
        import tarfile  # noqa: PLC0415  slow to load, needed for programs with C only

        own: dict[str, _Shared] = {}
        gone: set[str] = set()
        with tarfile.open(self._content.path(layer.diff_id)) as tar:
            for member in tar:
                path = posixpath.normpath(member.name).lstrip("/")
                folder, name = posixpath.split(path)
                if name == _OPAQUE:
                    gone.add(folder or ".")
                elif name.startswith(_WHITEOUT):
                    gone.add(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
                elif _LIBRARY.search(name) and (member.isfile() or member.islnk()):
                    own[path] = _Shared(layer.diff_id, member.name)
                elif _LIBRARY.search(name) and member.issym():
                    own[path] = _Shared(layer.diff_id, member.name, member.linkname)
        return own, gone

    def _provides(self, path: str, found: dict[str, _Shared]) -> tuple[str, ...]:
        """Return the versions of a library's symbols, links followed; nothing of one that hangs."""
        import tarfile  # noqa: PLC0415  slow to load, needed for programs with C only

        for _ in range(_HOPS):
            one = found.get(path)
            if one is None:
                return ()
            if not one.link:
                with (
                    contextlib.suppress(KeyError),  # a hard link to what is not in its layer
                    tarfile.open(self._content.path(one.layer)) as tar,
                ):
                    file = tar.extractfile(one.name)
                    return elf.parse(file.read()).provides if file else ()
                return ()
            path = _linked(path, one.link, found)
        return ()

    def _make(self) -> None:
        """Write the static base's layer, and prove that it is the one written down."""
        roots, zones = _read_packages()
        written = self._content.compose(archive(static.entries(roots, zones)), LAYER_TAR)
        bundle = self._content.put(roots, OCTETS)
        if (written.digest, bundle.digest) != (LAYER.digest, ROOTS.digest):
            raise _other_packages(f"they make the layer {written.digest}")

    def _remembered(self, name: str) -> BaseImage | None:
        pinned = self._content.pinned(name)
        if pinned is None or not self._content.has(pinned.digest):
            return None
        found = msgspec.json.decode(self._content.read(pinned.digest), type=BaseImage)
        needed = (found.roots.digest, *(layer.diff_id for layer in found.layers))
        return found if all(self._content.has(digest) for digest in needed) else None

    def _pull(self, repository: str, digest: Digest, platform: Platform) -> BaseImage:
        described, data = self._registry.pull_manifest(repository, digest)
        if described.media_type in manifests.INDEXES:
            chosen = manifests.choose(manifests.parse_index(data), platform)
            _, data = self._registry.pull_manifest(repository, chosen.digest)
        found = manifests.parse(data)
        config = configs.parse(self._registry.pull_blob(repository, found.config))
        if len(config.rootfs.diff_ids) != len(found.layers):
            raise _bad_layer(repository, "its configuration lists another number of layers")
        pairs = zip(found.layers, config.rootfs.diff_ids, strict=True)
        layers = tuple(self._unpack(repository, layer, diff_id) for layer, diff_id in pairs)
        own = self._bundle(layers)
        if own is None:
            self.static(platform)
        return BaseImage(
            base=Base(
                name=f"{repository}@{digest}", digest=digest, packages=self._installed(layers)
            ),
            platform=config.platform,
            layers=layers,
            execution=config.config or configs.Execution(),
            roots=own or ROOTS,
            has_roots=own is not None,
        )

    def _installed(self, layers: tuple[Layer, ...]) -> tuple[Package, ...]:
        """Return the packages that the databases of a pulled base name."""
        from shipway.core.supply import packages, rootfs  # noqa: PLC0415  for pulled bases only

        found = rootfs.look((self._content.chunks(one.diff_id), LAYER_TAR) for one in layers)
        return tuple(
            Package(
                one.name,
                one.version,
                packages.located(one, found.system),
                licence=one.licence or "NOASSERTION",
            )
            for one in found.packages
        )

    def _unpack(self, repository: str, layer: Descriptor, diff_id: Digest) -> Layer:
        """Fetch one layer and store its tar, which must be the one its diff id names."""
        if layer.media_type not in {LAYER_TAR, *_GZIP}:
            raise _bad_layer(repository, f"layers of type {layer.media_type} are not read")
        self._registry.fetch_blob(repository, layer, self._content)
        packed = self._content.chunks(layer.digest)
        chunks = _gunzip(packed, repository) if layer.media_type in _GZIP else packed
        try:
            found = self._content.gather(chunks, Descriptor(LAYER_TAR, diff_id, -1))
        except ShipwayError as error:
            raise _bad_layer(repository, f"a layer is not its diff id: {error.message}") from error
        return Layer(found.digest, found.size, "base")

    def _bundle(self, layers: tuple[Layer, ...]) -> Descriptor | None:
        """Return the base's CA bundle, its symbolic links followed."""
        path = static.BUNDLE
        for _ in range(_HOPS):
            found = self._newest(path, layers)
            if not isinstance(found, str):
                return None if found is None else self._content.put(found, OCTETS)
            path = found
        return None

    def _newest(self, path: str, layers: tuple[Layer, ...]) -> bytes | str | None:
        """Return a file's bytes, or where it points, from the highest layer that says so."""
        import tarfile  # noqa: PLC0415  slow to load, needed for pulled bases only

        hidden = posixpath.join(posixpath.dirname(path), f".wh.{posixpath.basename(path)}")
        for layer in reversed(layers):
            with tarfile.open(self._content.path(layer.diff_id)) as tar:
                for member in tar:
                    name = posixpath.normpath(member.name).lstrip("/")
                    if name == hidden:
                        return None
                    if name != path:
                        continue
                    if member.issym():
                        return posixpath.normpath(
                            posixpath.join("/", posixpath.dirname(path), member.linkname)
                        ).lstrip("/")
                    file = tar.extractfile(member)
                    return file.read() if file else None
        return None


def _is_gone(path: str, gone: set[str]) -> bool:
    """Return whether a path or a folder above it was taken away (image-spec, layer.md)."""
    return bool(gone) and not gone.isdisjoint((path, *map(str, PurePosixPath(path).parents)))


def _linked(path: str, link: str, known: Container[str]) -> str:
    """Return where a library's link leads: ``/lib`` may itself be a link, as ``usr/lib`` is not."""
    at = posixpath.normpath(posixpath.join("/", posixpath.dirname(path), link)).lstrip("/")
    beside = posixpath.join(posixpath.dirname(path), posixpath.basename(link))
    return next((one for one in (at, f"usr/{at}") if one in known), beside)


def _read_packages() -> tuple[bytes, dict[str, bytes]]:
    """Return the CA bundle and the time zones of the installed packages."""
    try:
        roots = (_folder("certifi") / "cacert.pem").read_bytes()
        zones = _folder("tzdata") / "zoneinfo"
        files = sorted(
            path
            for path in zones.rglob("*")
            if path.is_file() and path.suffix not in {".py", ".pyc"}
        )
        return roots, {path.relative_to(zones).as_posix(): path.read_bytes() for path in files}
    except OSError as error:
        raise _other_packages(str(error)) from error


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise _other_packages(f"{package} is not installed")
    return Path(found.submodule_search_locations[0])


def _gunzip(chunks: Iterator[bytes], repository: str) -> Iterator[bytes]:
    """Yield the bytes within one or more gzip members."""
    unpacker = zlib.decompressobj(31)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                if unpacker.eof:
                    unpacker = zlib.decompressobj(31)
                yield unpacker.decompress(rest, _PIECE)
                while unpacker.unconsumed_tail:
                    yield unpacker.decompress(unpacker.unconsumed_tail, _PIECE)
                rest = unpacker.unused_data
        yield unpacker.flush()
    except zlib.error as error:
        raise _bad_layer(repository, f"a layer is not gzip: {error}") from error


def _other_packages(reason: str) -> ShipwayError:
    names = " ".join(f"{package.name}=={package.version}" for package in PACKAGES)
    return ShipwayError(
        "base.packages",
        Kind.MISSING,
        reason,
        operation="making the base image",
        subject=static.NAME,
        hint=f"install exactly what this version pins: pip install {names}",
    )


def _bad_layer(repository: str, reason: str) -> ShipwayError:
    return ShipwayError(
        "base.layer",
        Kind.INTEGRITY,
        reason,
        operation="unpacking the base image",
        subject=repository,
        hint="pin another base image",
    )
