"""Every port has a suite that its fake and its real adapter both keep."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

from shipway.core import ports


def protocols() -> dict[str, type]:
    """Return every Protocol of ``shipway.core.ports`` by its name."""
    modules = [
        importlib.import_module(one.name)
        for one in pkgutil.iter_modules(ports.__path__, f"{ports.__name__}.")
    ]
    return {
        name: value
        for module in modules
        for name, value in inspect.getmembers(module, inspect.isclass)
        if getattr(value, "_is_protocol", False) and value.__module__ == module.__name__
    }


class Suite:
    """A file of ``tests/contracts``: which ports it is for, and what it asks of them."""

    def __init__(self, file: Path) -> None:
        tree = ast.parse(file.read_text())
        self.ports: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PORTS":
                self.ports |= {one.id for one in ast.walk(node.value) if isinstance(one, ast.Name)}
        self.asked = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)}
        text = ast.unparse(tree)
        self.all = "getattr(hands, name)" in text  # every property, by its name
        self.both = "@pytest.fixture(params=" in text

    def missing(self, port: type) -> set[str]:
        """Return what the port promises and no line here asks for."""
        return {
            name
            for name, value in vars(port).items()
            if not name.startswith("_")
            and (callable(value) or (isinstance(value, property) and not self.all))
        } - self.asked


SUITES = [
    Suite(file) for file in sorted((Path(__file__).parents[1] / "contracts").glob("test_*.py"))
]
KNOWN = protocols()


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_a_port_has_a_suite(name: str) -> None:
    """One file is for it, runs on several kinds, and asks for everything the port has."""
    (suite,) = (one for one in SUITES if name in one.ports)

    assert suite.both
    assert suite.missing(KNOWN[name]) == set()


def test_suites_are_for_ports() -> None:
    """No suite is for a port that is gone."""
    assert {name for suite in SUITES for name in suite.ports} == set(KNOWN)
