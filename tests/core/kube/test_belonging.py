"""Whose an object is: by its label, and by the images that it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube import belonging

ROWS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"metadata": {"labels": None}}, set()),
    ({"metadata": {"labels": {"app.kubernetes.io/name": "web"}}}, {"web"}),
    ({"spec": {"image": "shipway://api"}}, {"api"}),
    ({"spec": {"image": "ko://example.com/shop/cmd/api"}}, {"api"}),
    ({"spec": {"image": "ko://example.com/other"}}, {"example.com/other"}),
    (
        {"metadata": {"labels": {"app.kubernetes.io/name": "web"}}, "image": "shipway://api"},
        {"web", "api"},
    ),
]


@pytest.mark.parametrize(("obj", "expected"), ROWS)
def test_services(obj: dict[str, Any], expected: set[str]) -> None:
    """Labels and placeholders name services; an object without either is nobody's."""
    packages = {"example.com/shop/cmd/api": "api"}

    assert belonging.services(obj, packages) == expected
