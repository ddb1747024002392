"""Tests that do not pass: each way has a name, an exit code and a next step of its own.

The rows of docs/faults.md, section Tests. The tests are real ones, run by the real Go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.go import WRONG
from fakes.shop import WEB, Shop
from fakes.stranger import Stranger
from shipway.core.run.events import Remark
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "go.mod": "module example.com/svc\n\ngo 1.24\n",
    "main.go": "package main\n\nfunc one() int { return 1 }\n\nfunc main() { one() }\n",
    "shipway.toml": 'schema = 1\n[services.svc]\npackage = "."\n[test]\ntimeout = 2\nrace = RACE\n',
}
TEST = 'package main\n\nimport "testing"\n\nfunc TestOne(t *testing.T) {{ {0} }}\n'
RACE = "n := 0; d := make(chan int); go func() { n++; d <- 1 }(); n++; <-d; _ = n"

ROWS = {
    "failing": ("one(); t.Fatal()", "test.failed", "FAILED: 0 passed, 1 failed"),
    "hanging": ("one(); select {}", "test.hung", "a test did not end in time"),
    "none": ("", "test.none", "there are no tests"),
    "race": (RACE, "test.race", "there is a data race"),
    "coverage": ("one()", "test.coverage", "too little is covered"),
}


def stranger(go_path: str, folder: Path, row: str) -> Stranger:
    """Return a repository whose tests do not pass for one reason."""
    files = dict(FILES)
    files["shipway.toml"] = files["shipway.toml"].replace("RACE", str(row == "race").lower())
    if row != "none":
        files["main_test.go"] = TEST.format(ROWS[row][0])
    return Stranger(go_path, folder, files)


@pytest.mark.parametrize("row", ROWS)
def test_tests_that_block(go_path: str, tmp_path: Path, row: str) -> None:
    """Where tests block, each is a refusal (exit code 9) with its own id, and nothing is pushed."""
    one = stranger(go_path, tmp_path, row)
    _, identifier, words = ROWS[row]
    with pytest.raises(ShipwayError) as caught:
        one.carry(tests="block")

    assert (caught.value.id, caught.value.kind) == (identifier, Kind.REJECTED)
    assert words in caught.value.message
    assert caught.value.hint.endswith("nothing was deployed")
    assert not one.registries.manifests


@pytest.mark.parametrize(
    ("test", "exits", "words"),
    [(WRONG, Kind.TESTS, "FAILED: 0 passed, 1 failed"), ("", None, "WARNED: there are no tests")],
)
def test_tests_beside(test: str, exits: Kind | None, words: str) -> None:
    """Beside, it serves; the reason is a loud line, and a failure the exit code 3."""
    shop = Shop()
    shop.write("main_test.go", test) if test else shop.drop("main_test.go")
    said = shop.carry(tests="beside")
    loud = [event.text for event in shop.said if isinstance(event, Remark) and event.loud]

    assert said.exit_kind is exits
    assert [text for text in loud if words in text]
    assert shop.cluster.image(WEB) == said.images["shop"]
