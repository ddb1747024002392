"""Errors become words and exit codes in one place; signals and pipes end quietly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from shipway import redaction
from shipway.cli.boundary import run, travel
from shipway.core.run.events import Event, Line, Remark, RunStarted
from shipway.errors import Failures, Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = {"run": "r", "trace": "t", "at": 1.0}


class Answer(msgspec.Struct):
    """A road's answer."""

    text: str
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield f"it is {self.text}"


def raising(error: BaseException) -> Callable[[object], object]:
    """Return a road that fails."""

    def road(_: object) -> None:
        raise error

    return road


def test_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """The answer goes to standard output, events to standard error."""

    def road(emit: Callable[[Event], None]) -> Answer:
        emit(Remark(**HEAD, text="guessed", fix="port = 1"))
        return Answer("good")

    assert travel(road, output="text") == 0
    out, err = capsys.readouterr()
    assert out == "it is good\n"
    assert err == "note: guessed\n      port = 1\n"


def test_an_answer_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    """With JSON everything is on standard output, the answer last."""

    def road(emit: Callable[[Event], None]) -> Answer:
        emit(RunStarted(**HEAD, road="up", version="1"))
        return Answer("good", Kind.TESTS)

    assert travel(road, output="json") == Kind.TESTS.value
    out, err = capsys.readouterr()
    first, last = map(json.loads, out.splitlines())
    assert first["event"] == "run.started"
    assert last["exit"] == Kind.TESTS.value
    assert last["value"]["text"] == "good"
    assert err == ""


def test_an_answer_that_is_not_good(capsys: pytest.CaptureFixture[str]) -> None:
    """An answer may choose the exit code although nothing failed."""
    assert travel(lambda _: Answer("broken", Kind.INTEGRITY), output="text") == 10
    assert capsys.readouterr().out == "it is broken\n"


def test_no_answer(capsys: pytest.CaptureFixture[str]) -> None:
    """A road without an answer prints nothing."""
    assert travel(lambda _: None, output="text") == 0
    assert capsys.readouterr() == ("", "")


def test_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """An error says what failed, on what, why, what to do next and where to read more."""
    error = ShipwayError(
        "registry.denied",
        Kind.DENIED,
        "the registry refused",
        operation="pushing a blob to",
        subject="r/web",
        hint="log in\nthen again",
    )
    error.__cause__ = OSError("403")

    assert travel(raising(error), output="text") == Kind.DENIED.value
    assert capsys.readouterr().err == (
        "error: pushing a blob to r/web: the registry refused\n"
        "  why:  OSError: 403\n"
        "  next: log in\n"
        "  next: then again\n"
        "  more: shipway explain registry.denied\n"
    )


def test_a_cause_that_says_nothing_new(capsys: pytest.CaptureFixture[str]) -> None:
    """A cause in the error's own words is not said twice."""
    error = ShipwayError("a.b", Kind.CONFIG, "no end of line 3")
    error.__cause__ = ValueError("no end of line 3")
    travel(raising(error), output="text")

    assert capsys.readouterr().err == "error: no end of line 3\n  more: shipway explain a.b\n"


def test_failures_together(capsys: pytest.CaptureFixture[str]) -> None:
    """What failed side by side is shown side by side."""
    several = Failures(
        (ShipwayError("a.b", Kind.CONFIG, "one"), ShipwayError("c.d", Kind.DENIED, "two"))
    )

    assert travel(raising(several), output="text") == Kind.CONFIG.value
    assert capsys.readouterr().err == (
        "error: 2 things failed\n"
        "error: one\n  more: shipway explain a.b\n"
        "error: two\n  more: shipway explain c.d\n"
    )


def test_a_defect_shows_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A foreign exception is a defect of ours: exit 12, with a traceback to report."""
    assert travel(raising(ValueError("odd")), output="text") == Kind.INTERNAL.value
    assert "Traceback" in capsys.readouterr().err


def test_verbose_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    """With -v an ordinary error shows its traceback, too."""
    error = ShipwayError("a.b", Kind.CONFIG, "one")
    travel(raising(error), output="text", verbose=True)

    assert "Traceback" in capsys.readouterr().err


def test_nothing_known_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Answers, errors and their causes are masked, in text and JSON."""
    redaction.add("planted-at-boundary")
    error = ShipwayError("a.b", Kind.CONFIG, "saw planted-at-boundary")
    error.__cause__ = OSError("planted-at-boundary")
    for output in ("text", "json"):
        travel(raising(error), output=output)
        travel(lambda _: Answer("planted-at-boundary"), output=output)

    shown = "".join(capsys.readouterr())
    assert "planted-at-boundary" not in shown
    assert shown.count("***") == 6


def test_events_are_masked(capsys: pytest.CaptureFixture[str]) -> None:
    """An event that bypassed a run is masked all the same; what would break by it is withheld."""
    redaction.add("planted-in-event")
    redaction.add('"text":"plugh')

    def road(emit: Callable[[Event], None]) -> None:
        emit(Remark(**HEAD, text="saw planted-in-event"))
        emit(Remark(**HEAD, text="plugh"))

    travel(road, output="text")

    assert capsys.readouterr().err == "note: saw ***\n"


def test_stopping(capsys: pytest.CaptureFixture[str]) -> None:
    """A cancelled run says just that."""
    assert travel(raising(KeyboardInterrupt()), output="text") == 130
    assert capsys.readouterr().err == "stopped\n"


