"""Where a module lies, and its sources.

Only the Go hand uses it. It reads; it never follows symbolic links to folders, and leaves nested
modules, vendored code and test data alone, as the go command's ``./...`` does.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shipway.core.golang import modfile
from shipway.core.oci.digest import of
from shipway.core.ports.go import Sources
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from shipway.core.golang.modfile import ModFile
    from shipway.core.oci.digest import Digest

_SKIPPED = frozenset({"vendor", "testdata", "node_modules"})
_IMPORTS_C = re.compile(r'^import "C"|^import \(\s*"C"\s*\)', re.MULTILINE)
_MOST = 1 << 20
"""Bytes of one source file that are read."""


class Stamps(NamedTuple):
    """What all sources of a module look like from outside."""

    digest: Digest
    newest: int
    """Nanoseconds since the epoch."""


class Place(NamedTuple):
    """A module on disk."""

    top: str
    """Absolute folder of its go.mod."""
    files: tuple[ModFile, ...]
    """Its go.mod, then the go.work that it takes part in."""
    locks: tuple[str, ...]
    """Absolute paths of the files that choose modules, whether they exist or not."""
    mode: str
    """``vendor`` or ``readonly``, for ``-mod``."""


def locate(root: str, module_dir: str) -> Place:
    """Return where the module is.

    Raises:
        ShipwayError: ``build.no-module`` where the folder has no go.mod.
    """
    top = os.path.realpath(os.path.join(root, module_dir))  # noqa: PTH118
    own = _parse(Path(top, "go.mod"))
    if not own.module:
        raise ShipwayError(
            "build.no-module",
            Kind.CONFIG,
            "no go.mod with a module line",
            operation="reading the module in",
            subject=module_dir,
            hint="run `go mod init example.com/NAME` there, or name the folder that has one",
        )
    work = next((at for at in (Path(top), *Path(top).parents) if (at / "go.work").is_file()), None)
    vendored = Path(work or top, "vendor", "modules.txt")
    locks = [Path(top, "go.mod"), Path(top, "go.sum"), vendored]
    files = [own]
    if work is not None:
        locks += [work / "go.work", work / "go.work.sum"]
        files.append(_parse(work / "go.work"))
    locks += [Path(base, at, "go.mod") for base in (top, work or top) for at in files[-1].folders]
    return Place(
        top=top,
        files=tuple(files),
        locks=tuple(dict.fromkeys(os.path.normpath(path) for path in locks)),
        mode="vendor" if vendored.is_file() else "readonly",
    )


def read(place: Place, named: Collection[str]) -> Sources:
    """Return the sources of a module's packages; see the port."""
    packages = {}
    for folder, files in _walk(place.top):
        if not named or folder in named or folder.rpartition("/")[2] in named:
            texts = {name: _text(Path(place.top, folder, name)) for name in sorted(files)}
            if texts:
                packages[folder] = texts
    return Sources(place.files[0].module, packages)


def stamps(top: str) -> Stamps:
    """Return the stamps of go.mod and all sources that :func:`read` would read, and the newest."""
    rows: list[str] = []
    newest = 0
    left = [top]
    while left:
        folder = left.pop()
        below: list[str] = []
        found: list[os.DirEntry[str]] = []
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if entry.is_dir(follow_symlinks=False):
                    if _is_package(name):
                        below.append(entry.path)
                elif name == "go.mod" and folder != top:
                    found, below = [], []
                    break
                elif name == "go.mod" or (name.endswith(".go") and not name.endswith("_test.go")):
                    found.append(entry)
        left += below
        for entry in found:
            with contextlib.suppress(OSError):
                at = entry.stat()
                newest = max(newest, at.st_mtime_ns, at.st_ctime_ns)
                seen = (at.st_size, at.st_mtime_ns, at.st_ctime_ns, at.st_ino)
                rows.append(f"{entry.path}\0{seen}")
    rows.sort()
    return Stamps(of("\n".join(rows).encode("utf-8", "surrogateescape")), newest)


def uses_c(folders: Collection[str]) -> bool:
    """Return whether one of these package folders has a file that imports "C" (cmd/cgo)."""
    files = (path for folder in folders for path in Path(folder).glob("*.go"))
    return any(_IMPORTS_C.search(_text(path)) for path in files)


def _walk(top: str) -> Iterator[tuple[str, list[str]]]:
    """Yield folders relative to ``top`` with the names of their Go files, tests left out."""
    for at, below, files in os.walk(top):
        if at != top and "go.mod" in files:
            below.clear()
            continue
        below[:] = sorted(name for name in below if _is_package(name))
        found = [name for name in files if name.endswith(".go") and not name.endswith("_test.go")]
        yield os.path.relpath(at, top), found


def _is_package(name: str) -> bool:
    return name not in _SKIPPED and not name.startswith((".", "_"))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MOST).decode("utf-8", "replace")
    except OSError:
        return ""


def _parse(path: Path) -> ModFile:
    return modfile.parse(_text(path))
