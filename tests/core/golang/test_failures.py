"""Why a go command failed."""

from __future__ import annotations

import pytest

from shipway.core.golang import failures


@pytest.mark.parametrize(
    ("stderr", "id_"),
    [
        ("# example.com/web\n./main.go:4:2: undefined: oops\n", "build.compile"),
        ("", "build.compile"),
        (
            "go: module . requires go >= 1.99 (running go 1.27.3; GOTOOLCHAIN=local)",
            "build.go-too-old",
        ),
        ("go: go.mod file not found in current directory or any parent", "build.no-module"),
        ("reading https://p/x.mod: 401 Unauthorized", "build.private"),
        ("fatal: could not read Username for 'https://g': terminal prompts", "build.private"),
        ("git@g: Permission denied (publickey).", "build.private"),
        ("verifying x: checksum mismatch\nSECURITY ERROR", "build.checksum"),
        (
            "main.go:3:8: missing go.sum entry for module providing package x; to add:",
            "build.go-sum",
        ),
        (
            "main.go:3:8: no required module provides package x; to add it:\n\tgo get x",
            "build.go-sum",
        ),
        ("go: inconsistent vendoring in /w:", "build.vendor"),
        ("x: module lookup disabled by GOPROXY=off", "build.offline"),
        ("no Go files in /w/docs", "build.no-package"),
        ("stat /w/nowhere: directory not found", "build.no-package"),
        ('package x: invalid input file name "-dash.go"', "build.file-name"),
        (
            "m.go:9:12: pattern all:s: cannot embed file s/\ufffd: invalid name \ufffd",
            "build.file-name",
        ),
        ('cgo: C compiler "gcc" not found: exec: "gcc"', "build.cgo"),
        ("write /tmp/x: no space left on device", "build.no-space"),
    ],
)
def test_causes_are_told_apart(stderr: str, id_: str) -> None:
    """Each known cause has an id and a next step of its own, and keeps go's lines."""
    error = failures.explain(stderr, operation="building", subject="./cmd/web")

    assert error.id == id_
    assert error.hint
    assert error.message
    assert stderr.strip().splitlines()[-1:] in ([], [error.message.splitlines()[-1]])


def test_packages_that_use_c() -> None:
    """A package of which nothing is left, and that uses C, is told with the lines to write."""
    stderr = "package x\n\timports x/c: build constraints exclude all Go files in /w/c\n"
    error = failures.explain(stderr, operation="building", subject=".", needs_c=True)

    assert failures.excluded(stderr) == ("/w/c",)
    assert failures.excluded("undefined: x") == ()
    assert error.id == "build.needs-cgo"
    assert "cgo = true" in error.hint
    assert 'base = "gcr.io/' in error.hint


def test_only_the_last_lines_are_kept() -> None:
    """A flood of compiler lines is cut to the last 40."""
    text = "\n".join(f"main.go:{line}: oops" for line in range(100))
    message = failures.explain(text, operation="building", subject=".").message

    assert message.splitlines()[0] == "main.go:60: oops"


def test_a_missing_download_is_recognised() -> None:
    """A build that failed only for want of a download says so."""
    assert failures.is_download_missing("x: module lookup disabled by GOPROXY=off")
    assert not failures.is_download_missing("undefined: oops")
