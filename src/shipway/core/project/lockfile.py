"""``shipway.lock``: the exact things that names in the config stand for.

Go toolchain, base images and foreign images are resolved once, written here and reviewed like any
change. The text is the same for the same pins, so that it merges. Nothing here resolves anything.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.digest import Digest, parse
from shipway.core.project.settings import as_toml
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = "shipway.lock"
HEAD = "# Written by shipway. Commit it; delete an entry to have it resolved again.\n"


class Toolchain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A Go toolchain: its version (``go1.27.3``) and the h1 sum of its module, where known."""

    version: str
    sum: str = ""


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All pins of a project."""

    schema: int = 1
    go: Toolchain | None = None
    bases: dict[str, Digest] = {}
    """Base image reference by tag to the digest of its manifest or index."""
    images: dict[str, Digest] = {}
    """Foreign image reference by tag, as manifests name it, to its digest."""


def load(data: bytes | None) -> Lock:
    """Return the pins that ``data`` holds; none without a file.

    Raises:
        ShipwayError: ``config.lock`` if it is not what this version writes.
    """
    if data is None:
        return Lock()
    try:
        lock = msgspec.convert(tomllib.loads(data.decode()), Lock)
        for digest in (*lock.bases.values(), *lock.images.values()):
            parse(digest)
    except (ValueError, ShipwayError) as error:
        raise _damaged(str(error)) from error
    if lock.schema != 1:
        raise _damaged(f"schema {lock.schema} is not known to this version")
    return lock


def dump(lock: Lock) -> bytes:
    """Return the text of ``lock``, entries sorted by name."""
    text = HEAD + f"schema = {lock.schema}\n"
    if lock.go:
        text += f"\n[go]\nversion = {as_toml(lock.go.version)}\n"
        text += f"sum = {as_toml(lock.go.sum)}\n" if lock.go.sum else ""
    for table, pins in (("bases", lock.bases), ("images", lock.images)):
        if pins:
            text += f"\n[{table}]\n" + "".join(
                f"{as_toml(name)} = {as_toml(pins[name])}\n" for name in sorted(pins)
            )
    return text.encode()


def pinned(lock: Lock, table: str, new: Mapping[str, Digest]) -> Lock:
    """Return ``lock`` with ``new`` pins in ``bases`` or ``images``; pins that are there stay."""
    return msgspec.structs.replace(lock, **{table: {**new, **getattr(lock, table)}})


def _damaged(why: str) -> ShipwayError:
    return ShipwayError(
        "config.lock",
        Kind.CONFIG,
        why,
        operation="reading",
        subject=FILE,
        hint=f"restore {FILE} from git, or delete it to have everything resolved again",
    )
