"""One look at the source answers for all services that were read before it began."""

from __future__ import annotations

import threading
import time

import pytest

from shipway import scope
from shipway.errors import Kind, ShipwayError
from shipway.roads.looks import Looks

PATIENCE = 10.0


class Slow:
    """A look that ends when it is told to.

    Attributes:
        begun: Set by each look when it begins.
        may_end: Lets looks end.
        error: What they raise.
    """

    def __init__(self) -> None:
        self.count = 0
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.error: BaseException | None = None

    def __call__(self) -> None:
        """Look."""
        self.count += 1
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        if self.error:
            raise self.error


def test_many_that_wait_share_one_look() -> None:
    """Who asks while a look is under way waits for the next one, and all of them share that."""
    slow = Slow()
    looks = Looks(slow)
    with scope.open():
        first = scope.spawn(looks.see)
        assert slow.begun.wait(PATIENCE)
        others = [scope.spawn(looks.see) for _ in range(20)]
        while threading.active_count() < 21:
            time.sleep(0.001)
        assert not first.done
        slow.may_end.set()
        for one in (first, *others):
            one.join()

    assert slow.count in {2, 3}
    looks.see()
    assert slow.count in {3, 4}


def test_what_one_look_finds_is_told_to_all() -> None:
    """Where the source has moved nobody goes on, now or later, and nobody looks again."""
    slow = Slow()
    slow.may_end.set()
    slow.error = ShipwayError("build.moving", Kind.CONFLICT, "moved")
    looks = Looks(slow)
    for _ in range(3):
        with pytest.raises(ShipwayError) as caught:
            looks.see()
        assert caught.value is slow.error

    assert slow.count == 1


def test_who_is_stopped_waits_no_longer() -> None:
    """A cancelled run does not wait for a look of others."""
    slow = Slow()
    looks = Looks(slow)
    with scope.open():
        first = scope.spawn(looks.see)
        assert slow.begun.wait(PATIENCE)
        inner = scope.open()
        inner.cancel()
        with pytest.raises(ShipwayError) as caught, inner:
            looks.see()
        slow.may_end.set()
        first.join()

    assert caught.value.kind is Kind.CANCELLED
    assert slow.count == 1
