"""Nothing is skipped in silence: ``--no-skips`` is what ``make test`` gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
SKIPPED_TEST = """
import pytest

@pytest.mark.skip(reason="not today")
def test_one(): ...

def test_two(): ...
"""
SKIPPED_FILE = """
import pytest

pytest.importorskip("no_such_module")
"""


@pytest.mark.parametrize(
    ("text", "flags", "code"),
    [
        (SKIPPED_TEST, [], 0),
        (SKIPPED_TEST, ["--no-skips"], 1),
        (SKIPPED_FILE, [], 5),
        (SKIPPED_FILE, ["--no-skips"], 2),
    ],
)
def test_a_skip_fails_the_run(tmp_path: Path, text: str, flags: list[str], code: int) -> None:
    """A skipped test and a skipped file both count; without the flag neither does."""
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(text)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *flags, str(tmp_path)],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == code, done.stdout
