"""What is in a Go program, by the build information that the linker left in it.

Nothing is claimed that is not known. Which module needs which is only known where the source was
at hand; of a bare file it is known what its main module needs in all, and the needs of the others
are open. A module that a local folder stands for has no version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang.buildinfo import BuildInfo  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.supply import bom, purl
from shipway.core.supply.bom import Bom, Component, Relation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.golang.binary import Module

DEVELOPED = "(devel)"
"""What Go writes where it does not know the main module's version."""
NO_VERSION = "no version: the program does not say it"
OPEN = "Which module needs which is not known from a program alone."


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """A Go program as a file."""

    name: str
    """Its file name or path."""
    digest: Digest
    info: BuildInfo

    @property
    def time(self) -> int:
        """Return the time of the commit that it was built from, 0 where it does not say."""
        return bom.instant(self.info.settings.get("vcs.time", ""))


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who had the source knows beyond the program itself."""

    version: str = ""
    """Of the main module."""
    origin: str = ""
    needs: dict[str, tuple[str, ...]] | None = None
    """By path of a module, paths of the modules whose packages it imports."""
    licences: dict[str, str] = {}
    """By path of a module, the licence whose text it carries word for word."""


def contents(program: Program, known: Known | None = None) -> Bom:
    """Return everything that is in a program."""
    known = known or Known()
    info = program.info
    binary = _binary(program, known)
    main = _main(info, known)
    stdlib, tool = _stdlib(info.go_version), _toolchain(info)
    modules = {
        one.path: _module(one, known.licences.get(one.path, ""))
        for one in sorted(info.modules, key=_order)
    }
    relations = [
        Relation(binary.ref, bom.GENERATED_FROM, main.ref),
        Relation(tool.ref, bom.BUILD_TOOL_OF, binary.ref),
        *(Relation(binary.ref, bom.CONTAINS, one.ref) for one in (stdlib, *modules.values())),
        Relation(main.ref, bom.DEPENDS_ON, stdlib.ref),
    ]
    if known.needs is None:
        relations += [Relation(main.ref, bom.DEPENDS_ON, one.ref) for one in modules.values()]
    else:
        relations += _graph(known.needs, {info.main.path: main, **modules})
    is_open = known.needs is None and bool(modules)
    return Bom(
        name=f"{_short(program)} {main.version}".rstrip(),
        time=program.time,
        subject=binary.ref,
        components=(binary, main, stdlib, tool, *modules.values()),
        relations=tuple(dict.fromkeys(relations)),
        open=tuple(one.ref for one in modules.values()) if is_open else (),
        notes=(OPEN,) if is_open else (),
    )


def _graph(
    needs: Mapping[str, tuple[str, ...]], by_path: Mapping[str, Component]
) -> list[Relation]:
    """Return who needs whom, of those that are in the program."""
    return [
        Relation(one.ref, bom.DEPENDS_ON, by_path[target].ref)
        for path, one in by_path.items()
        for target in needs.get(path, ())
        if target in by_path and target != path
    ]


def _binary(program: Program, known: Known) -> Component:
    info, settings = program.info, program.info.settings
    platform = "/".join(
        part for part in (settings.get("GOOS", ""), settings.get("GOARCH", "")) if part
    )
    version = known.version or _said(info.main.version)
    said = ("" if version else NO_VERSION, f"program for {platform}" if platform else "")
    return Component(
        ref=bom.ref("Binary", program.name, program.digest),
        kind=bom.APPLICATION,
        name=info.package,
        version=version,
        digest=program.digest,
        file=program.name,
        comment="; ".join(part for part in said if part),
    )


def _main(info: BuildInfo, known: Known) -> Component:
    path = info.main.path or info.package
    version = known.version or _said(info.main.version)
    return Component(
        ref=bom.ref("Module", path, version),
        kind=bom.SOURCE,
        name=path,
        version=version,
        purl=purl.golang(path, version) if info.main.path else "",
        go_sum=info.main.sum,
        origin=known.origin or _revision(info.settings),
        comment="" if version else NO_VERSION,
    )


def _said(version: str) -> str:
    return "" if version == DEVELOPED else version


def _revision(settings: Mapping[str, str]) -> str:
    """Return what Go stamped of the repository; a changed tree is never called its commit."""
    kind, revision = settings.get("vcs", ""), settings.get("vcs.revision", "")
    if not revision:
        return ""
    changed = "changed since " if settings.get("vcs.modified") == "true" else ""
    return f"{changed}{kind} commit {revision}".strip()


def _stdlib(version: str) -> Component:
    number = version.removeprefix("go")
    return Component(
        ref=bom.ref("Module", "stdlib", version),
        kind=bom.LIBRARY,
        name="stdlib",
        version=version,
        purl=purl.stdlib(version),
        cpe=f"cpe:2.3:a:golang:go:{number}:-:*:*:*:*:*:*",
        declared="BSD-3-Clause",
        supplier="The Go Project",
    )


def _toolchain(info: BuildInfo) -> Component:
    compiler = info.settings.get("-compiler", "gc")
    return Component(
        ref=bom.ref("Tool", "toolchain", info.go_version),
        kind=bom.TOOL,
        name="toolchain",
        version=info.go_version,
        purl=purl.toolchain(info.go_version),
        declared="BSD-3-Clause",
        supplier="The Go Project",
        comment=f"compiler {compiler}",
    )


def _module(module: Module, licence: str) -> Component:
    """Return a module as it was compiled in: a remote replacement is what it was replaced by."""
    real = module.replace or module
    is_local = module.replace is not None and not _said(module.replace.version)
    shown = module if is_local else real
    version = "" if is_local else _said(real.version)
    comment = ""
    if is_local:
        comment = "no version: replaced by a local folder"
    elif module.replace is not None:
        comment = f"replaces {module.path} {module.version}".rstrip()
    elif not version:
        comment = NO_VERSION
    return Component(
        ref=bom.ref("Module", shown.path, version),
        kind=bom.LIBRARY,
        name=shown.path,
        version=version,
        purl=purl.golang(shown.path, version),
        go_sum="" if is_local else real.sum,
        declared=licence,
        concluded=licence,
        comment=comment,
    )


def _order(module: Module) -> tuple[str, str]:
    return module.path, module.version


def _short(program: Program) -> str:
    name = program.info.package.rpartition("/")[2]
    return name or program.info.main.path or program.name.rpartition("/")[2]
