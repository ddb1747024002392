"""Threads in one scope: order, failures together, deadlines, and a prompt Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from shipway import scope
from shipway.errors import Failures, Kind, ShipwayError


def failing(text: str) -> ShipwayError:
    """Return an error with that text."""
    return ShipwayError("test.bad", Kind.USAGE, text)


def waiting(seconds: float) -> float:
    """Wait like a well-behaved hand: whoever cancels wakes it up."""
    woken = threading.Event()
    with scope.current().on_cancel(woken.set):
        woken.wait(seconds)
    scope.current().check()
    return seconds


def test_results_keep_the_order_of_items() -> None:
    """Each returns results in the order of its items, whichever ends first."""
    assert scope.each(waiting, [0.05, 0.01, 0.03]) == [0.05, 0.01, 0.03]
    assert scope.each(waiting, []) == []
    assert scope.each(waiting, [0.0]) == [0.0]
    assert scope.each(str, [1, 2, 3], limit=1) == ["1", "2", "3"]


def test_no_more_than_the_limit_run_at_once() -> None:
    """At most ``limit`` items are worked on at a time."""
    running: list[int] = []
    most = []

    def work(item: int) -> None:
        running.append(item)
        most.append(len(running))
        time.sleep(0.01)
        running.remove(item)

    scope.each(work, range(8), limit=2)

    assert max(most) == 2


def test_lanes_are_shared_by_all_threads() -> None:
    """However many threads want in, no more blocks run at once than there are lanes."""
    lanes = scope.Lanes(2)
    running: list[int] = []
    most = []

    def work(item: int) -> None:
        with lanes.lane():
            running.append(item)
            most.append(len(running))
            time.sleep(0.01)
            running.remove(item)

    scope.each(work, range(8), limit=8)

    assert max(most) == 2


def test_who_waits_for_a_lane_can_be_stopped() -> None:
    """A cancelled scope takes nobody in any more, and the lane stays free for others."""
    lanes = scope.Lanes(1)

    def work() -> None:
        with lanes.lane():
            raise AssertionError

    def stopped() -> None:
        with scope.open() as inside, lanes.lane():
            inside.spawn(work)
            inside.cancel()

    with pytest.raises(ShipwayError) as caught:
        stopped()
    assert caught.value.id == "run.cancelled"
    with lanes.lane():
        pass


def test_failures_arrive_together() -> None:
    """What fails side by side is raised as one error, in order of the items."""
    barrier = threading.Barrier(2)

    def work(item: int) -> None:
        barrier.wait()
        raise failing(f"bad {item}")

    with pytest.raises(Failures) as caught:
        scope.each(work, [1, 2], limit=2)

    assert str(caught.value) == "bad 1\nbad 2"
    assert caught.value.kind is Kind.USAGE


def test_one_failure_is_raised_as_it_is() -> None:
    """A single failure is not wrapped, and nothing new starts after it."""
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        time.sleep(0.02)
        if item == 1:
            raise failing("bad")

    with pytest.raises(ShipwayError, match=r"^bad$") as caught:
        scope.each(work, range(40), limit=2)

    assert type(caught.value) is ShipwayError
    assert len(begun) < 10


def test_foreign_failures_are_defects() -> None:
    """Several failures of which the first is no ShipwayError have kind internal."""
    with pytest.raises(Failures) as caught:
        scope.fail_together([ValueError("a"), failing("b")])

    assert caught.value.kind is Kind.INTERNAL


def test_a_cancellation_hides_no_reason() -> None:
    """Of a failure and the cancellations it caused, only the failure is raised."""
    stop = ShipwayError("run.cancelled", Kind.CANCELLED, "stopped")

    with pytest.raises(ShipwayError, match=r"^bad$"):
        scope.fail_together([stop, failing("bad"), stop])
    with pytest.raises(ShipwayError, match="stopped"):
        scope.fail_together([stop, stop])
    scope.fail_together([None])


def test_a_task_runs_beside() -> None:
    """Spawn returns at once; join gives the result."""
    with scope.open():
        task = scope.spawn(waiting, 0.05)

        assert not task.done
        assert task.join() == 0.05
        assert task.done


def test_a_joined_failure_is_raised_once() -> None:
    """What join raised is not raised again by the scope."""

    def fail() -> None:
        raise failing("bad")

    with scope.open() as inside:
        task = inside.spawn(fail)
        with pytest.raises(ShipwayError, match="bad"):
            task.join()


def test_a_failure_nobody_joined_is_not_lost() -> None:
    """Leaving a scope raises what a task raised."""

    def fail() -> None:
        raise failing("bad")

    with pytest.raises(ShipwayError, match="bad"), scope.open() as inside:
        inside.spawn(fail)


def test_leaving_with_an_error_cancels_tasks() -> None:
    """An exception that leaves the scope ends what runs beside."""
    began = time.monotonic()

    def leave() -> None:
        with scope.open() as inside:
            inside.spawn(waiting, 30)
            raise failing("mine")

    with pytest.raises(ShipwayError, match="mine"):
        leave()

    assert time.monotonic() - began < 1


def test_an_interrupt_while_leaving_cancels_the_rest() -> None:
    """Ctrl-C that strikes while a scope waits for its tasks cancels them and goes on."""

    class Struck(scope.Scope):
        """Is struck by Ctrl-C while it waits."""

        def _settle(self) -> bool:
            raise KeyboardInterrupt

    def leave() -> None:
        with struck:
            struck.spawn(waiting, 5)

    struck = Struck()
    with pytest.raises(KeyboardInterrupt):
        leave()

    assert struck.cause == "cancelled"


def test_cancel_runs_every_interrupt_newest_first() -> None:
    """All interrupts run, even after one that raises; none runs after its block was left."""
    called = []

    def broken() -> None:
        called.append("broken")
        raise OSError

    with scope.open() as inside:
        with inside.on_cancel(lambda: called.append("left")):
            pass
        with inside.on_cancel(lambda: called.append("old")), inside.on_cancel(broken):
            inside.cancel()
            inside.cancel()

    assert called == ["broken", "old"]


def test_a_late_interrupt_runs_at_once() -> None:
    """Registering on a cancelled scope interrupts right away."""
    called = []

    with scope.open() as inside:
        inside.cancel()
        with inside.on_cancel(lambda: called.append("late")):
            pass

    assert called == ["late"]


def test_a_cancelled_scope_starts_nothing() -> None:
    """Check, spawn and each raise ``run.cancelled``."""
    with scope.open() as inside:
        inside.cancel()
        for use in (
            inside.check,
            lambda: inside.spawn(waiting, 1),
            lambda: inside.each(waiting, [1]),
            lambda: inside.each(waiting, [1, 2]),
            lambda: inside.wait(5),
        ):
            with pytest.raises(ShipwayError) as caught:
                use()
            assert caught.value.id == "run.cancelled"


def test_a_parent_takes_its_children_along() -> None:
    """Cancelling a scope cancels what was opened in it, in other threads too."""
    began = time.monotonic()

    with scope.open() as outside:
        threading.Timer(0.05, outside.cancel).start()
        with pytest.raises(ShipwayError) as caught:
            scope.each(waiting, [30, 30])

    assert caught.value.id == "run.cancelled"
    assert time.monotonic() - began < 1


def test_a_deadline_interrupts() -> None:
    """A deadline ends blocking calls and says so; it is not inherited upwards."""
    with scope.open() as outside:
        with pytest.raises(ShipwayError) as caught, scope.open(seconds=0.05):
            scope.each(waiting, [30, 30])
        outside.check()

    assert caught.value.id == "run.deadline"
    assert caught.value.kind is Kind.TRANSIENT


def test_a_deadline_is_seen_without_a_timer() -> None:
    """Check compares with the clock, so that busy code stops in time."""
    busy = scope.Scope(seconds=0)

    assert busy.cancelled
    assert busy.cause == "deadline"


def test_what_is_left() -> None:
    """Remaining is the nearest of deadline and wish."""
    assert scope.Scope().remaining() is None
    assert scope.Scope().remaining(5) == 5
    assert scope.Scope(seconds=0).remaining(5) == 0
    inner = scope.Scope(seconds=90, parent=scope.Scope(seconds=9))
    assert 8 < (inner.remaining(60) or 0) <= 9


def test_waiting_lets_time_pass() -> None:
    """Wait returns after its time where nobody cancels."""
    with scope.open() as inside:
        inside.wait(0.01)


def test_stubborn_work_is_left_behind() -> None:
    """A thread that heeds nothing does not hold up a cancelled scope."""
    began = time.monotonic()
    free = threading.Event()

    with scope.open() as outside:
        threading.Timer(0.05, outside.cancel).start()
        with pytest.raises(ShipwayError) as caught:
            scope.each(free.wait, [5, 5])
        joined = outside._tasks
    free.set()

    assert joined == []
    assert caught.value.id == "run.cancelled"
    assert time.monotonic() - began < 1


def test_join_does_not_outwait_its_scope() -> None:
    """Who joins a task of an outer scope is free when its own scope is cancelled."""
    free = threading.Event()
    with scope.open() as outside:
        task = outside.spawn(free.wait, 5)
        with scope.open() as inside:
            threading.Timer(0.05, inside.cancel).start()
            with pytest.raises(ShipwayError) as caught:
                task.join()
        free.set()

    assert caught.value.id == "run.cancelled"


INTERRUPTED = """
import os, signal, sys, threading, time
from shipway import scope
from shipway.errors import ShipwayError

