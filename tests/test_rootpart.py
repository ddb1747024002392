"""The root part as a program: orders in, lines out."""

from __future__ import annotations

import io
import json

import pytest

from shipway import rootpart


def serve(order: bytes) -> tuple[int, dict[str, str]]:
    """Serve one order; return the exit code and the last line."""
    sink = io.BytesIO()
    code = rootpart.serve(io.BytesIO(order), sink)
    last: dict[str, str] = json.loads(sink.getvalue().splitlines()[-1])
    return code, last


@pytest.mark.parametrize("kind", ["down", "delete"])
def test_an_unknown_cluster_is_an_error_line(kind: str) -> None:
    """An error of Shipway becomes one line and code 1."""
    code, last = serve(json.dumps({"type": kind, "name": "no-such-cluster"}).encode())
    assert code == 1
    assert last["id"] == "cluster.unknown"


def test_nonsense_is_an_error_line() -> None:
    """What is no order is said, not done."""
    code, last = serve(b'{"type": "run", "argv": ["id"]}')
    assert code == 1
    assert last["id"] == "root.order"


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """Anything but its two verbs is refused."""
    assert rootpart.main([]) == 2
    assert "serve | probe" in capsys.readouterr().err
