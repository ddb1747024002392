"""The prober: one small process that asks every part whether it serves.

It makes and removes a part's ready file, and ends the processes of a part that hangs; runit starts
them again. What counts as hung is decided elsewhere and passed in.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import msgspec

from shipway.adapters.ground.answers import GroundAnswers
from shipway.core.ports.ground import Answer, Sight, Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


K = TypeVar("K")

AGAIN = 60.0
"""Seconds before a part that was asked to start anew is asked again."""


class Rhythm(msgspec.Struct, frozen=True):
    """Seconds: how long a part may take to answer, and how often it is asked."""

    timeout: float
    pause: float
    starting: float
    look: float = 1.0
    """Between two looks at the processes of a part that is silent."""


class Judge(Protocol[K]):
    """Takes what is known and one look; returns what is known then, and whether to end it."""

    def __call__(self, known: K, sight: Sight, /) -> tuple[K, bool]:
        """Decide."""
        ...


class Prober(Generic[K]):
    """Asks each part in a thread of its own, for ever."""

    def __init__(
        self,
        folder: str,
        watched: tuple[Watched, ...],
        rhythm: Rhythm,
        start: K,
        judge: Judge[K],
    ) -> None:
        self._folder = Path(folder)
        self._watched = watched
        self._rhythm = rhythm
        self._start = start
        self._judge = judge
        self._answers = GroundAnswers()

    @classmethod
    def from_file(cls, path: str, rhythm: Rhythm, start: K, judge: Judge[K]) -> Prober[K]:
        """Return a prober of what a plan wrote down: ``ready`` (a folder) and ``watched``."""
        value = json.loads(Path(path).read_text())
        watched = msgspec.convert(value["watched"], tuple[Watched, ...])
        return cls(value["ready"], watched, rhythm, start, judge)

    def run(self) -> None:
        """Never return."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for file in self._folder.iterdir():
            file.unlink()
        threads = [
            threading.Thread(target=self._follow, args=(part,), daemon=True)
            for part in self._watched
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _follow(self, part: Watched, say: Callable[[str], None] = print) -> None:
        """Look again and again; what keeps one look from its end does not keep the next."""
        kept, said = _Kept(self._start), ""
        while True:
            pause, wrong = self._rhythm.starting, ""
            try:
                pause = self._once(part, kept)
            except OSError as error:  # out of files, a full disk
                wrong = f"{part.name} was not looked at: {error.strerror or error}"
            if wrong and wrong != said:
                say(wrong)
            said = wrong
            time.sleep(pause)

    def _once(self, part: Watched, kept: _Kept[K]) -> float:
        """Look at a part, do what follows from it, and return for how long to pause."""
        file = self._folder / part.name
        answer = self._answers.ask(part.check, timeout=self._rhythm.timeout)
        now = time.monotonic()
        if answer is Answer.READY:
            file.touch()
        else:
            file.unlink(missing_ok=True)
        wanted = answer is Answer.READY and part.asked and now - kept.told >= AGAIN
        if wanted and Path(part.asked).exists():
            kept.told = now
            ask_to_end(part.name, look(part.program, now, part.pidfile).pids)
        if part.program and (answer is not Answer.SILENT or now - kept.looked >= self._rhythm.look):
            silent = answer is Answer.SILENT
            kept.looked = now if silent else 0.0
            seen = look(part.program, now, part.pidfile) if silent else Sight(now, answer)
            kept.known, over = self._judge(kept.known, seen)
            if over:
                end(part.name, seen.pids)
        return self._rhythm.pause if answer is Answer.READY else self._rhythm.starting


class _Kept(Generic[K]):
    """What is kept of a part from look to look; times are of the monotonic clock."""

    def __init__(self, known: K) -> None:
        self.known = known
        self.looked = 0.0
        self.told = -AGAIN


def look(program: str, now: float, pidfile: str = "") -> Sight:
    """Return what a part's silent processes in this namespace do."""
    pids, ticks, stopped = [], 0, False
    for entry in _named(pidfile) if pidfile else _running(program):
        with contextlib.suppress(OSError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            pids.append(int(entry.name))
            ticks += int(fields[11]) + int(fields[12])
            stopped = stopped or fields[0] in {"T", "t"}
    return Sight(now, Answer.SILENT, tuple(sorted(pids)), ticks, stopped)


def _running(program: str) -> Iterator[Path]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if str((entry / "exe").readlink()) == program:
                    yield entry


def _named(pidfile: str) -> Iterator[Path]:
    with contextlib.suppress(OSError, ValueError):
        yield Path("/proc", str(int(Path(pidfile).read_text())))


def ask_to_end(name: str, pids: tuple[int, ...], say: Callable[[str], None] = print) -> None:
    """Ask a part's processes to finish what is under way and end; it is started anew."""
    say(f"{name} is asked to start anew: {' '.join(map(str, pids))}")
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def end(name: str, pids: tuple[int, ...], say: Callable[[str], None] = print) -> None:
    """Kill a part's processes and say so, into the prober's log."""
    say(f"{name} hangs: killing {' '.join(map(str, pids))}")
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