def hand(seconds):
    woken = threading.Event()
    with scope.current().on_cancel(woken.set):
        woken.wait(seconds)
    scope.current().check()

def stubborn(seconds):
    time.sleep(seconds)

NUMBER = getattr(signal, sys.argv[1])
threading.Timer(0.1, os.kill, (os.getpid(), NUMBER)).start()
began = time.monotonic()
try:
    with scope.open() as inside, scope.interruptible(inside):
        if sys.argv[2] == "threads":
            scope.each(hand, [30, 30])
        elif sys.argv[2] == "twice":
            threading.Timer(0.2, os.kill, (os.getpid(), NUMBER)).start()
            stubborn(30)
        elif sys.argv[2] == "main":
            stubborn(30)
        else:
            hand(30)
except (ShipwayError, KeyboardInterrupt) as error:
    print(type(error).__name__, time.monotonic() - began < 1.2)
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    ("what", "raised"),
    [
        ("hand", "ShipwayError"),
        ("threads", "ShipwayError"),
        ("main", "KeyboardInterrupt"),
        ("twice", "KeyboardInterrupt"),
    ],
)
def test_signals_are_prompt(number: str, what: str, raised: str) -> None:
    """Ctrl-C or SIGTERM ends blocking hands, threads, and even a deaf main thread in a second."""
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, number, what],
        check=True,
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert ended.stdout == f"{raised} True\n"


def test_handlers_are_put_back() -> None:
    """After the block signals mean what they meant before."""
    import signal  # noqa: PLC0415

    before = signal.getsignal(signal.SIGTERM)
    with scope.open() as inside, scope.interruptible(inside):
        assert signal.getsignal(signal.SIGTERM) is not before

    assert signal.getsignal(signal.SIGTERM) is before


def test_what_a_task_begins_while_the_scope_is_left_is_joined_too() -> None:
    """Leaving waits for all, though those that ended are forgotten meanwhile."""
    done: list[int] = []

    def begin(number: int) -> None:
        time.sleep(0.02)
        if number:
            scope.spawn(begin, number - 1)
        done.append(number)

    with scope.open() as inside:
        inside.spawn(begin, 5)

    assert sorted(done) == [0, 1, 2, 3, 4, 5]
