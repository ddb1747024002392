"""The answer of ``go list -deps -json``: packages, and the files of ours that a build reads.

The Go hand asks for it; the answer comes from the go command, but names whatever the repository
contains, so nothing in it is taken for granted.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_KINDS = (
    "GoFiles", "CgoFiles", "CFiles", "CXXFiles", "MFiles", "HFiles", "FFiles", "SFiles",
    "SwigFiles", "SwigCXXFiles", "SysoFiles", "EmbedFiles", "TestGoFiles", "XTestGoFiles",
    "TestEmbedFiles", "XTestEmbedFiles",
)  # fmt: skip
FIELDS = (
    "ImportPath", "Dir", "Name", "Standard", "Imports", "Module", "EmbedPatterns",
    "TestEmbedPatterns", *_KINDS,
)  # fmt: skip
"""What to ask for: ``go list -json=A,B,...``."""

SUFFIXES = (
    ".go", ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for",
    ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso", ".pgo", "go.mod", "go.work", "vendor",
)  # fmt: skip
"""Names whose appearance in a package's folder may change a build."""

_Files = list[str]


class ListedModule(msgspec.Struct, frozen=True, rename="pascal"):
    """The module that a package comes from."""

    path: str
    version: str = ""
    dir: str = ""
    replace: ListedModule | None = None


class Package(msgspec.Struct, frozen=True, rename="pascal"):
    """One package as ``go list`` shows it, with the fields that are asked for."""

    import_path: str
    dir: str = ""
    name: str = ""
    standard: bool = False
    imports: _Files = []
    module: ListedModule | None = None
    embed_patterns: _Files = []
    test_embed_patterns: _Files = []
    go_files: _Files = []
    cgo_files: _Files = []
    c_files: _Files = msgspec.field(default=[], name="CFiles")
    cxx_files: _Files = msgspec.field(default=[], name="CXXFiles")
    m_files: _Files = msgspec.field(default=[], name="MFiles")
    h_files: _Files = msgspec.field(default=[], name="HFiles")
    f_files: _Files = msgspec.field(default=[], name="FFiles")
    s_files: _Files = msgspec.field(default=[], name="SFiles")
    swig_files: _Files = []
    swig_cxx_files: _Files = msgspec.field(default=[], name="SwigCXXFiles")
    syso_files: _Files = []
    embed_files: _Files = []
    test_go_files: _Files = []
    x_test_go_files: _Files = msgspec.field(default=[], name="XTestGoFiles")
    test_embed_files: _Files = []
    x_test_embed_files: _Files = msgspec.field(default=[], name="XTestEmbedFiles")

    @property
    def files(self) -> list[str]:
        """Return every file named, relative to ``dir``."""
        return [
            *self.go_files, *self.cgo_files, *self.c_files, *self.cxx_files, *self.m_files,
            *self.h_files, *self.f_files, *self.s_files, *self.swig_files, *self.swig_cxx_files,
            *self.syso_files, *self.embed_files, *self.test_go_files, *self.x_test_go_files,
            *self.test_embed_files, *self.x_test_embed_files,
        ]  # fmt: skip

    @property
    def embeds(self) -> bool:
        """Return whether it embeds files."""
        return bool(self.embed_patterns or self.test_embed_patterns)


class Named(msgspec.Struct, frozen=True):
    """The files and folders of ours that a build reads, as absolute paths."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    """Folders in which a new file with one of :data:`SUFFIXES` may change the build."""
    embedded: tuple[str, ...]
    """Folders in which any new name may change the build."""
    packages: tuple[str, ...]
    """Import paths."""
    needs: dict[str, tuple[str, ...]] = {}
    """By path of a module, sorted paths of the modules whose packages it imports."""
    cached: dict[str, str] = {}
    """By path of a module from the module cache, its folder there."""


NOTHING = Named((), (), (), ())

_DECODER = msgspec.json.Decoder(Package)


def parse(raw: bytes) -> tuple[Package, ...]:
    """Return the packages of a stream of JSON objects.

    Raises:
        ShipwayError: ``go.listing`` (internal) where it is not one.
    """
    try:
        return tuple(_DECODER.decode(piece) for piece in _objects(raw))
    except msgspec.DecodeError as error:
        raise ShipwayError(
            "go.listing", Kind.INTERNAL, str(error)[:300], operation="reading `go list`"
        ) from error


def ours(packages: Iterable[Package], elsewhere: tuple[str, ...], top: str) -> Named:
    """Return what a build reads that is neither Go's nor from the module cache.

    ``elsewhere`` are the absolute folders of those two and of the build cache; ``top`` is the
    module's folder.
    """
    packages = tuple(packages)
    mine = [package for package in packages if _is_ours(package, elsewhere)]
    files: dict[str, None] = {}
    folders: dict[str, None] = {}
    embedded: dict[str, None] = {}
    for package in mine:
        paths = (posixpath.join(package.dir, name) for name in package.files)
        files |= dict.fromkeys(path for path in paths if not _is_below(path, elsewhere))
        folders |= dict.fromkeys(_above(package.dir, top))
        if package.embeds:
            embedded |= dict.fromkeys(_embedded(package))
    return Named(
        tuple(files),
        tuple(folders),
        tuple(embedded),
        tuple(package.import_path for package in mine),
        _needs(packages),
        _cached(packages),
    )


def _needs(packages: tuple[Package, ...]) -> dict[str, tuple[str, ...]]:
    """Return which module needs which, by what their packages import."""
    owner = {one.import_path: one.module.path for one in packages if one.module}
    found: dict[str, set[str]] = {}
    for one in packages:
        if one.module:
            needed = {owner[name] for name in one.imports if name in owner}
            found.setdefault(one.module.path, set()).update(needed - {one.module.path})
    return {path: tuple(sorted(found[path])) for path in sorted(found)}


def _cached(packages: tuple[Package, ...]) -> dict[str, str]:
    """Return the folders of modules that are the same wherever they are: those with a version."""
    modules = {one.module.path: one.module for one in packages if one.module}
    real = {path: one.replace or one for path, one in modules.items()}
    return {path: one.dir for path, one in real.items() if one.version and one.dir}


def _is_ours(package: Package, elsewhere: tuple[str, ...]) -> bool:
    return bool(package.dir) and not package.standard and not _is_below(package.dir, elsewhere)


def _is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == at or path.startswith(at + "/") for at in folders)


def _above(folder: str, top: str) -> Iterator[str]:
    """Yield the folder and those above it, up to ``top``; the folder alone where it is outside."""
    yield folder
    while folder.startswith(top + "/"):
        folder = posixpath.dirname(folder)
        yield folder


def _embedded(package: Package) -> Iterator[str]:
    """Yield the package's folder and all folders between it and what it embeds."""
    yield package.dir
    named = (package.embed_files, package.test_embed_files, package.x_test_embed_files)
    for name in (name for names in named for name in names):
        folder = posixpath.dirname(name)
        while folder:
            yield posixpath.join(package.dir, folder)
            folder = posixpath.dirname(folder)


def _objects(raw: bytes) -> Iterator[bytes]:
    for piece in raw.split(b"\n}\n"):
        if piece.strip():
            yield piece + b"\n}"
