"""Quantities have one value, however the API server writes them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from shipway.core.kube.quantity import value


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("0.1", "100m"),
        ("1Gi", "1024Mi"),
        (1, "1"),
        ("1k", 1000),
        ("2e3", "2k"),
        ("5E-1", "500m"),
        (".5", 0.5),
        ("1.", "1000m"),
    ],
)
def test_equal(one: object, two: object) -> None:
    """Different spellings of one quantity are equal."""
    assert value(one) == value(two) is not None


@pytest.mark.parametrize("text", ["", "x", "1 Gi", "1ki", True, None, [], "1e99999"])
def test_none(text: object) -> None:
    """What is no quantity has no value."""
    assert value(text) is None


def test_exact() -> None:
    """Values are exact."""
    assert value("100n") == Fraction(1, 10**7)
