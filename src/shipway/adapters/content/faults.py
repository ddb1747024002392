"""The store's errors: what the operating system says, in our words.

Called within ``adapters.content`` only; it raises nothing but :class:`ShipwayError`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipway.core.oci.digest import Digest


def missing(digest: Digest, error: OSError) -> ShipwayError:
    """Return ``content.missing``: there is no such blob, or it cannot be opened."""
    reason = "not in the store" if isinstance(error, FileNotFoundError) else error.strerror
    return ShipwayError(
        "content.missing",
        Kind.NOT_FOUND,
        reason or str(error),
        operation="reading the blob",
        subject=digest,
        hint="run the stage that makes it again, or fetch it from the registry",
    )


def altered(digest: Digest, reason: str) -> ShipwayError:
    """Return ``content.altered``: bytes are not what their digest says."""
    return ShipwayError(
        "content.altered",
        Kind.INTEGRITY,
        reason,
        operation="proving the blob",
        subject=digest,
        hint="run the same command again: what is altered is made or fetched anew",
    )


def disk(path: Path, error: OSError) -> ShipwayError:
    """Return ``content.disk``: the disk refused (full, read-only, no right)."""
    return ShipwayError(
        "content.disk",
        Kind.MISSING,
        error.strerror or str(error),
        operation="writing to the store",
        subject=str(path),
        hint="make room or set the rights of that folder",
    )


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn operating system errors of the block into ``content.disk``."""
    try:
        yield
    except OSError as error:
        raise disk(path, error) from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of opening ``path`` into ``content.source``."""
    try:
        yield
    except OSError as error:
        raise ShipwayError(
            "content.source",
            Kind.NOT_FOUND,
            error.strerror or str(error),
            operation="storing the file",
            subject=str(path),
        ) from error
