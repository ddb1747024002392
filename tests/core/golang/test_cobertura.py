"""Cobertura XML: lines, rates and names."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from shipway.core.golang import cobertura, coverage
from shipway.core.golang.coverage import Profile

PROFILE = b"""mode: count
example.com/x/a.go:2.21,4.3 2 3
example.com/x/a.go:4.3,6.2 1 0
example.com/x/sub/b.go:1.1,2.2 1 0
example.com/x/tools/c.go:7.1,7.9 1 1
"""
FOLDERS = {"example.com/x": ".", "example.com/x/tools": "hack/tools"}


def read(profile: Profile, root: str = "/src") -> ET.Element:
    """Return the document, parsed."""
    return ET.fromstring(cobertura.write(profile, FOLDERS, root=root, now=1.5))  # noqa: S314  ours


def test_lines_count_by_their_most_run_block() -> None:
    """A line in two blocks counts as hit where either was run."""
    found = read(coverage.merge(PROFILE))
    lines = found.findall(".//class[@filename='a.go']/lines/line")

    assert {one.get("number"): one.get("hits") for one in lines} == {
        "2": "3", "3": "3", "4": "3", "5": "0", "6": "0",
    }  # fmt: skip


def test_files_are_named_below_the_root() -> None:
    """Import paths become paths; the longest module wins; packages are folders."""
    found = read(coverage.merge(PROFILE), root="/src <&")

    assert [one.get("filename") for one in found.iter("class")] == [
        "a.go", "hack/tools/c.go", "sub/b.go",
    ]  # fmt: skip
    assert [one.get("name") for one in found.iter("package")] == [".", "hack/tools", "sub"]
    assert found.findtext("sources/source") == "/src <&"
    assert found.get("timestamp") == "1500"


def test_rates() -> None:
    """Rates are shares of lines, and 0 where there is none."""
    found = read(coverage.merge(PROFILE))
    rates = {one.get("filename"): one.get("line-rate") for one in found.iter("class")}

    assert rates == {"a.go": "0.6000", "sub/b.go": "0.0000", "hack/tools/c.go": "1.0000"}
    assert (found.get("lines-covered"), found.get("lines-valid")) == ("4", "8")
    assert read(Profile("set", {})).get("line-rate") == "0"


@given(
    st.dictionaries(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1),
            st.builds("{}.1,{}.2".format, st.integers(1, 9), st.integers(1, 9)),
        ),
        st.tuples(st.integers(0, 9), st.integers(0, 9)),
    )
)
def test_any_profile_is_a_document(blocks: dict[tuple[str, str], tuple[int, int]]) -> None:
    """Whatever files are called, the document can be read, and no more is covered than there is."""
    found = read(Profile("count", blocks))

    assert int(found.get("lines-covered", "")) <= int(found.get("lines-valid", ""))
