"""What ELF files need of others, and whether a base has it."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.elf import linked, program, sectioned
from shipway.core.golang import elf, linkage
from shipway.core.golang.elf import Linkage
from shipway.core.golang.linkage import Libraries
from shipway.errors import Kind, ShipwayError

SYMBOLS = ("GLIBC_2.2.5", "GLIBC_2.9", "GLIBC_2.34")
FORMS = [(wide, big) for wide in (True, False) for big in (True, False)]


@pytest.mark.parametrize(("wide", "big"), FORMS)
def test_a_program_with_c(*, wide: bool, big: bool) -> None:
    """Loader, libraries and versions of symbols are read in every form, versions in their order."""
    data = linked(needed=("libm.so.6", "libc.so.6"), symbols=SYMBOLS[::-1], wide=wide, big=big)

    assert elf.parse(data) == Linkage(
        interpreter="/lib64/ld-linux-x86-64.so.2",
        needed=("libm.so.6", "libc.so.6"),
        symbols=SYMBOLS,
    )


def test_a_library() -> None:
    """What a library has for others is read, too."""
    found = elf.parse(linked("/lib/ld.so.1", (), provides=("GLIBC_PRIVATE", *SYMBOLS)))

    assert found.provides == ("GLIBC_PRIVATE", *SYMBOLS)


@pytest.mark.parametrize("data", [program(), program(wide=False), b"#!/bin/sh\n", b"", b"MZ"])
def test_what_is_static_or_no_program(data: bytes) -> None:
    """A static program needs nothing, and neither does what is no ELF file."""
    assert elf.parse(data) == Linkage()


@given(st.integers(0, 600), st.integers(0, 600), st.binary(max_size=4))
def test_damaged_files(length: int, place: int, bytes_: bytes) -> None:
    """Cut or altered anywhere, a file is read or refused by name; nothing else happens."""
    data = bytearray(linked(symbols=SYMBOLS, provides=SYMBOLS))
    data[place : place + len(bytes_)] = bytes_
    for damaged in (bytes(data), bytes(data[:length])):
        with contextlib.suppress(ShipwayError):
            assert isinstance(elf.parse(damaged), Linkage)


@pytest.mark.parametrize(("wide", "big"), FORMS)
def test_symbols_are_a_section(*, wide: bool, big: bool) -> None:
    """A file has a symbol table or is stripped; what is no ELF file has none."""
    whole = sectioned(0, 1, 2, wide=wide, big=big)

    assert elf.has_symbols(whole)
    assert not elf.has_symbols(sectioned(0, 1, 11, wide=wide, big=big))
    assert not elf.has_symbols(b"#!/bin/sh\n")
    with pytest.raises(ShipwayError, match="damaged"):
        elf.has_symbols(whole[:-60])


def test_a_table_without_an_end() -> None:
    """More versions than any library has are not read on and on."""
    data = linked(symbols=tuple(f"V_{number}" for number in range(4097)))
    with pytest.raises(ShipwayError) as caught:
        elf.parse(data)

    assert (caught.value.id, caught.value.kind) == ("elf.invalid", Kind.INTEGRITY)


def test_a_table_outside_of_the_file() -> None:
    """An address that no segment holds is damage, and so is a name without an end."""
    data = linked(symbols=SYMBOLS)
    moved = data.replace((0x10000).to_bytes(8, "little"), (0x7FFF0000).to_bytes(8, "little"), 1)
    for damaged in (moved, data[: data.index(b"/lib64")] + b"x" * 9000):
        with pytest.raises(ShipwayError):
            elf.parse(damaged)


NEEDS = Linkage(interpreter="/lib64/ld-linux.so.2", needed=("libc.so.6",), symbols=SYMBOLS)
NAMES = frozenset({"ld-linux.so.2", "libc.so.6"})


def checked(needs: Linkage, has: Libraries) -> ShipwayError | None:
    """Return what is wrong, if anything."""
    try:
        linkage.check(needs, has, base="debian@sha256:1", service="web")
    except ShipwayError as error:
        return error
    return None


def test_a_base_that_fits() -> None:
    """A static program runs anywhere; another one where everything it needs is there."""
    assert checked(Linkage(), Libraries()) is None
    assert checked(NEEDS, Libraries(NAMES, (*SYMBOLS, "GLIBC_2.36"))) is None
    private = Linkage(interpreter="/ld-linux.so.2", symbols=("GLIBC_PRIVATE", "OPENSSL_3.0.0"))
    assert checked(private, Libraries(NAMES)) is None


@pytest.mark.parametrize(
    ("has", "identifier", "words"),
    [
        (Libraries(), "image.libc", "linked to ld-linux.so.2, libc.so.6, which debian@sha256:1"),
        (Libraries(frozenset({"ld-linux.so.2"})), "image.libc", "linked to libc.so.6, which"),
        (
            Libraries(NAMES, ("GLIBC_2.2.5", "GLIBC_2.31", "GLIBC_2.9")),
            "image.libc-old",
            "needs GLIBC_2.34 of libc.so.6, and debian@sha256:1 has GLIBC_2.31",
        ),
        (Libraries(NAMES), "image.libc-old", "has none"),
    ],
)
def test_a_base_that_does_not_fit(has: Libraries, identifier: str, words: str) -> None:
    """What is missing is named, and what to choose instead."""
    error = checked(NEEDS, has)

    assert error is not None
    assert (error.id, error.kind) == (identifier, Kind.CONFIG)
    assert words in error.message
    assert "base" in error.hint
