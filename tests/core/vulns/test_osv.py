"""Entries of a database: which versions have it, in the order of versions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.vulnerable import CVE, ID, LEAKY, entry
from shipway.core.vulns import osv
from shipway.errors import Kind, ShipwayError

ORDERED = [
    "0", "v0.0.1", "v0.1.0", "v1.0.0-0", "v1.0.0-alpha", "v1.0.0-alpha.1", "v1.0.0-rc.2",
    "v1.0.0-rc.10", "v1.0.0", "v1.2.0", "v1.10.0", "v2.0.0",
]  # fmt: skip


def about(*events: dict[str, str], kind: str = "SEMVER", **more: Any) -> osv.Entry:
    """Return an entry about ``leaky`` with one range."""
    raw = {**entry(), **more}
    raw["affected"][0]["ranges"] = [{"type": kind, "events": list(events)}] if events else []
    return osv.read(json.dumps(raw).encode())


def test_an_entry_is_known_by_all_its_names() -> None:
    """Ids, aliases and modules; what is withdrawn is about nothing."""
    found = osv.read(json.dumps(entry()).encode())

    assert found.names == {ID, CVE}
    assert found.modules == {LEAKY}
    assert found.affects(LEAKY, "v1.1.9")
    assert not found.affects(LEAKY, "v1.2.0")
    assert not found.affects("example.com/other", "v1.0.0")
    assert not about({"introduced": "0"}, withdrawn="2026-11-01T00:00:00Z").affects(LEAKY, "v1.0.0")


@pytest.mark.parametrize(
    ("version", "inside"),
    [
        ("v1.1.0", False),
        ("v1.2.0", True),
        ("v1.2.9+incompatible", True),
        ("v1.3.0-rc.1", True),
        ("v1.3.0", False),
        ("v1.9.9", False),
        ("v2.0.0", True),
        ("v9.0.0", True),
        ("", True),
        ("(devel)", True),
    ],
)
def test_ranges_are_open_to_the_right(version: str, *, inside: bool) -> None:
    """Introduced counts, fixed does not; a second range may have no end; no version may have it."""
    found = about({"introduced": "1.2.0"}, {"fixed": "1.3.0"}, {"introduced": "2.0.0"})

    assert found.affects(LEAKY, version) is inside


@pytest.mark.parametrize(
    ("version", "fixed"), [("v1.0.0", "1.3.0"), ("v1.4.0", "1.5.0"), ("v2.0.0", "")]
)
def test_the_next_fix_is_named(version: str, fixed: str) -> None:
    """The first after this version; none after the last."""
    found = about(
        {"introduced": "0"}, {"fixed": "1.3.0"}, {"introduced": "1.4.0"}, {"fixed": "1.5.0"}
    )

    assert found.fixed(LEAKY, version) == fixed
    assert found.fixed("example.com/other", version) == ""


def test_without_a_range_every_version_has_it() -> None:
    """So it is where the range is of a kind that nobody can compare."""
    assert about().affects(LEAKY, "v1.0.0")
    assert about({"introduced": "5"}, kind="GIT").affects(LEAKY, "v1.0.0")


@given(st.permutations(ORDERED))
def test_versions_have_an_order(mixed: list[str]) -> None:
    """Numbers by value, a pre-release before its release, its fields one by one."""
    assert sorted(mixed, key=osv.order) == ORDERED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("go1.22rc1", "v1.22.0-rc.1"),
        ("go1.27.3", "1.27.3"),
        ("go1.27", "v1.27.0"),
        ("go1.27.3 X:nocoverageredesign", "v1.27.3"),
        ("v2.0.0+incompatible", "v2.0.0"),
        ("", "0"),
    ],
)
def test_versions_are_compared_whoever_wrote_them(one: str, other: str) -> None:
    """Go's own and those of modules, with what does not count left out."""
    assert osv.order(one) == osv.order(other)


@given(st.text(max_size=20))
def test_any_text_has_a_place(text: str) -> None:
    """It can be compared with any version."""
    assert osv.order(text) >= osv.order("0")


@given(st.binary(max_size=40))
def test_what_is_no_entry_is_refused(data: bytes) -> None:
    """No bytes end in another exception."""
    with pytest.raises(ShipwayError) as caught:
        osv.read(data)

    assert (caught.value.id, caught.value.kind) == ("scan.database", Kind.INTEGRITY)
