"""Files of a repository on their way into an image (``core.ports.bases``, ImageFiles).

Wiring makes one. It reads below one root only: a symbolic link or ``..`` that leads out of it is
refused. What an entry looks like never depends on the machine: owner root, 0644 or 0755, no time.
"""

from __future__ import annotations

import hashlib
import os
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.oci.descriptor import OCTETS, Descriptor
from shipway.core.oci.digest import Digest
from shipway.core.oci.layer import Entry, Type
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.core.ports.content import Content

_EXECUTABLE = 0o111
_BIG = 1 << 22


class RepositoryFiles:
    """Files put into ``content``."""

    def __init__(self, content: Content) -> None:
        self._content = content

    def folder(self, root: str, path: str) -> bool:
        """Return whether there is a folder; see the port."""
        return Path(root, path).is_dir()

    def collect(self, root: str, files: Mapping[str, str]) -> tuple[Entry, ...]:
        """Return entries for ``files``: path in the image -> path below ``root``."""
        top = Path(root).resolve()
        found: dict[str, Entry] = {}
        for target, source in sorted(files.items()):
            place = _inside(top, top / source, source)
            for path, name in _walk(top, place, target.strip("/"), frozenset()):
                found[name] = self._entry(path, name)
        return tuple(found[name] for name in sorted(found))

    def _entry(self, path: Path, name: str) -> Entry:
        if path.is_dir():
            return Entry(path=name, type=Type.DIRECTORY, mode=0o755)
        try:
            executable = path.stat().st_mode & _EXECUTABLE
            blob = self._stored(path)
        except OSError as error:
            raise _refused(str(path), error.strerror or str(error)) from error
        return Entry(path=name, mode=0o755 if executable else 0o644, blob=blob)

    def _stored(self, path: Path) -> Descriptor:
        """Return the file as a blob; a big one is never in memory as a whole."""
        size = path.stat().st_size
        if size <= _BIG:
            return self._content.put(path.read_bytes(), OCTETS)
        with path.open("rb") as file:
            digest = Digest("sha256:" + hashlib.file_digest(file, "sha256").hexdigest())
            file.seek(0)
            pieces = iter(lambda: file.read(1 << 20), b"")
            return self._content.gather(pieces, Descriptor(OCTETS, digest, size))


def _walk(top: Path, path: Path, name: str, above: frozenset[Path]) -> Iterator[tuple[Path, str]]:
    """Yield a file, or a folder and all below it, with their names in the image."""
    if path.is_file():
        if name:
            yield path, name
        return
    if not path.is_dir() or path in above:
        raise _refused(str(path), "no file or folder, or a folder within itself")
    if name:
        yield path, name
    for child in sorted(path.iterdir()):
        below = f"{name}/{encoded(child.name)}".lstrip("/")
        yield from _walk(top, _inside(top, child, str(child)), below, above | {path})


def encoded(name: str) -> str:
    """Return a file name as text; bytes that are not UTF-8 are percent-encoded."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return urllib.parse.quote(os.fsencode(name), safe=" !#$&'()+,;=@[]")
    return name


def _inside(top: Path, path: Path, said: str) -> Path:
    """Return where ``path`` really lies, which must be below ``top``."""
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise _refused(said, "there is no such file") from error
    if real != top and top not in real.parents:
        raise _refused(said, "it lies outside of the repository")
    return real


def _refused(subject: str, reason: str) -> ShipwayError:
    return ShipwayError(
        "image.files",
        Kind.CONFIG,
        reason,
        operation="collecting for the image",
        subject=subject,
        hint="`files` names files and folders of the repository",
    )
