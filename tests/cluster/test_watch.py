"""When a part counts as hung."""

from __future__ import annotations

from shipway.cluster.watch import IDLE, SLOW, STOPPED, Watch, judge
from shipway.core.ports.ground import Answer, Sight


def silent(at: float, *, ticks: int = 0, stopped: bool = False, pid: int = 7) -> Sight:
    """Return a look at a silent part."""
    return Sight(at, Answer.SILENT, (pid,), ticks, stopped)


def over(sights: list[Sight], watch: Watch | None = None) -> list[bool]:
    """Return for each look whether the part was ended."""
    found = []
    watch = watch or Watch()
    for sight in sights:
        watch, end = judge(watch, sight)
        found.append(end)
    return found


SERVED = Watch(served=True)


def test_an_answer_of_any_kind_is_life() -> None:
    """A part that says it is not ready is never ended."""
    assert over([Sight(float(at), Answer.UNREADY) for at in range(200)], SERVED) == [False] * 200


def test_a_stopped_part_is_ended_soon() -> None:
    """SIGSTOP shows in the process state: a second of silence is enough."""
    assert over([silent(0, stopped=True), silent(STOPPED, stopped=True)], SERVED) == [False, True]


def test_a_busy_part_is_left_alone() -> None:
    """Silence with work going on is a slow machine, not a hang."""
    sights = [silent(float(at), ticks=10 * at) for at in range(int(SLOW))]
    assert not any(over(sights, SERVED))


def test_an_idle_part_that_served_is_ended() -> None:
    """Silence without work ends it after a while."""
    assert over([silent(0), silent(IDLE - 1), silent(IDLE)], SERVED) == [False, False, True]


def test_a_part_that_starts_gets_time() -> None:
    """A part that never served is not ended for waiting, until it is far too late."""
    assert over([silent(0), silent(IDLE), silent(SLOW)]) == [False, False, True]


def test_a_new_process_begins_anew() -> None:
    """What was held against processes that are gone is not held against new ones."""
    sights = [silent(0, stopped=True), silent(9, pid=8, stopped=True), silent(9.5, pid=8)]
    assert over(sights, SERVED) == [False, False, False]


def test_nothing_is_ended_where_nothing_runs() -> None:
    """Without processes there is nothing to end, however long the silence."""
    sights = [Sight(0, Answer.SILENT), Sight(SLOW, Answer.SILENT)]
    assert over(sights, SERVED) == [False, False]
