"""The tables of docs/faults.md are true: tests, ids and exit codes are those of the program."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from shipway.core.kube.health.causes import PAGES
from shipway.errors import Kind
from shipway.roads import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
PAGE = ROOT / "docs/faults.md"
HEADER = "| what goes wrong | what is said and left | id, exit code | test |"
PROMISED = {
    "Source": (
        "no module", "no main", "compile error", "missing go.sum entry", "newer Go needed",
        "hostile names", "symlinks out of the repository", "not UTF-8", "huge files",
    ),
    "Tests": ("failing", "hanging", "no tests", "data race", "coverage under the gate"),
    "Registry": (
        "401", "403", "404", "413", "429", "500", "connection cut in mid-blob", "disk full",
        "wrong digest returned", "upload session expired", "tag moved meanwhile",
    ),
    "Cluster": (
        "unreachable", "expired credentials", "RBAC denial", "admission denial", "quota",
        "immutable field", "CRD not Established", "namespace terminating", "two releases at once",
        "a laptop that sleeps in mid-deploy", "API server restart in mid-apply", "clock skew",
    ),
    "Pods": (
        "crash loop", "wrong port", "probe never passing", "image for another platform", "OOM",
        "read-only root violated", "node not ready", "eviction",
    ),
    "Host": (
        "kill -9 of Shipway at every boundary", "power cut", "disk full",
        "out of file descriptors", "read-only home",
    ),
}  # fmt: skip
"""Every fault that has a row, in the words of its row."""
FAMILIES = {"gate": Kind.REJECTED, "test": Kind.REJECTED, "host": Kind.MISSING}
"""Ids that are put together: all of a family end a run in one way."""


PARTS = {"operation", "subject", "hint"}
CODE = re.compile(r"`([a-z]+\.[a-z_-]+)`, (\d+)")
TEST = re.compile(r"`(?:(\S+\.py)::)?(test_\w+)`")


class Row(NamedTuple):
    """A row of a table."""

    section: str
    fault: str
    left: str
    codes: tuple[tuple[str, int], ...]
    """Ids and exit codes; none where the run goes on."""
    tests: tuple[tuple[tuple[str, ...], str], ...]
    """The files, from ``tests/`` on, that a test may be in, and its name."""


def rows() -> Iterator[Row]:
    """Yield every row of the tables that name tests."""
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        title = section.partition("\n")[0]
        prose, _, table = section.partition(HEADER)
        usual = tuple(re.findall(r"`tests/(\S+\.py)`", prose))
        for line in table.strip().splitlines()[1:]:
            fault, left, codes, tests = line.strip("| ").split(" | ")
            yield Row(
                title,
                fault,
                left,
                tuple((name, int(number)) for name, number in CODE.findall(codes)),
                tuple(((path,) if path else usual, name) for path, name in TEST.findall(tests)),
            )


ROWS = list(rows())


@functools.cache
def text(path: str) -> str:
    """Return a file of the tests."""
    return (TESTS / path).read_text()


@functools.cache
def functions(path: str) -> frozenset[str]:
    """Return the names of a file's tests."""
    found = ast.parse(text(path)).body
    return frozenset(one.name for one in found if isinstance(one, ast.FunctionDef))


@functools.cache
def kinds() -> dict[str, set[Kind]]:
    """Return the kinds that source and tests name together with an id, in a call or a pair."""
    found: dict[str, set[Kind]] = {}
    for path in (*ROOT.glob("src/**/*.py"), *TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.args if isinstance(node, ast.Call) else getattr(node, "elts", ())
            named = {
                Kind[one.attr]
                for one in parts
                if isinstance(one, ast.Attribute) and getattr(one.value, "id", "") == "Kind"
            }
            for one in parts:
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    found.setdefault(one.value, set()).update(named)
    return found


def asks_for(path: str, identifier: str) -> bool:
    """Return whether a file of tests names an id, or the gate's cause that it stands for."""
    words = [identifier]
    for cause, page in PAGES.items():
        if page.id == identifier:
            words += [f'"{cause.value}"', f"Cause.{cause.name}"]
    return any(word in text(path) for word in words)


@pytest.mark.parametrize("section", PROMISED)
def test_every_promised_fault_has_a_row(section: str) -> None:
    """Each fault that was promised is in its table, by its own words."""
    told = [row.fault for row in ROWS if row.section == section]

    assert [one for one in PROMISED[section] if not any(one in fault for fault in told)] == []


def test_every_error_says_on_what_and_what_next() -> None:
    """Wherever an error of these tables is made by its id, it has operation, subject and hint."""
    named = {name for row in ROWS for name, _ in row.codes}
    bare = []
    for path in ROOT.glob("src/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "ShipwayError":
                continue
            given = {one.arg for one in node.keywords}
            if getattr(node.args[0], "value", "") in named and not given >= PARTS:
                bare.append(f"{path.name}:{node.lineno}")

    assert bare == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}: {row.fault}"[:60])
def test_a_row_is_true(row: Row) -> None:
    """It says what is left and names tests that are there; ids have pages and are asked for."""
    where = [path for files, name in row.tests for path in files if name in functions(path)]

    assert row.left
    assert len(where) == len(row.tests) > 0, row
    for name, code in row.codes:
        assert name in explain.identifiers()
        family = FAMILIES.get(name.partition(".")[0])
        assert (kinds().get(name) or {family}) == {Kind(code)}
        assert any(asks_for(path, name) for path in where)
