"""Layers of anybody, taken apart piece by piece (image-spec v1.1.1, layer.md).

Pure: pieces of bytes in, files out, in the memory of one piece and whatever a reader keeps. A layer
is not trusted: how far it unpacks, how long a header is and where names lead is bounded.
"""

from __future__ import annotations

import contextlib
import posixpath
import tarfile
import zlib
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from shipway.core.oci.descriptor import LAYER_GZIP, LAYER_TAR
from shipway.core.oci.manifest import DOCKER_LAYER
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP = frozenset({LAYER_GZIP, DOCKER_LAYER})
PLAIN = frozenset({LAYER_TAR, "application/vnd.docker.image.rootfs.diff.tar"})

FREE = 1 << 30
"""Bytes to which a layer of any size may unpack."""
RATIO = 200
"""How many times its own size it may unpack to beyond these."""
_HEADER = 1 << 24
"""Bytes of one header at most: pax headers and long names are read at once."""
_PIECE = 1 << 20
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


class File(NamedTuple):
    """An entry of a layer: a regular file with its bytes, or what is taken away."""

    path: str
    """Without a leading slash."""
    is_there: bool = False
    """Whether it is a regular file; else nothing of what was there counts any more."""
    size: int = 0
    pieces: Iterable[bytes] = ()
    """Its bytes, while this entry is the newest."""
    below: bool = False
    """Whether only what lies in the folder ``path`` is taken away, and not itself."""


def files(chunks: Iterator[bytes], media_type: str, *, free: int = FREE) -> Iterator[File]:
    """Yield the regular files and whiteouts of a layer; its last byte has been read at the end.

    Raises:
        ShipwayError: ``layer.unreadable`` (integrity) where it is damaged, unpacks to too much,
            has a name that leaves its root, or is packed in a way that is not read.
    """
    if media_type not in GZIP | PLAIN:
        raise _bad(f"layers of type {media_type[:100]} are not read")
    stream = _Stream(chunks, packed=media_type in GZIP, free=free)
    with _told(), tarfile.open(fileobj=cast("IO[bytes]", stream), mode="r:") as tar:
        for member in tar:
            vars(tar)["members"].clear()  # it would keep every name it has seen
            yield from _entry(tar, member)
        stream.drain()


def _entry(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[File]:
    path = clean(member.name)
    folder, name = posixpath.split(path)
    if name == _OPAQUE:
        yield File(folder, below=True)
    elif name.startswith(_WHITEOUT):
        yield File(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
    elif member.isreg() and not member.issparse():
        yield File(path, True, member.size, _pieces(tar, member))
    elif not member.isdir():
        yield File(path)  # a link or device stands where a file may have been


def _pieces(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    with _told():  # whoever reads is not within files()
        file = tar.extractfile(member)
        while file and (piece := file.read(_PIECE)):
            yield piece


def clean(name: str) -> str:
    """Return a name in a layer without what does not count in it.

    Raises:
        ValueError: it leaves the root.
    """
    if ".." in name.split("/"):
        raise ValueError(f"the name {name[:200]!r} leaves the layer")
    return posixpath.normpath(f"/{name}").lstrip("/")


class _Stream:
    """Bytes that can be read and skipped, forwards only."""

    def __init__(self, chunks: Iterator[bytes], *, packed: bool, free: int) -> None:
        self._given = 0
        self._free = free
        counted = self._counted(chunks)
        self._pieces = _gunzip(counted) if packed else counted
        self._buffer = b""
        self._start = 0
        self._at = 0
        self._last = b""

    def read(self, size: int = -1) -> bytes:
        """Return that many bytes, fewer at the end."""
        if not 0 <= size <= _HEADER:
            raise ValueError(f"a header of {size} bytes")
        self._last = b"".join(self._take(size))
        return self._last

    def tell(self) -> int:
        return self._at

    def seek(self, place: int, whence: int = 0) -> int:
        if whence or place < self._at:
            raise ValueError("an entry lies behind the one before it")
        for _ in self._take(place - self._at):
            pass
        return self._at

    def close(self) -> None:
        """Do nothing: the pieces belong to who gave them."""

    def drain(self) -> None:
        """Read what is left, so that whoever proves the bytes sees all of them.

        Raises:
            ValueError: there is more than the end of an archive, which others might read.
        """
        if self._last.strip(b"\0"):
            raise ValueError("a header in it is damaged")
        while self._start < len(self._buffer) or self._fill():
            if b"".join(self._take(_PIECE)).strip(b"\0"):
                raise ValueError("it goes on after its end")

    def _take(self, size: int) -> Iterator[bytes]:
        while size > 0 and (self._start < len(self._buffer) or self._fill()):
            piece = self._buffer[self._start : self._start + size]
            self._start += len(piece)
            self._at += len(piece)
            size -= len(piece)
            if self._at > self._free + RATIO * self._given:
                raise ValueError(f"it unpacks to more than {RATIO} times its size")
            yield piece

    def _fill(self) -> bool:
        self._buffer, self._start = next(self._pieces, b""), 0
        return bool(self._buffer)

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._given += len(chunk)
            if chunk:
                yield chunk


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield what is in one or more gzip members (RFC 1952), a bounded piece at a time."""
    unpacker = zlib.decompressobj(31)
    for chunk in chunks:
        rest = chunk
        while rest:
            if unpacker.eof:
                unpacker = zlib.decompressobj(31)
            if piece := unpacker.decompress(rest, _PIECE):
                yield piece
            rest = unpacker.unconsumed_tail or unpacker.unused_data
    if not unpacker.eof:
        raise EOFError("it is cut off")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zlib.error, EOFError, ValueError, OverflowError) as error:
        raise _bad(str(error)) from error


def _bad(reason: str) -> ShipwayError:
    return ShipwayError(
        "layer.unreadable", Kind.INTEGRITY, reason[:300], operation="reading a layer"
    )
