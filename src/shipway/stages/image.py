"""image: a binary, files and a base become layers and a configuration, in process.

Roads call :func:`assemble` through a step. It runs nothing, asks no registry and compresses
nothing: it ends at diff ids, and ``publish`` encodes the layers for one destination.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang import delve
from shipway.core.golang.binary import Binary  # noqa: TC001  msgspec reads types
from shipway.core.oci import static
from shipway.core.oci.assemble import configuration, described, program
from shipway.core.oci.config import Execution
from shipway.core.oci.descriptor import CONFIG, LAYER_TAR, Descriptor
from shipway.core.oci.image import Base, BaseImage, Image, Layer
from shipway.core.oci.layer import Entry, archive
from shipway.core.ports.debuggers import Debugger  # noqa: TC001  msgspec reads types
from shipway.core.project.source import Source  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.content import Content

FOLDER = "app"
"""Where the binary lies in the image."""
VERSION = "1"
"""Of this stage, for the cache: another one makes other bytes of the same inputs."""


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an image is made of."""

    binary: Binary
    source: Source
    base: BaseImage
    title: str
    """The service's name."""
    files: tuple[Entry, ...] = ()
    """Files for the image, their bytes in the store."""
    ca: Descriptor | None = None
    """A PEM file in the store whose certificates are trusted besides the base's."""
    ports: tuple[int, ...] = ()
    user: str = static.USER
    stop_signal: str = "SIGTERM"
    arguments: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    """``NAME=value`` settings."""
    debugger: Debugger | None = None
    """What runs the program, on :attr:`debug_port`; it gets a layer of its own."""
    debug_port: int = 0


def assemble(request: ImageRequest, *, content: Content) -> Image:
    """Return the image of ``request``, its layers and configuration in ``content``.

    Raises:
        ShipwayError: ``image.ca`` (config) where that file holds no certificates,
            ``image.platform`` (usage) where base and binary are for different ones,
            ``layer.path`` (usage) where two files have one place.
    """
    _check_platform(request)
    own = [
        _layer("ca", _authorities(request, content), content),
        _layer("files", request.files, content),
        _layer("debugger", _debugger(request), content),
        _layer("binary", (_executable(request.binary),), content),
    ]
    layers = (*request.base.layers, *(layer for layer in own if layer is not None))
    data = configuration(request.base, layers, _execution(request), request.source.time)
    return Image(
        platform=request.binary.platform,
        layers=layers,
        config=content.put(data, CONFIG),
        annotations=described(request.source, request.base, request.title),
        base=_standing(request),
        binary=request.binary.content.digest,
        debugger=request.debugger.package if request.debugger else None,
    )


def _execution(request: ImageRequest) -> Execution:
    run: tuple[str, ...] = (f"/{FOLDER}/{program(request.binary.package)}",)
    if request.debugger is not None:
        run = delve.command(run, request.debug_port)
    return Execution(
        user=request.user,
        exposed_ports={f"{port}/tcp": {} for port in request.ports},
        env=request.environment,
        entrypoint=run,
        cmd=request.arguments,
        working_dir="/",
        stop_signal=request.stop_signal,
    )


def _executable(binary: Binary) -> Entry:
    return Entry(path=f"{FOLDER}/{program(binary.package)}", mode=0o555, blob=binary.content)


def _standing(request: ImageRequest) -> Base:
    """Return what the program stands on: the base, and in an image for debugging Delve."""
    base = request.base.base
    if request.debugger is None:
        return base
    return msgspec.structs.replace(base, packages=(*base.packages, request.debugger.package))


def _debugger(request: ImageRequest) -> tuple[Entry, ...]:
    if request.debugger is None:
        return ()
    return (Entry(path=delve.PATH, mode=0o555, blob=request.debugger.program),)


def _authorities(request: ImageRequest, content: Content) -> tuple[Entry, ...]:
    """Return the CA bundle where the base's own is not enough."""
    if request.ca is None and request.base.has_roots:
        return ()
    extra = content.read(request.ca.digest) if request.ca else b""
    if request.ca and not static.certificates(extra):
        raise ShipwayError(
            "image.ca",
            Kind.CONFIG,
            "it holds no PEM certificate",
            operation="reading the CA file of",
            subject=request.title,
            hint="`.image ca` names a PEM file with CERTIFICATE blocks only",
        )
    roots = content.read(request.base.roots.digest)
    return (Entry(path=static.BUNDLE, data=static.merged(roots, extra)),)


def _layer(title: str, entries: tuple[Entry, ...], content: Content) -> Layer | None:
    if not entries:
        return None
    written = content.compose(archive(entries), LAYER_TAR)
    return Layer(written.digest, written.size, title)


def _check_platform(request: ImageRequest) -> None:
    ours, theirs = request.binary.platform, request.base.platform
    if (ours.os, ours.architecture) != (theirs.os, theirs.architecture):
        raise ShipwayError(
            "image.platform",
            Kind.USAGE,
            f"the binary is for {ours}, the base {request.base.base.name} for {theirs}",
            operation="assembling",
            subject=request.title,
            hint="choose a base for the same platform",
        )