WAITS = """
import sys, time
from shipway.adapters.clock import SystemClock
from shipway.cli.boundary import travel

def road(emit):
    print("waiting", flush=True)
    SystemClock().sleep(30)

sys.exit(travel(road, output="text"))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_process(number: signal.Signals) -> None:
    """Ctrl-C or SIGTERM ends a waiting command within a second, with 130 and one word."""
    child = subprocess.Popen(
        [sys.executable, "-c", WAITS], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout
    child.stdout.readline()
    began = time.monotonic()
    child.send_signal(number)
    _, err = child.communicate(timeout=10)

    assert time.monotonic() - began < 1.5
    assert (child.returncode, err) == (130, "stopped\n")


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_closed_pipe_is_quiet(output: str) -> None:
    """When the reader goes away nothing is said, and the code is that of SIGPIPE."""
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(
        [sys.executable, "-m", "shipway", "explain", "run.cancelled", "--output", output],
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
    )
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.mark.parametrize(
    "what", ["travel(road, output='text')", "travel(many, output='text')", "run(Early())"]
)
def test_a_pipe_that_closes_elsewhere(what: str) -> None:
    """The same when it is an event that cannot be written, by one thread or several, or help."""
    code = (
        "import sys; from shipway.cli.boundary import run, travel\n"
        "from shipway.errors import Failures\n"
        "def road(_): raise BrokenPipeError\n"
        "def many(_): raise Failures((BrokenPipeError(), BrokenPipeError()))\n"
        "class Early:\n"
        "    def __iter__(self): raise BrokenPipeError\n"
        f"sys.exit({what})"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)

    assert (ended.returncode, ended.stderr) == (141, b"")


class Stopped:
    """Arguments that Ctrl-C interrupts."""

    def __iter__(self) -> Iterator[str]:
        raise KeyboardInterrupt


def test_stopping_before_anything(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C while the command line is read ends the same way."""
    assert run(Stopped()) == 130  # type: ignore[arg-type]
    assert capsys.readouterr().err == "stopped\n"


def test_the_version_is_cheap() -> None:
    """--version imports no click and answers in a moment."""
    code = (
        "import sys; sys.argv[1:] = ['--version']; from shipway.__main__ import main; main();"
        "assert not {'click', 'msgspec', 'rich', 'yaml'} & set(sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    spent = min(cpu_seconds("-m", "shipway", "-V") for _ in range(7))

    assert ended.stdout.startswith("shipway ")
    print(f"--version: {spent * 1000:.0f} ms of CPU")
    assert spent < 0.08


def cpu_seconds(*arguments: str) -> float:
    """Return the CPU seconds that a Python takes, unmeasured and whatever else runs beside."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    env["SHIPWAY_UNMEASURED"] = "1"
    child = subprocess.Popen([sys.executable, *arguments], env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return used.ru_utime + used.ru_stime


def test_help_imports_no_road() -> None:
    """Help and completion need neither wiring nor what it brings along."""
    code = (
        "import sys; from shipway.cli.boundary import run; run(['up', '--help']);"
        "heavy = {'shipway.wiring', 'rich', 'yaml', 'urllib3', 'cryptography'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_version_option_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    """--version beside other options answers too."""
    assert run(["--output", "text", "--version"]) == 0
    assert capsys.readouterr().out.startswith("shipway ")


def test_lines_of_a_program_are_streamed(capsys: pytest.CaptureFixture[str]) -> None:
    """A line is on standard error before the road goes on."""
    seen = []

    def road(emit: Callable[[Event], None]) -> None:
        emit(Line(**HEAD, step="test", text="ok  example.com/web"))
        seen.append(capsys.readouterr().err)

    travel(road, output="text")

    assert seen == ["[test] | ok  example.com/web\n"]


def test_a_stopped_question(capsys: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C before a road sets out is told the same way."""
    assert run(["status"], Interrupting()) == 130
    assert capsys.readouterr().err == "stopped\n"


class Interrupting:
    """Roads that cannot even be looked at, as if Ctrl-C came that early."""

    def __bool__(self) -> bool:
        raise KeyboardInterrupt


def test_wiring_is_what_is_called_by_default() -> None:
    """Without other roads the commands lead to wiring, which has each of them."""
    code = (
        "from shipway.cli.options import _wiring; w = _wiring();"
        "names = 'up trace rollback status history verify demo init key_show key_export cluster_up"
        " cluster_status cluster_down cluster_delete cluster_kubeconfig'.split();"
        "missing = [name for name in names if not callable(getattr(w, name, None))];"
        "assert not missing, missing"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


TERMINAL = """
import os, pty, sys
def master(descriptor):
    return os.read(descriptor, 4096)
sys.exit(os.waitstatus_to_exitcode(pty.spawn([sys.executable, "-c", sys.argv[1]], master)))
"""


def test_a_terminal_gets_the_tree() -> None:
    """On a terminal the face is the tree; on a dumb one it is plain lines."""
    shown = (
        "from shipway.cli import faces; print(type(faces.choose('text', verbose=False)).__name__)"
    )
    for term, face in (("xterm", "Tree"), ("dumb", "Plain")):
        ended = subprocess.run(
            [sys.executable, "-c", TERMINAL, shown],
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TERM": term},
        )
        assert ended.stdout.strip() == face
