"""What builds read, on disk: stamps, digests, and records of earlier builds.

Only the Go hand uses it. It decides nothing: ``core/golang/inputs`` does. Records are written by
temporary file and rename; one that cannot be read is as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway import __version__, scope
from shipway.adapters.go.ahead import Asked
from shipway.core.golang import discovery
from shipway.core.golang import inputs as nouns
from shipway.core.golang.discovery import Survey  # noqa: TC001  msgspec reads types
from shipway.core.golang.inputs import GONE, InputFile, InputFolder, Inputs
from shipway.core.golang.listing import SUFFIXES
from shipway.core.oci.digest import Digest, of
from shipway.core.supply import licences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipway.adapters.go.module import Stamps
    from shipway.core.golang.listing import Named

_BIG = 1 << 22
_LAST = "last\n"
_MADE_BY = f"{__version__}/{discovery.VERSION}"


class _Surveyed(msgspec.Struct, frozen=True, array_like=True):
    """A survey, by what version it was made, and of what."""

    version: str
    stamps: Digest
    seen: int
    survey: Survey


class Records:
    """Recorded inputs, one file for each unit."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def load(self, root: str, unit: str) -> Inputs | None:
        """Return the last record of ``unit`` in the repository at ``root``."""
        try:
            found = msgspec.json.decode(self._path(root + "\n" + unit).read_bytes(), type=Inputs)
        except (OSError, msgspec.DecodeError):
            return None
        return found if found.unit == unit else None

    def save(self, root: str, recorded: Inputs) -> None:
        """Keep a record; it replaces the one before whole.

        One with names that are no UTF-8 is not kept: the next run asks go again.
        """
        try:
            data = msgspec.json.encode(recorded)
        except UnicodeEncodeError:
            return
        self._write(root + "\n" + recorded.unit, data)

    def drop(self, root: str, unit: str) -> None:
        """Forget what is recorded of ``unit``."""
        self._path(root + "\n" + unit).unlink(missing_ok=True)

    def remember(self, root: str, asked: Asked) -> None:
        """Keep what was last asked of a build in the repository at ``root``."""
        with contextlib.suppress(UnicodeEncodeError):
            self._write(_LAST + root, msgspec.json.encode(asked))

    def remembered(self, directory: str) -> Asked | None:
        """Return what was last asked in the repository that ``directory`` lies in."""
        for place in (Path(directory), *Path(directory).parents):
            with contextlib.suppress(OSError, msgspec.DecodeError):
                return msgspec.json.decode(self._path(_LAST + str(place)).read_bytes(), type=Asked)
        return None

    def surveyed(self, top: str, stamps: Stamps) -> Survey | None:
        """Return what was found in the module at ``top`` when its sources had these stamps."""
        try:
            data = self._path(f"{top}\nsurvey").read_bytes()
            found = msgspec.json.decode(data, type=_Surveyed)
        except (OSError, msgspec.DecodeError):
            return None
        is_same = (found.version, found.stamps) == (_MADE_BY, stamps.digest)
        return found.survey if is_same and stamps.newest + nouns.TICK < found.seen else None

    def survey(self, top: str, stamps: Stamps, found: Survey, seen: int) -> None:
        """Keep what was found in a module; ``seen`` is when its sources were looked at."""
        kept = _Surveyed(_MADE_BY, stamps.digest, seen, found)
        with contextlib.suppress(UnicodeEncodeError):
            self._write(f"{top}\nsurvey", msgspec.json.encode(kept))

    def marked(self, name: str) -> bool:
        """Return whether :meth:`mark` was called for ``name``."""
        return self._path(name).exists()

    def mark(self, name: str) -> None:
        """Remember ``name``."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._path(name).touch()

    def _write(self, name: str, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            file.write(data)
        os.replace(file.name, self._path(name))  # noqa: PTH105  as in the design

    def _path(self, unit: str) -> Path:
        return self._folder / of(unit.encode("utf-8", "surrogateescape")).removeprefix("sha256:")


def now(recorded: Inputs) -> Inputs:
    """Return a record as its files and folders are now; unchanged stamps spare the reading."""
    seen = time.time_ns()
    files = scope.each(lambda file: _again(file, recorded.seen), recorded.files, 1)
    folders = tuple(
        InputFolder(folder.path, folder.all, names(folder.path, every=folder.all))
        for folder in recorded.folders
    )
    return msgspec.structs.replace(recorded, files=tuple(files), folders=folders, seen=seen)


def first(unit: str, named: Named, more: Iterable[str], *, tests: bool = False) -> Inputs:
    """Return the record of what ``go list`` named, and of ``more`` files.

    With ``tests``, everything in the testdata folders counts too.
    """
    seen = time.time_ns()
    data = dict(below(named.folders, "testdata")) if tests else {}
    paths = dict.fromkeys(
        (*named.files, *more, *(path for found in data.values() for path in found))
    )
    embedded = {*named.embedded, *data}
    folders = dict.fromkeys((*named.folders, *named.embedded, *data))
    return Inputs(
        unit=unit,
        files=tuple(look(path) for path in paths),
        folders=tuple(
            InputFolder(path, path in embedded, names(path, every=path in embedded))
            for path in folders
        ),
        packages=named.packages,
        needs=named.needs,
        modules=named.cached,
        seen=seen,
    )


def licensed(recorded: Inputs, before: Inputs | None) -> Inputs:
    """Return a record with the licences of its modules; what was read once is not read again."""
    known = before.licences if before else {}
    folders = sorted(set(recorded.modules.values()))
    return msgspec.structs.replace(
        recorded,
        licences={at: known[at] if at in known else _licence(at) for at in folders},
    )


def _licence(folder: str) -> str:
    """Return the licence of a module by the files in its folder; nothing where it is not sure."""
    try:
        names = [name for name in os.listdir(folder) if licences.is_file(name)]  # noqa: PTH208
        return licences.judged({name: Path(folder, name).read_bytes() for name in names})
    except OSError:
        return ""


def look(path: str) -> InputFile:
    """Return a file's stamp, digest and shape; of a missing one, that it is missing."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  twice as fast, and there are thousands
            stamp = _stamp(os.fstat(file.fileno()))
            data = file.read() if stamp[0] <= _BIG else b""
            digest = of(data) if data or not stamp[0] else _digest(path)
    except OSError:
        return InputFile(path, (0, 0, 0, 0), GONE, GONE)
    shape = nouns.shape(path, data) if stamp[0] <= _BIG else digest
    return InputFile(path, stamp, digest, shape)


def names(folder: str, *, every: bool) -> str:
    """Return a digest of the names in a folder that count; empty where it is missing."""
    try:
        found = os.listdir(folder)  # noqa: PTH208  twice as fast
    except OSError:
        return ""
    counted = sorted(name for name in found if every or name.endswith(SUFFIXES))
    return of("\0".join(counted).encode("utf-8", "surrogateescape"))


def below(folders: Iterable[str], name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder in and under the subfolders called ``name``, with its files."""
    for folder in folders:
        for at, _, files in os.walk(os.path.join(folder, name)):  # noqa: PTH118
            yield at, [os.path.join(at, file) for file in files]  # noqa: PTH118


def _again(file: InputFile, seen: int) -> InputFile:
    try:
        stamp = _stamp(os.stat(file.path))  # noqa: PTH116  twice as fast
    except OSError:
        return InputFile(file.path, (0, 0, 0, 0), GONE, GONE)
    return file if nouns.is_trusted(stamp, file, seen) else look(file.path)


def _stamp(status: os.stat_result) -> nouns.Stamp:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _digest(path: str) -> Digest:
    with open(path, "rb") as file:  # noqa: PTH123
        return Digest("sha256:" + hashlib.file_digest(file, "sha256").hexdigest())
