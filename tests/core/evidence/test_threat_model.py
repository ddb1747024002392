"""The threat model's rows are held by tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
PAGE = TESTS.parent / "docs" / "threat-model.md"


def test_rows_name_real_tests() -> None:
    """Every test that docs/threat-model.md names is there."""
    file = ""
    found = 0
    for name in re.findall(r"`([a-z_/]+\.py(?:::\w+)?|::\w+)`", PAGE.read_text()):
        path, _, function = name.partition("::")
        file = path or file
        text = (TESTS / file).read_text()
        assert not function or f"def {function}(" in text, name
        found += 1
    assert found > 30
