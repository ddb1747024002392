"""The prober: ready files, a look at processes, and the end of what hangs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.embedded import until
from shipway.adapters.ground import probe
from shipway.core.ports.ground import Answer, Ask, Check, Sight, Watched

if TYPE_CHECKING:
    from pathlib import Path

RHYTHM = probe.Rhythm(0.2, 0.02, 0.02, 0.02)


def test_ready_files_come_and_go(tmp_path: Path) -> None:
    """A part's file is there while it answers; old files are removed at the start."""
    import socket  # noqa: PLC0415

    ready = tmp_path / "ready"
    ready.mkdir()
    (ready / "old").touch()
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        watched = Watched("part", Check(ask=Ask.GRPC, address=str(path)), "")
        file = tmp_path / "prober.json"
        file.write_text(
            json.dumps({"ready": str(ready), "watched": [msgspec.to_builtins(watched)]})
        )
        prober = probe.Prober.from_file(str(file), RHYTHM, None, lambda known, _: (known, False))
        threading.Thread(target=prober.run, daemon=True).start()
        connection, _ = server.accept()
        with connection:
            connection.sendall(b"\0\0\0\4\0\0\0\0\0")
            until((ready / "part").exists, 3)
        assert not (ready / "old").exists()
    until(lambda: not (ready / "part").exists(), 3)


def test_what_is_judged_hung_is_ended(tmp_path: Path) -> None:
    """A silent part's processes are shown to the judge and killed on its word."""
    program = tmp_path / "program"
    program.write_bytes(_sleeper())
    program.chmod(0o755)
    seen: list[Sight] = []

    def judge(known: int, sight: Sight) -> tuple[int, bool]:
        seen.append(sight)
        return known + 1, known == 2

    with subprocess.Popen([str(program), "60"]) as child:
        watched = Watched("part", Check(ask=Ask.HTTP, port=1), str(program))
        prober = probe.Prober(str(tmp_path / "ready"), (watched,), RHYTHM, 0, judge)
        threading.Thread(target=prober.run, daemon=True).start()
        assert child.wait(5) == -signal.SIGKILL
    assert seen[0].pids == (child.pid,)
    assert seen[0].answer is Answer.SILENT


def test_a_part_that_serves_is_asked_to_start_anew(tmp_path: Path) -> None:
    """Where its path is there, the part's processes get SIGTERM, once; never while it is silent."""
    import socket  # noqa: PLC0415

    program = tmp_path / "program"
    program.write_bytes(_sleeper())
    program.chmod(0o755)
    asked, path = tmp_path / "asked", tmp_path / "socket"
    asked.touch()
    check = Check(ask=Ask.GRPC, address=str(path))
    watched = Watched("part", check, str(program), asked=str(asked))
    with subprocess.Popen([str(program), "9"]) as child, socket.socket(socket.AF_UNIX) as server:
        prober = probe.Prober(
            str(tmp_path / "ready"), (watched,), RHYTHM, None, lambda known, _: (known, False)
        )
        threading.Thread(target=prober.run, daemon=True).start()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.5)
        server.bind(str(path))
        server.listen()
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        assert child.wait(5) == -signal.SIGTERM
        with subprocess.Popen([str(program), "9"]) as again:
            with pytest.raises(subprocess.TimeoutExpired):
                again.wait(0.5)
            again.kill()
        server.shutdown(socket.SHUT_RDWR)
    probe.ask_to_end("part", (child.pid,))


def test_a_look_that_fails_is_not_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a result cannot be kept, as on a full disk, it is said, and looked at again."""
    import socket  # noqa: PLC0415

    ready, path = tmp_path / "ready", tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        threading.Thread(target=_greet, args=(server,), daemon=True).start()
        watched = Watched("part", Check(ask=Ask.GRPC, address=str(path)), "")
        prober = probe.Prober(str(ready), (watched,), RHYTHM, None, lambda known, _: (known, False))
        threading.Thread(target=prober.run, daemon=True).start()
        until((ready / "part").exists, 3)
        ready.rename(tmp_path / "away")
        time.sleep(10 * RHYTHM.pause)
        ready.mkdir()
        until((ready / "part").exists, 3)
        server.shutdown(socket.SHUT_RDWR)

    said = capsys.readouterr().out.splitlines()
    assert set(said) == {"part was not looked at: No such file or directory"}


def test_a_stopped_process_is_seen_as_such(tmp_path: Path) -> None:
    """The state of a process that a signal stopped shows, and so does its end."""
    program = tmp_path / "program"
    program.write_bytes(_sleeper())
    program.chmod(0o755)
    with subprocess.Popen([str(program), "60"]) as child:
        until(lambda: probe.look(str(program), 0).pids == (child.pid,), 2)
        assert not probe.look(str(program), 0).stopped
        child.send_signal(signal.SIGSTOP)
        until(lambda: probe.look(str(program), 0).stopped, 2)
        said: list[str] = []
        probe.end("part", (child.pid,), said.append)
        child.wait(2)
        assert said == [f"part hangs: killing {child.pid}"]
    assert probe.look(str(program), 0) == Sight(0, Answer.SILENT)
    probe.end("part", (child.pid,), said.append)


def _greet(server: Any) -> None:
    """Answer everybody as an HTTP/2 server does, until the socket is shut."""
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"\0\0\0\4\0\0\0\0\0")


def _sleeper() -> bytes:
    """Return a copy of a program that sleeps."""
    from pathlib import Path  # noqa: PLC0415

    assert time.monotonic()
    return Path(os.path.realpath("/bin/sleep")).read_bytes()
