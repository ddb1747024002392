"""Compression of layers: ``fast`` for development, ``small`` for release.

Only :mod:`.store` calls this. One input has one output for one version of a compressor, which is
named in full so that provenance can carry it; diff ids never depend on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

NAMES = ("none", "fast", "small")
"""``none``: as it is; ``fast``: ISA-L level 1; ``small``: libdeflate level 6."""

_PIECE = 1 << 20
_FAST, _SMALL = 1, 6


def compressor(name: str) -> str:
    """Return program, version and level of the compressor that ``name`` stands for.

    Raises:
        ShipwayError: ``compression.unknown`` (usage), naming the ones there are.
    """
    if name == "fast":
        import isal  # noqa: PLC0415  loaded where a layer is compressed only

        return f"isal {isal.__version__}, gzip level {_FAST}"
    if name == "small":
        import deflate  # noqa: PLC0415  as above

        return f"libdeflate (deflate {deflate.__version__}), gzip level {_SMALL}"
    if name == "none":
        return "none"
    raise ShipwayError(
        "compression.unknown",
        Kind.USAGE,
        f"there are {', '.join(NAMES)}",
        operation="compressing a layer as",
        subject=name,
    )


def compress(data: mmap.mmap, name: str) -> Iterator[bytes]:
    """Yield ``data`` compressed by ``fast`` or ``small``, in a gzip frame without name or time."""
    if name == "fast":
        yield from _fast(data)
    else:
        import deflate  # noqa: PLC0415  as above

        yield bytes(deflate.gzip_compress(data, _SMALL))


def _fast(data: mmap.mmap) -> Iterator[bytes]:
    from isal import isal_zlib  # noqa: PLC0415  as above

    packer = isal_zlib.compressobj(_FAST, wbits=31)
    with memoryview(data) as view:
        for at in range(0, len(view), _PIECE):
            with view[at : at + _PIECE] as piece:
                yield packer.compress(piece)
    yield packer.flush()
