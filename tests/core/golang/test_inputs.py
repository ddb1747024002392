"""What a build read, and whether any of it is different now."""

from __future__ import annotations

import pytest

from shipway.core.golang import inputs
from shipway.core.golang.inputs import TICK, InputFile, InputFolder, Inputs
from shipway.core.oci.digest import of

SOURCE = b"""//go:build linux

// Package page has pages.
package page

import (
	"embed"
)

//go:embed static
var files embed.FS

func Answer() int { return 41 }
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (b"41", b"42", True),
        (b"return", b"// why\n\treturn", True),
        (b'"embed"', b'"embed"\n\t"fmt"', False),
        (b"embed static", b"embed static other", False),
        (b"linux", b"darwin", False),
        (b"package page", b"package pages", False),
        (b"return 41", b"return 41 }\n\nfunc g() { _ = `\nimport x`", False),
    ],
)
def test_the_shape_decides_which_files_are_read(old: bytes, new: bytes, same: bool) -> None:
    """Bodies do not change a file's shape; imports, constraints and embed patterns do."""
    edited = SOURCE.replace(old, new)

    assert edited != SOURCE
    assert (inputs.shape("a.go", SOURCE) == inputs.shape("a.go", edited)) is same


def test_a_file_without_code_is_its_own_shape() -> None:
    """Where nothing can be told apart, the shape is the digest of everything."""
    assert inputs.shape("a.go", b"package x\n") == of(b"package x\n")
    assert inputs.shape("a.go", b"// nothing\n") == of(b"// nothing\n")


def test_data_brings_in_nothing() -> None:
    """Data has no shape: an edit of it asks for no new listing. Other sources and locks have."""
    assert inputs.shape("/w/static/index.html", b"1") == ""
    assert inputs.shape("/w/go.sum", b"1") == of(b"1")
    assert inputs.shape("/w/a_amd64.s", b"1") == of(b"1")


def test_a_stamp_just_written_is_not_trusted() -> None:
    """A file that was written within a tick of being recorded is read again."""
    stamp = (10, 5 * TICK, 5 * TICK, 7)
    file = InputFile("/w/a", stamp, of(b"a"), "")

    assert inputs.is_trusted(stamp, file, 6 * TICK + 1)
    assert not inputs.is_trusted(stamp, file, 6 * TICK)
    assert not inputs.is_trusted((11, *stamp[1:]), file, 9 * TICK)


def test_the_key_is_of_contents_names_and_unit() -> None:
    """The key changes with a file, a folder's names or the unit, and not with the place."""
    file = InputFile("/w/a.go", (1, 1, 1, 1), of(b"a"), "")
    folder = InputFolder("/w", all=False, names="n")
    key = inputs.key("unit", [file], [folder], "/w")
    moved = InputFile("/elsewhere/a.go", (2, 2, 2, 2), of(b"a"), "")

    assert key == inputs.key(
        "unit", [moved], [InputFolder("/elsewhere", all=False, names="n")], "/elsewhere"
    )
    assert key != inputs.key("other", [file], [folder], "/w")
    assert key != inputs.key("unit", [InputFile("/w/a.go", (), of(b"b"), "")], [folder], "/w")
    assert key != inputs.key("unit", [file], [InputFolder("/w", all=False, names="m")], "/w")


def test_the_same_bytes_under_other_stamps_are_the_same_content() -> None:
    """A file that was written again as it was is no change; another one is."""
    one = Inputs(unit="u", files=(InputFile("/w/a", (1, 1, 1, 1), of(b"a"), ""),), folders=())
    touched = Inputs(unit="u", files=(InputFile("/w/a", (1, 2, 2, 1), of(b"a"), ""),), folders=())
    edited = Inputs(unit="u", files=(InputFile("/w/a", (1, 2, 2, 1), of(b"b"), ""),), folders=())

    assert inputs.is_same_content(one, touched)
    assert not inputs.is_same_content(one, edited)


def test_a_listing_holds_while_shapes_and_names_do() -> None:
    """The recorded list of files is used again only where go would answer the same."""
    file = InputFile("/w/a.go", (1, 1, 1, 1), of(b"a"), "shape")
    recorded = Inputs(unit="u", files=(file,), folders=(InputFolder("/w", all=False, names="n"),))

    assert inputs.is_same_shape(recorded, [file], {"/w": "n"})
    assert not inputs.is_same_shape(recorded, [file], {"/w": "m"})
    assert not inputs.is_same_shape(
        recorded, [InputFile("/w/a.go", (1, 1, 1, 1), of(b"a"), "other")], {"/w": "n"}
    )
