"""A binary and a test report as values."""

from __future__ import annotations

import pytest

from shipway.core.golang import binary


@pytest.mark.parametrize(
    ("result", "refused"), [("PASSED", False), ("WARNED", False), ("FAILED", True)]
)
def test_only_a_failure_is_refused(result: str, refused: bool) -> None:
    """A report that failed stops what it blocks; a warning stops nothing."""
    assert binary.TestReport(result=result, passed=(), failed=()).refused is refused
