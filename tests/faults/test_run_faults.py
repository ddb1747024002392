"""A process that dies at any effect of a run loses nothing: the next one completes it."""

from __future__ import annotations

from typing import Any

import msgspec

from fakes.cache import MemoryStageCache
from fakes.clock import FakeClock
from fakes.journal import MemoryRuns
from shipway.core.run.events import Unit, parse_all
from shipway.run import Run


class KilledError(BaseException):
    """As kill -9: nothing of ours runs after it."""


class Killer:
    """Counts effects over all ports, and kills at the n-th, before or after it took place."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at = at
        self.after = after
        self.count = 0
        self.dead = False

    def over(self, port: object) -> Any:
        """Return ``port`` with each call counted."""
        return _Watched(port, self)

    def effect(self, call: Any, *args: Any) -> Any:
        """Do one effect, unless this is where the process dies or it is dead."""
        if self.dead:
            raise KilledError
        self.count += 1
        if self.count == self.at:
            self.dead = True
            if self.after:
                call(*args)
            raise KilledError
        return call(*args)


class _Watched:
    def __init__(self, port: object, killer: Killer) -> None:
        self._port = port
        self._killer = killer

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)
        if name not in {"open", "append", "write", "close", "put"}:
            return call

        def counted(*args: Any) -> Any:
            answer = self._killer.effect(call, *args)
            return self._killer.over(answer) if name == "open" else answer

        return counted


class Asked(msgspec.Struct, frozen=True):
    """A request."""

    text: str


class Answer(msgspec.Struct, frozen=True):
    """A result."""

    text: str


def build(request: Asked) -> Answer:
    """Answer."""
    return Answer(request.text)


build.__module__ = "shipway.stages.build"


def journey(runs: Any, cache: Any, seed: int) -> str:
    """Take two steps; return the run's id."""
    run = Run(
        "up",
        runs=runs,
        clock=FakeClock(1_795_564_740.0 + seed),
        emit=lambda _: None,
        cache=cache,
        entropy=lambda size: bytes([seed]) * size,
    )
    with run:
        for text in ("one", "two"):
            run.step(build, Unit(text), Asked(text), returns=Answer)
    return run.id


def test_death_at_any_effect() -> None:
    """For every effect of a run, before and after it: the rerun passes, no note stays begun."""
    killer = Killer(0, after=False)
    journey(killer.over(MemoryRuns()), killer.over(MemoryStageCache()), 1)
    effects = killer.count
    assert effects > 10

    for at in range(1, effects + 1):
        for after in (False, True):
            survive(at, after=after)


def survive(at: int, *, after: bool) -> None:
    """Die at one effect, run again, and look at what both runs left."""
    runs, cache = MemoryRuns(), MemoryStageCache()
    killer = Killer(at, after=after)
    try:
        journey(killer.over(runs), killer.over(cache), 1)
    except KilledError:
        for run in runs.journals:
            runs.kill(run)
    again = journey(runs, cache, 2)

    states = {note.state for run in runs.journals for note in runs.notes(run)}
    assert states <= {"passed", "interrupted"}
    assert [note.state for note in runs.notes(again)] == ["passed", "passed"]
    for run in runs.journals:
        assert isinstance(parse_all(runs.events(run)), tuple)
