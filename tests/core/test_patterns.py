"""Patterns that are compiled late do what those compiled at once do."""

from __future__ import annotations

import re

import pytest

from shipway.core.patterns import late


def test_it_is_a_pattern() -> None:
    """Text and bytes, flags and groups: all is as re has it."""
    word = late(r"(?P<word>[a-z]+)", re.IGNORECASE)
    found = word.search("1 Two")
    assert found is not None
    assert found["word"] == "Two"
    assert [one[0] for one in word.finditer("a b")] == ["a", "b"]
    assert (word.pattern, word.groups) == (r"(?P<word>[a-z]+)", 1)
    assert late(rb"\d").findall(b"1a2") == [b"1", b"2"]


def test_nothing_is_compiled_before_it_is_used() -> None:
    """Even what is no pattern at all can be written down; its use is the error."""
    broken = late("(")
    with pytest.raises(re.error):
        broken.match("")
