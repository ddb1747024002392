"""The build information of a program, from bytes that nobody vouches for."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import executables
from fakes.elf import MODINFO, header, linked, program
from shipway.core.golang import buildinfo
from shipway.core.golang.binary import Module
from shipway.errors import ShipwayError


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("big", [True, False])
def test_all_is_read(wide: bool, big: bool) -> None:
    """Version, main package, modules, replacements and settings are read, in every ELF layout."""
    info = buildinfo.parse(program(wide=wide, big=big))

    assert info.go_version == "go1.27.3"
    assert info.package == "example.com/web/cmd/web"
    assert info.main == Module(path="example.com/web", version="(devel)")
    assert info.settings == {"-compiler": "gc", "CGO_ENABLED": "0"}
    assert info.modules == (
        Module(path="example.com/a", version="v1.2.3", sum="h1:aaa="),
        Module(
            path="example.com/b",
            version="v2.0.0+incompatible",
            replace=Module(path="example.com/c", version="v2.1.0", sum="h1:ccc="),
        ),
        Module(path="example.com/d", version="v0.0.0", replace=Module(path="../d")),
    )


OTHERS = [
    executables.apple(),
    executables.apple(big=True),
    executables.apple(wide=False),
    executables.apple(wide=False, big=True),
    executables.apple(named=True),
    executables.apple(named=True, wide=False),
    executables.universal(executables.apple()),
    executables.windows(),
    executables.windows(wide=False),
    executables.sectioned(),
    executables.sectioned(wide=False),
]


@pytest.mark.parametrize("data", OTHERS)
def test_other_systems(data: bytes) -> None:
    """Programs for macOS and Windows are read in every layout, and ELF by its sections."""
    info = buildinfo.parse(data)

    assert (info.go_version, info.main.path, len(info.modules)) == (
        "go1.27.3",
        "example.com/web",
        3,
    )


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("big", [True, False])
def test_old_programs(wide: bool, big: bool) -> None:
    """A program of Go 1.13 to 1.17 points at its build information."""
    info = buildinfo.parse(executables.pointed(wide=wide, big=big))

    assert (info.go_version, info.main.path) == ("go1.17.5", "example.com/web")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (8, 1 << 40),
        (executables.ADDRESS + 32, executables.ADDRESS * 9),
        (executables.ADDRESS + 32, 1),
    ],
)
def test_a_pointer_that_leaves_the_file(before: int, after: int) -> None:
    """A string that ends outside of the file, or an address of nothing, is one error."""
    data = executables.pointed()
    with pytest.raises(ShipwayError) as failure:
        buildinfo.parse(data.replace(before.to_bytes(8, "little"), after.to_bytes(8, "little")))

    assert failure.value.id == "buildinfo.unreadable"


def test_the_section_comes_before_the_segment() -> None:
    """What the linker names counts, however far behind other data it lies."""
    far = executables.apple(executables.FAR + header("go1.27.3", MODINFO))
    with pytest.raises(ShipwayError):
        buildinfo.parse(far)

    assert buildinfo.parse(executables.apple(named=True)).package


def test_an_unaligned_magic_is_passed_over() -> None:
    """The header is the first magic on a 16-byte border, whatever looks like one before."""
    before = (b"x\xff Go buildinf:").ljust(48, b"\0")

    assert buildinfo.parse(program(before=before)).go_version == "go1.27.3"


def test_experiments_are_no_part_of_the_version() -> None:
    """Text after a space in the version is an experiment list."""
    assert buildinfo.parse(program("go1.27.3 X:rangefunc")).go_version == "go1.27.3"


def test_a_program_without_module_is_read() -> None:
    """A program built from bare files has a package and no main module."""
    info = buildinfo.parse(program(modinfo="path\tcommand-line-arguments\n=>\tx\nbuild\n"))

    assert info.main == Module(path="")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n",
        b"\x7fELF\x03\x01" + bytes(100),
        program()[:70],
        program()[:-20],
        program(flags=0),
        linked(),
        program(flags=1),
        executables.windows(signature=b"NE\0\0"),
        executables.windows(flags=0x40000040),
        executables.apple(b"nothing of Go"),
        executables.universal(b"no program at all"),
        executables.universal(b""),
        executables.sectioned(names=9),
        executables.sectioned(title=b".go.something"),
        executables.pointed(modinfo=""),
        program()[: program().index(b"\xff Go") + 32] + b"\xff" * 64,
        executables.pointed().replace(b"go1.17.5", b"gone"),
        program(writable=False),
        program(version=""),
        program(modinfo=""),
        program(modinfo="path\n"),
        program().replace(b"\xff Go", b"\xfe Go"),
    ],
)
def test_what_is_no_go_program_is_one_error(data: bytes) -> None:
    """Whatever is wrong with a file ends as ``buildinfo.unreadable``."""
    with pytest.raises(ShipwayError) as failure:
        buildinfo.parse(data)

    assert failure.value.id == "buildinfo.unreadable"


@given(st.data())
def test_bent_bytes_never_break_the_reader(data: st.DataObject) -> None:
    """Any change of any bytes gives an answer or a ShipwayError, and nothing else."""
    chosen = data.draw(st.sampled_from([program(modinfo=MODINFO), *OTHERS, executables.pointed()]))
    raw = bytearray(chosen)
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=8)):
        raw[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    with contextlib.suppress(ShipwayError):
        buildinfo.parse(bytes(raw))
    with contextlib.suppress(ShipwayError):
        buildinfo.parse(bytes(raw[:cut]))


@given(st.binary(max_size=300))
def test_noise_is_never_a_program(noise: bytes) -> None:
    """Random bytes behind an ELF magic give a ShipwayError."""
    with contextlib.suppress(ShipwayError):
        buildinfo.parse(b"\x7fELF\x02\x01" + noise)
    for magic in (b"MZ", b"\xcf\xfa\xed\xfe", b"\xfe\xed\xfa\xce", b"\xca\xfe\xba\xbe"):
        with contextlib.suppress(ShipwayError):
            buildinfo.parse(magic + noise)
