"""The test stage: verdicts, coverage and what a report leaves out."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from fakes.content import MemoryContent
from fakes.go import WRONG, FakeGo
from fakes.golang import PLATFORM, SOURCE
from fakes.gotools import HOST, real_go
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError
from shipway.stages import test as stage
from shipway.stages.test import TestRequest

HELLO = Path(__file__).parents[2] / "examples/hello"
MODULE = {"go.mod": "module example.com/web\n"}
PROFILE = b"mode: set\nx/a.go:1.1,2.2 %d 1\nx/a.go:3.1,4.2 %d 0\nx/a.go:1.1,2.2 %d 0\n"


def profile(covered: int, missed: int) -> bytes:
    """Return a profile in which two binaries list a block again."""
    return PROFILE % (covered, missed, covered)


def request(**fields: object) -> TestRequest:
    """Return a request with some fields."""
    return TestRequest(source=SOURCE, platform=PLATFORM, **fields)  # type: ignore[arg-type]


def report_of(text: str | None, measured: bytes, **fields: object) -> stage.TestReport:
    """Return the report of one test file, and a profile."""
    go = FakeGo({**MODULE, **({} if text is None else {"a_test.go": text})})
    go.profile = measured
    return stage.check(request(**fields), go=go, content=MemoryContent())


@pytest.mark.parametrize(
    ("text", "covered", "blocking", "result"),
    [
        ("fine", 80, True, "PASSED"),
        ("fine", 79, True, "FAILED"),
        ("fine", 79, False, "WARNED"),
        (WRONG, 100, True, "FAILED"),
        (WRONG, 100, False, "FAILED"),
        (None, 100, True, "FAILED"),
        (None, 100, False, "WARNED"),
    ],
)
def test_verdicts(text: str | None, covered: int, blocking: bool, result: str) -> None:
    """A failed test fails; too little coverage fails where it blocks; no test is never a pass."""
    report = report_of(text, profile(covered, 100 - covered), blocking=blocking)

    assert report.result == result
    assert report.coverage == covered
    assert (report.statements, report.covered) == (100, covered)


def test_nothing_measured() -> None:
    """Without statements there is no coverage, and so no pass."""
    report = report_of("fine", b"", blocking=False)

    assert (report.result, report.coverage, report.profile) == ("WARNED", None, None)


def test_the_gate_is_the_callers() -> None:
    """Another gate is another verdict, and stands in the report."""
    report = report_of("fine", profile(50, 50), gate=50.0)

    assert (report.result, report.gate) == ("PASSED", 50.0)


def test_the_report_names_what_it_was_about() -> None:
    """go.mod and the coverage policy are in the report by digest; the profile is in the store."""
    content, go = MemoryContent(), FakeGo({**MODULE, "a_test.go": "fine"})
    go.profile = profile(9, 1)
    report = stage.check(request(), go=go, content=content)
    lock, policy = report.configuration

    assert lock.name == "go.mod"
    asked = {"gate": 80.0, "across": True, "measure": "statements"}
    assert (policy.name, policy.digest) == ("coverage policy", of(msgspec.json.encode(asked)))
    assert report.profile is not None
    assert content.read(report.profile.digest).startswith(b"mode: set\nx/a.go:1.1,2.2 9 1\n")


def test_output_is_heard_and_not_kept() -> None:
    """What tests write is heard line by line, and is nowhere in the report."""
    heard: list[str] = []
    go = FakeGo({**MODULE, "a_test.go": "fine"})
    report = stage.check(request(), go=go, content=MemoryContent(), on_line=heard.append)

    assert heard == ["a_test.go"]
    assert b"a_test.go" not in msgspec.json.encode(report)
    assert go.downloads == 1


def test_the_network_is_in_the_report() -> None:
    """A report says whether tests had the network."""
    assert report_of("fine", b"").network == "none"
    assert report_of("fine", b"", network=True).network == "open"


def test_a_broken_profile_is_no_verdict() -> None:
    """A profile that cannot be read is an error, never a percentage."""
    with pytest.raises(ShipwayError) as failure:
        report_of("fine", b"mode: set\nbroken\n")

    assert failure.value.id == "coverage.invalid"


def test_the_key_follows_inputs_and_gate() -> None:
    """After a run there is a key, which another gate or another file changes."""
    go = FakeGo({**MODULE, "a_test.go": "fine"})
    assert stage.key(request(), go=go) is None
    stage.check(request(), go=go, content=MemoryContent())
    before = stage.key(request(), go=go)
    assert before is not None
    assert stage.key(request(gate=90.0), go=go) != before
    go.files["a_test.go"] = "other"

    assert stage.key(request(), go=go) != before


def test_tests_watched_for_races_are_found_again(go_path: str, tmp_path: Path) -> None:
    """After a real run with the race detector there is a key, and none for a run without it."""
    root = tmp_path.resolve() / "module"
    root.mkdir()
    (root / "go.mod").write_text("module example.com/web\n\ngo 1.24\n")
    (root / "a_test.go").write_text("package web\n")
    go = real_go(go_path, tmp_path.resolve())
    source = msgspec.structs.replace(SOURCE, root=str(root))
    plain = TestRequest(source=source, platform=HOST)
    watched = msgspec.structs.replace(plain, race=True)
    stage.check(watched, go=go, content=MemoryContent())

    assert stage.key(watched, go=go) is not None
    assert stage.key(plain, go=go) is None


def test_the_example_keeps_its_own_gate(go_path: str, tmp_path: Path) -> None:
    """The example service passes 80 % for real, its tests held away from the network."""
    root = tmp_path.resolve() / "hello"
    shutil.copytree(HELLO, root)
    source = msgspec.structs.replace(SOURCE, root=str(root))
    report = stage.check(
        TestRequest(source=source, platform=HOST),
        go=real_go(go_path, tmp_path),
        content=MemoryContent(),
    )

    assert (report.result, report.failed, report.network) == ("PASSED", (), "none")
    assert report.coverage is not None
    assert report.coverage > 80
    assert "example.com/hello/internal/server.TestRoutes" in report.passed
