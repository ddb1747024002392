"""How layers and settings become an image configuration, and what every image must keep to.

Pure: the stage ``image`` writes the layers and stores what this decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci import config as configs
from shipway.core.oci import manifest as manifests
from shipway.core.oci.config import Configuration, Execution, History, RootFS
from shipway.core.oci.descriptor import EMPTY
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.image import BaseImage, Layer
    from shipway.core.oci.manifest import Manifest
    from shipway.core.project.source import Source

PREFIX = "org.opencontainers.image."
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def program(package: str) -> str:
    """Return the file name of a main package's binary, as ``go build`` would name it.

    A major version as the last path element (``.../tool/v2``) is no name.
    """
    parts = [part for part in package.split("/") if part not in {"", "."}] or ["app"]
    last = parts[-1]
    if len(parts) > 1 and last[:1] == "v" and last[1:].isdecimal():
        last = parts[-2]
    return last


def configuration(
    base: BaseImage, layers: tuple[Layer, ...], run: Execution, created: int
) -> bytes:
    """Return the JSON of the configuration of ``layers`` (the base's come first) run by ``run``.

    The base's environment, labels and volumes stay where ``run`` says nothing; its entrypoint,
    command and user never do. ``created`` is in seconds since the epoch.
    """
    below = base.execution
    when = configs.timestamp(created)
    own = layers[len(base.layers) :]
    written = Execution(
        user=run.user,
        exposed_ports=run.exposed_ports,
        env=environment(below.env or (), run.env or ()),
        entrypoint=run.entrypoint,
        cmd=run.cmd,
        volumes=below.volumes or {},
        working_dir=run.working_dir or below.working_dir,
        labels={**(below.labels or {}), **(run.labels or {})},
        stop_signal=run.stop_signal,
    )
    history = (
        *(History(when, f"base {base.base.name}") for _ in base.layers),
        *(History(when, f"shipway image: {layer.title}") for layer in own),
    )
    found = Configuration(
        base.platform.architecture,
        base.platform.os,
        RootFS("layers", tuple(layer.diff_id for layer in layers)),
        when,
        base.platform.variant,
        written,
        history,
    )
    return configs.encode(found)


def environment(below: tuple[str, ...], above: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``NAME=value`` settings where ``above`` wins, in first-seen order, with a PATH."""
    found = {}
    for setting in (_PATH, *below, *above):
        found[setting.partition("=")[0]] = setting
    return tuple(found.values())


def described(source: Source, base: BaseImage, title: str) -> dict[str, str]:
    """Return the standard annotations (image-spec, annotations.md) of an image made of ``source``.

    A dirty tree has no revision: what was built is not what the commit names.
    """
    values = {
        "title": title,
        "created": configs.timestamp(source.time),
        "version": source.version,
        "revision": "" if source.dirty else source.commit,
        "source": source.remote,
        "base.name": base.base.name,
        "base.digest": base.base.digest,
    }
    return {PREFIX + key: value for key, value in sorted(values.items()) if value}


def violations(manifest: Manifest, config: bytes) -> tuple[str, ...]:
    """Return everything about an image that its specification forbids, nothing if it is right."""
    return tuple(_manifest_faults(manifest)) + tuple(_config_faults(manifest, config))


def check(manifest: Manifest, config: bytes, subject: str) -> None:
    """Do nothing where the image keeps to its specification; ``subject`` names it.

    Raises:
        ShipwayError: ``image.invalid`` (internal) with everything that is wrong.
    """
    if found := violations(manifest, config):
        raise ShipwayError(
            "image.invalid",
            Kind.INTERNAL,
            "; ".join(found),
            operation="checking the image for",
            subject=subject,
            hint="this is a defect of Shipway; please report it",
        )


def _manifest_faults(manifest: Manifest) -> Iterator[str]:
    if manifest.media_type not in manifests.IMAGES:
        yield f"mediaType {manifest.media_type!r} is no image manifest's"
    if manifest.config.media_type not in manifests.CONFIGS:
        yield f"config {manifest.config.media_type!r} is no image configuration"
    if not manifest.layers:
        yield "there is no layer"
    for at, layer in enumerate(manifest.layers):
        yield from _layer_faults(at, layer)


def _layer_faults(at: int, layer: Descriptor) -> Iterator[str]:
    if layer.media_type not in manifests.LAYERS:
        yield f"layer {at} has media type {layer.media_type!r}"
    if layer.size <= 0 or layer.media_type == EMPTY:
        yield f"layer {at} is empty"


def _config_faults(manifest: Manifest, data: bytes) -> Iterator[str]:
    found = configs.parse(data)
    if manifest.config.size != len(data):
        yield f"the configuration has {len(data)} bytes, its descriptor says {manifest.config.size}"
    if found.rootfs.type != "layers":
        yield f"rootfs.type is {found.rootfs.type!r}, not 'layers'"
    if len(found.rootfs.diff_ids) != len(manifest.layers):
        yield f"{len(found.rootfs.diff_ids)} diff ids for {len(manifest.layers)} layers"
    filled = [step for step in found.history or () if not step.empty_layer]
    if found.history and len(filled) != len(manifest.layers):
        yield f"{len(filled)} history entries for {len(manifest.layers)} layers"
    if not found.architecture or not found.os:
        yield "architecture or os is missing"
    if found.config and not (found.config.entrypoint or found.config.cmd):
        yield "nothing is said to run"
