"""Image configurations (image-spec v1.1.1, config.md).

Pure: values in, JSON bytes out, and back. Member order is fixed by the order of fields, map keys
are sorted, so one configuration has one digest.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from shipway.core.oci.descriptor import Platform
from shipway.core.oci.digest import Digest
from shipway.core.oci.digest import parse as parse_digest
from shipway.errors import Kind, ShipwayError


class Execution(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """How a container of the image is run (config.md, ``config``)."""

    user: str = ""
    exposed_ports: dict[str, dict[str, str]] = msgspec.field(default_factory=dict)
    env: tuple[str, ...] | None = ()
    entrypoint: tuple[str, ...] | None = ()
    cmd: tuple[str, ...] | None = ()
    volumes: dict[str, dict[str, str]] | None = msgspec.field(default_factory=dict)
    working_dir: str = ""
    labels: dict[str, str] | None = msgspec.field(default_factory=dict)
    stop_signal: str = ""


class RootFS(msgspec.Struct, frozen=True):
    """The layers' diff ids, lowest first."""

    type: str
    diff_ids: tuple[Digest, ...]


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """What made one layer, or with ``empty_layer`` none."""

    created: str | None = None
    created_by: str = ""
    comment: str = ""
    empty_layer: bool = False


class Configuration(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image configuration; unknown members are read over."""

    architecture: str
    os: str
    rootfs: RootFS
    created: str | None = None
    variant: str = ""
    config: Execution | None = None
    history: tuple[History, ...] | None = ()

    @property
    def platform(self) -> Platform:
        """Return the platform it is for."""
        return Platform(self.architecture, self.os, self.variant)


def encode(value: Configuration) -> bytes:
    """Return the JSON of ``value``; its maps are sorted by key."""
    return msgspec.json.encode(value, order="deterministic")


def parse(data: bytes) -> Configuration:
    """Return an image configuration.

    Raises:
        ShipwayError: ``image.config`` (integrity) if it is none, naming what is wrong.
    """
    try:
        found = msgspec.json.decode(data, type=Configuration)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ShipwayError(
            "image.config", Kind.INTEGRITY, str(error), operation="reading an image configuration"
        ) from error
    for diff_id in found.rootfs.diff_ids:
        parse_digest(diff_id)
    return found


def timestamp(seconds: int) -> str:
    """Return seconds since the epoch as RFC 3339 in UTC, the form of ``created``."""
    at = dt.datetime.fromtimestamp(seconds, dt.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
