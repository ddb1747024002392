"""What is in a Go program, and what nobody can know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.elf import MODINFO, program
from shipway.core.golang import buildinfo
from shipway.core.oci.digest import of
from shipway.core.supply import programs
from shipway.core.supply.programs import Known, Program

if TYPE_CHECKING:
    from shipway.core.supply.bom import Bom

STAMPED = MODINFO.replace("(devel)", "v1.4.2") + (
    "build\tvcs=git\nbuild\tvcs.revision=abc\nbuild\tvcs.time=2024-01-02T03:04:05Z\n"
    "build\tGOOS=linux\nbuild\tGOARCH=amd64\n"
)


def read(modinfo: str = STAMPED) -> Program:
    """Return a program with that module information."""
    data = program(modinfo=modinfo)
    return Program(name="web", digest=of(data), info=buildinfo.parse(data))


def names(found: Bom) -> dict[str, str]:
    """Return the name of each component by its identifier."""
    return {one.ref: one.name for one in found.components}


def edges(found: Bom) -> list[tuple[str, str, str]]:
    """Return all relations by name."""
    by_ref = names(found)
    return [(by_ref[one.subject], one.kind, by_ref[one.target]) for one in found.relations]


def test_all_that_is_in_it() -> None:
    """Program, main module, standard library, toolchain and every module have their own place."""
    found = programs.contents(read())

    assert [(one.name, one.version) for one in found.components] == [
        ("example.com/web/cmd/web", "v1.4.2"),
        ("example.com/web", "v1.4.2"),
        ("stdlib", "go1.27.3"),
        ("toolchain", "go1.27.3"),
        ("example.com/a", "v1.2.3"),
        ("example.com/c", "v2.1.0"),
        ("example.com/d", ""),
    ]
    assert found.name == "web v1.4.2"
    assert found.time == 1704164645
    assert found.components[0].comment == "program for linux/amd64"
    assert found.components[1].origin == "git commit abc"


def test_a_bare_program_has_no_graph() -> None:
    """What the main module needs in all is known; what the others need is said to be open."""
    found = programs.contents(read())
    by_ref = names(found)

    assert [by_ref[ref] for ref in found.open] == [
        "example.com/a",
        "example.com/c",
        "example.com/d",
    ]
    assert found.notes == (programs.OPEN,)
    needs = [(who, what) for who, kind, what in edges(found) if kind == "DEPENDS_ON"]
    assert {who for who, _ in needs} == {"example.com/web"}


def test_the_graph_where_it_is_known() -> None:
    """With the source at hand each module needs what its packages import, and nothing is open."""
    needs = {
        "example.com/web": ("example.com/a", "example.com/web"),
        "example.com/a": ("example.com/b", "example.com/d", "example.com/gone"),
    }
    found = programs.contents(read(), Known(needs=needs))

    assert [(who, what) for who, kind, what in edges(found) if kind == "DEPENDS_ON"] == [
        ("example.com/web", "stdlib"),
        ("example.com/web", "example.com/a"),
        ("example.com/a", "example.com/c"),
        ("example.com/a", "example.com/d"),
    ]
    assert (found.open, found.notes) == ((), ())


def test_a_licence_that_is_sure() -> None:
    """A licence that was read is declared and concluded, a replaced module's too."""
    known = Known(licences={"example.com/a": "MIT", "example.com/b": "ISC"})
    found = {one.name: one for one in programs.contents(read(), known).components}

    assert (found["example.com/a"].declared, found["example.com/a"].concluded) == ("MIT", "MIT")
    assert found["example.com/c"].concluded == "ISC"
    assert found["example.com/d"].concluded == ""


def test_a_local_folder_has_no_name_of_its_own() -> None:
    """A module that a folder stands for keeps its path, in Go's older and newer words."""
    for said in ("../d", "../d\t(devel)"):
        found = programs.contents(read(STAMPED.replace("../d", said)))
        assert found.components[-1].name == "example.com/d"
        assert ".." not in str(found)


def test_a_changed_tree_is_not_its_commit() -> None:
    """What Go stamped as modified is told as changed since the commit."""
    (_, main, *_) = programs.contents(read(STAMPED + "build\tvcs.modified=true\n")).components

    assert main.origin == "changed since git commit abc"


def test_no_version_is_no_version() -> None:
    """`(devel)` is not a version: there is none, in the package URL either, and that is said."""
    found = programs.contents(read(MODINFO + "dep\texample.com/e\t(devel)\n"))
    by_name = {one.name: one for one in found.components}

    assert found.name == "web"
    for name in ("example.com/web", "example.com/d", "example.com/e"):
        assert by_name[name].version == ""
        assert by_name[name].purl == f"pkg:golang/{name}"
        assert by_name[name].comment.startswith("no version: ")


def test_a_program_without_a_module() -> None:
    """A program of bare files is named by its package, and has no package URL."""
    found = programs.contents(read("path\tcommand-line-arguments\n"))

    assert found.components[1].name == "command-line-arguments"
    assert found.components[1].purl == ""
    assert found.open == ()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("2024-01-02T03:04:05Z", 1704164645), ("yesterday", 0), ("0001-01-01T00:00:00Z", 0), ("", 0)],
)
def test_the_time_is_the_commits(said: str, seconds: int) -> None:
    """A program is as old as its commit; one that does not say it has no time."""
    found = read()
    settings = {"vcs.time": said}
    info = msgspec.structs.replace(found.info, settings=settings)

    assert msgspec.structs.replace(found, info=info).time == seconds


def test_a_program_is_named_somehow() -> None:
    """Without a package the module names it, and without both its file."""
    found = read()
    for package, module, name in (("", "example.com/m", "example.com/m"), ("", "", "web")):
        main = msgspec.structs.replace(found.info.main, path=module, version="")
        info = msgspec.structs.replace(found.info, package=package, main=main)
        assert programs.contents(msgspec.structs.replace(found, info=info)).name == name
