"""A port is a Protocol with a promise on each of its methods."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Protocol

import pytest

from shipway.core import ports

NAMES = sorted(module.name for module in pkgutil.iter_modules(ports.__path__))


@pytest.mark.parametrize("name", NAMES)
def test_a_port_says_what_it_promises(name: str) -> None:
    """One subject a file: at least one Protocol, and no method without words."""
    module = importlib.import_module(f"shipway.core.ports.{name}")
    protocols = [
        found
        for found in vars(module).values()
        if inspect.isclass(found)
        and found is not Protocol
        and getattr(found, "_is_protocol", False)
        and found.__module__ == module.__name__
    ]

    assert protocols
    for protocol in protocols:
        assert protocol.__doc__
        methods = [m for key, m in vars(protocol).items() if not key.startswith("_")]
        assert all(inspect.getdoc(method) for method in methods if inspect.isfunction(method))
