"""Layers as deterministic tar archives (image-spec v1.1.1, layer.md; POSIX.1-2001 pax).

Pure: entries in, header bytes and blob references out; the content store puts them together.
One set of entries has one tar, whatever the folder, user, clock or Python version.
"""

from __future__ import annotations

import enum
import posixpath

import msgspec

from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

BLOCK = 512
_RECORD = 20 * BLOCK
_OCTAL_SIZE = 8**11
_NAME, _PREFIX, _LINK = 100, 155, 100


class Type(enum.Enum):
    """The kinds of entry an image needs; the value is ustar's typeflag."""

    FILE = b"0"
    LINK = b"2"
    DIRECTORY = b"5"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; ``path`` is absolute in the image, without a leading slash."""

    path: str
    type: Type = Type.FILE
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    """Seconds since the epoch."""
    data: bytes | None = None
    """A file's bytes; or ``blob``, never both."""
    blob: Descriptor | None = None
    """A file's bytes, by reference."""
    target: str = ""
    """Where a symbolic link points."""

    @property
    def size(self) -> int:
        """Return the file's size in bytes; 0 for what has none."""
        if self.blob is not None:
            return self.blob.size
        return len(self.data or b"")


class Encoded(msgspec.Struct, frozen=True):
    """A layer as it travels, and what encoded it (``isal 1.9.1, level 1``; ``none``)."""

    layer: Descriptor
    compressor: str


def archive(entries: tuple[Entry, ...]) -> list[bytes | Digest]:
    """Return the parts of a tar of ``entries`` and of their missing parents, sorted by path.

    Literal bytes are joined; a file given by reference stands as its digest.

    Raises:
        ShipwayError: ``layer.path`` (usage) for a path that is twice there, absolute, empty or
            climbs out.
    """
    parts: list[bytes | Digest] = []
    pending: list[bytes] = []
    size = 0
    for entry in _complete(entries):
        header = header_of(entry)
        pending.append(header)
        if entry.blob is not None:
            parts += [b"".join(pending), entry.blob.digest]
            pending = []
        elif entry.data:
            pending.append(entry.data)
        pending.append(_padding(entry.size, BLOCK))
        size += len(header) + entry.size + len(pending[-1])
    end = bytes(2 * BLOCK)
    pending += [end, _padding(size + len(end), _RECORD)]
    return [*parts, b"".join(pending)]


def header_of(entry: Entry) -> bytes:
    """Return the blocks that come before an entry's bytes: ustar, after pax where it must be."""
    path = entry.path + "/" if entry.type is Type.DIRECTORY else entry.path
    records = _pax(entry, path)
    size = 0 if "size" in records else entry.size
    name, prefix = _split(path) or (path.encode()[:_NAME], b"")
    block = _ustar(entry, name, prefix, entry.type.value, size)
    if not records:
        return block
    body = b"".join(_record(key, value) for key, value in sorted(records.items()))
    extra = _ustar(Entry(path="", mtime=0), b"PaxHeaders/0", b"", b"x", len(body))
    return extra + body + _padding(len(body), BLOCK) + block


def _complete(entries: tuple[Entry, ...]) -> list[Entry]:
    """Return the entries with their parent folders, each once, in the order of their paths."""
    found: dict[str, Entry] = {}
    for entry in entries:
        if entry.path in found or not _is_inside(entry.path):
            raise ShipwayError(
                "layer.path",
                Kind.USAGE,
                "twice in one layer" if entry.path in found else "not a path within an image",
                operation="writing a layer entry",
                subject=entry.path,
                hint="name each file once, by an absolute path without '..'",
            )
        found[entry.path] = entry
    for path in list(found):
        while path := posixpath.dirname(path):
            found.setdefault(path, Entry(path=path, type=Type.DIRECTORY, mode=0o755))
    return [found[path] for path in sorted(found, key=lambda at: at.split("/"))]


def _is_inside(path: str) -> bool:
    return (
        bool(path)
        and "\0" not in path
        and not path.startswith("/")
        and posixpath.normpath(path) == path
        and path.split("/", maxsplit=1)[0] not in {"..", "."}
    )


def _pax(entry: Entry, path: str) -> dict[str, str]:
    """Return the pax records (POSIX.1-2001, pax, Extended Header) for what ustar cannot say."""
    records = {}
    if not path.isascii() or _split(path) is None:
        records["path"] = path
    if not entry.target.isascii() or len(entry.target.encode()) > _LINK:
        records["linkpath"] = entry.target
    if entry.size >= _OCTAL_SIZE:
        records["size"] = str(entry.size)
    return records


def _split(path: str) -> tuple[bytes, bytes] | None:
    """Return ustar's name and prefix for ``path``, or none where it does not fit."""
    raw = path.encode()
    if len(raw) <= _NAME:
        return raw, b""
    at = raw.find(b"/", len(raw) - _NAME - 1)
    if at < 1 or at > _PREFIX or at == len(raw) - 1:
        return None
    return raw[at + 1 :], raw[:at]


def _ustar(entry: Entry, name: bytes, prefix: bytes, typeflag: bytes, size: int) -> bytes:
    """Return one 512-byte ustar block with its checksum."""
    fields = [
        name.ljust(_NAME, b"\0"),
        _octal(entry.mode, 8),
        _octal(entry.uid, 8),
        _octal(entry.gid, 8),
        _octal(size, 12),
        _octal(entry.mtime, 12),
        b" " * 8,
        typeflag,
        entry.target.encode()[:_LINK].ljust(_LINK, b"\0"),
        b"ustar\x0000",
        bytes(64),
        _octal(0, 8) * 2,
        prefix.ljust(_PREFIX, b"\0"),
    ]
    block = b"".join(fields).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _octal(value: int, width: int) -> bytes:
    return b"%0*o\0" % (width - 1, value)


def _record(key: str, value: str) -> bytes:
    """Return ``LENGTH key=value``, where LENGTH counts itself."""
    body = f" {key}={value}\n".encode()
    length = len(body) + 1
    while (grown := len(body) + len(str(length))) != length:
        length = grown
    return str(length).encode() + body


def _padding(size: int, unit: int) -> bytes:
    return bytes(-size % unit)
