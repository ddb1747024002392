"""The verb that makes a program: one main package, one platform, one binary.

A road calls :func:`download` first and then :func:`compile`; :func:`key` tells it beforehand
whether anything that the last build read has changed. It knows nothing of images or caching.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from shipway.core.golang import discovery, metadata
from shipway.core.golang.binary import Binary, OutsideInput
from shipway.core.golang.inputs import GONE
from shipway.core.oci.descriptor import OCTETS, Platform
from shipway.core.oci.digest import Digest, of
from shipway.core.ports.go import Target
from shipway.core.project.source import Source  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.golang.inputs import Inputs
    from shipway.core.ports.content import Content
    from shipway.core.ports.git import Git
    from shipway.core.ports.go import Built, Go

VERSION = 2
"""Raised whenever the same request may give another result."""


class BuildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One program for one platform."""

    source: Source
    package: str = "."
    """Folder of the main package relative to the module: ``.``, ``./cmd/web``."""
    platform: Platform
    module_dir: str = "."
    """Folder of go.mod, relative to the repository."""
    tags: tuple[str, ...] = ()
    cgo: bool = False
    metadata_package: str = ""
    """Folder of the package that takes the ``-X`` metadata; empty to look for one."""
    go: str = ""
    """The toolchain that shipway.lock names; empty where go.mod decides."""
    debug: bool = False
    """Whether a debugger is to follow it: nothing is optimized, and symbols stay."""


def download(request: BuildRequest, *, go: Go) -> bool:
    """Fetch the toolchain and all modules while the network is open; run nothing of the source.

    Returns whether anything had to be asked for.

    Raises:
        ShipwayError: ``build.download``, ``build.no-module``, ``toolchain.*``.
    """
    return go.download(_target(request))


def compile(request: BuildRequest, *, go: Go, git: Git, content: Content) -> Binary:  # noqa: A001
    """Build the program without a network and put it into the store.

    The same commit with the same recorded inputs gives the same digest in any folder.

    Raises:
        ShipwayError: ``build.*`` with the compiler's lines, ``build.metadata``, ``go.flags``,
            ``elf.invalid``.
    """
    target = _target(request)
    go.download(target)
    assigned = _assigned(request, go)
    built = go.build(target, metadata.ldflags(assigned, debug=request.debug))
    adopted = content.adopt(built.path, OCTETS)
    go.discard(built)
    return Binary(
        content=adopted,
        platform=request.platform,
        package=built.info.package,
        module=built.info.main.path,
        go_version=built.info.go_version,
        flags=built.flags,
        environment=built.environment,
        modules=built.info.modules,
        toolchain=built.toolchain,
        inputs=_outside(request.source.root, built, git),
        metadata={name.rpartition(".")[2]: value for name, value in assigned.items()},
        network=built.network,
        needs=built.inputs.needs,
        licences=_licences(built.inputs),
        linkage=built.linkage,
    )


def key(request: BuildRequest, *, go: Go, still: bool = False) -> Digest | None:
    """Return the key of "nothing changed" since the last build of this request.

    It covers every file that ``go list -deps`` names outside of Go and the module cache, the
    folders they lie in, flags, environment and toolchain, and what the metadata would say.
    None where nothing is recorded or only a build can tell, and with ``still`` where anything is
    not as that build read it.
    """
    read = go.key(_target(request), still=still)
    if read is None:
        return None
    said = metadata.values(request.source)
    words = [f"build {VERSION}", read, request.metadata_package, *said.values()]
    return of("\n".join(words).encode("utf-8", "surrogateescape"))


def _target(request: BuildRequest) -> Target:
    return Target(
        root=request.source.root,
        module_dir=request.module_dir,
        packages=(_relative(request.package),),
        platform=request.platform,
        tags=request.tags,
        cgo=request.cgo,
        debug=request.debug,
        go=request.go,
    )


def _relative(package: str) -> str:
    return package if package.startswith(".") else f"./{package}"


def _assigned(request: BuildRequest, go: Go) -> dict[str, str]:
    """Return what the linker sets in the package that takes the metadata.

    Raises:
        ShipwayError: ``build.no-main``, ``build.metadata``, ``build.no-module``.
    """
    main = posixpath.normpath(request.package)
    named = {main, *(posixpath.basename(main),), *metadata.FOLDERS}
    wanted = posixpath.normpath(request.metadata_package) if request.metadata_package else ""
    if wanted:
        named.add(posixpath.basename(wanted))
    sources = go.read(request.source.root, request.module_dir, named)
    if not discovery.is_main(sources.packages.get(main, {})):
        raise _no_main(request)
    wanted = "." if wanted == sources.module else wanted.removeprefix(sources.module + "/")
    folder, names = metadata.choose(sources.packages, wanted, main)
    package = "main" if folder == main else posixpath.join(sources.module, folder)
    return metadata.assignments(package.removesuffix("/."), names, request.source)


def _licences(read: Inputs) -> dict[str, str]:
    """Return the licence of each module of which it is sure."""
    found = {path: read.licences.get(at, "") for path, at in read.modules.items()}
    return {path: licence for path, licence in sorted(found.items()) if licence}


def _outside(root: str, built: Built, git: Git) -> tuple[OutsideInput, ...]:
    """Return the files that the build read and the commit does not name."""
    files = {posixpath.relpath(file.path, root): file for file in built.inputs.files}
    there = {path: file for path, file in files.items() if file.digest != GONE}
    beyond = [path for path in there if path.startswith("../")]
    unnamed = git.unnamed(root, tuple(path for path in there if not path.startswith("../")))
    return tuple(
        OutsideInput(quote(path, errors="surrogateescape"), there[path].digest)
        for path in sorted((*beyond, *unnamed))
    )


def _no_main(request: BuildRequest) -> ShipwayError:
    return ShipwayError(
        "build.no-main",
        Kind.CONFIG,
        "there is no main package in this folder",
        operation="building",
        subject=request.package,
        hint="name a folder with `package main`, as in `shipway up ./cmd/web`",
    )
