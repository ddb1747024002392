"""Every error id that the source raises has a page, and no page is left over."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

import shipway
from shipway.core.kube.health.causes import PAGES
from shipway.errors import ShipwayError
from shipway.roads import explain

SOURCE = Path(shipway.__file__).parent
ID = re.compile(r"[a-z0-9]+(\.[a-z0-9_-]+)+\Z")
RAISING = {"ShipwayError", "Fault"}


@functools.cache
def trees() -> list[tuple[Path, ast.Module]]:
    """Return every module of the package, parsed."""
    return [(path, ast.parse(path.read_text())) for path in sorted(SOURCE.rglob("*.py"))]


def texts(node: ast.AST) -> set[str]:
    """Return the literal texts below a node."""
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Return every call with arguments and the last part of the called name."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    return [(getattr(node.func, "id", getattr(node.func, "attr", "")), node) for node in found]


def passing(tree: ast.Module) -> set[str]:
    """Return the functions of a module that make an error with an id they were given first."""
    return {
        function.name
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.args.args
        for name, call in calls(function)
        if name in RAISING
        and isinstance(call.args[0], ast.Name)
        and call.args[0].id == function.args.args[0].arg
    }


def ids_in(tree: ast.Module) -> set[str]:
    """Return the ids that a module makes errors with: literal, handed on, or out of a table."""
    literal: set[str] = set()
    computed: list[ast.expr] = []
    makers = RAISING | passing(tree)
    for name, call in calls(tree):
        if name in makers:
            literal |= {text for text in texts(call.args[0]) if ID.match(text)}
        if (
            name in RAISING
            and not texts(call.args[0])
            and not isinstance(call.args[0], ast.Attribute)
        ):
            computed.append(call.args[0])
    if not computed:
        return literal
    return literal | {text for text in texts(tree) if ID.match(text) and is_head(text)}


@functools.cache
def heads() -> frozenset[str]:
    """Return the first parts of all ids that have a page."""
    return frozenset(name.partition(".")[0] for name in explain.identifiers())


def is_head(text: str) -> bool:
    """Return whether a dotted text starts like the id of an error that has a page."""
    return text.partition(".")[0] in heads() and not text.endswith((".toml", ".json", ".lock"))


def raised() -> dict[str, str]:
    """Return every id that an error is made with, and the module that does."""
    return {name: str(path.relative_to(SOURCE)) for path, tree in trees() for name in ids_in(tree)}


def composed() -> set[tuple[str, str]]:
    """Return head and tail of ids that are put together, as ``registry.`` and an empty tail."""
    parts = [
        part.values
        for _, tree in trees()
        for name, call in calls(tree)
        if name in RAISING
        for part in ast.walk(call.args[0])
        if isinstance(part, ast.JoinedStr)
    ]
    return {(literal(values[0]), literal(values[-1])) for values in parts}


def literal(node: ast.expr) -> str:
    """Return the text of a literal, and nothing of anything else."""
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_every_id_has_a_page() -> None:
    """``shipway explain ID`` knows every id that can be raised."""
    known = set(explain.identifiers())

    assert {name: where for name, where in raised().items() if name not in known} == {}


def test_every_cause_of_a_gate_has_a_page() -> None:
    """Each cause by which a gate says no is explained under an id of its own."""
    assert {one.id for one in PAGES.values()} <= set(explain.identifiers())


def test_every_page_is_used() -> None:
    """No page explains an error that cannot happen."""
    used = {text for _, tree in trees() for text in texts(tree)}
    used |= {head + text + tail for head, tail in composed() for text in used}

    assert [name for name in explain.identifiers() if name not in used] == []


@pytest.mark.parametrize("name", explain.identifiers())
def test_a_page_has_its_shape(name: str) -> None:
    """A page has the id as its heading and says cause and what to do, in few lines."""
    lines = explain.page(name).splitlines()

    assert ID.match(name)
    assert lines[0] == f"# {name}"
    assert 4 <= len([line for line in lines if line.strip()]) <= 24


def test_an_unknown_id() -> None:
    """An id without a page is told with the nearest one."""
    with pytest.raises(ShipwayError, match=r"did you mean run\.cancelled\?") as caught:
        explain.page("run.canceled")

    assert caught.value.id == "explain.unknown"
