"""What every clock keeps: the machine's and the one that tests move."""

from __future__ import annotations

import pytest

from fakes.clock import FakeClock
from shipway import scope
from shipway.adapters.clock import SystemClock
from shipway.core.ports.clock import Clock
from shipway.errors import ShipwayError

PORTS = (Clock,)


@pytest.fixture(params=[FakeClock, SystemClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Give a clock."""
    made: Clock = request.param()
    return made


def test_sleeping_lets_time_pass(clock: Clock) -> None:
    """After a sleep both readings are later by at least that much."""
    now, monotonic = clock.now(), clock.monotonic()
    clock.sleep(0.02)

    assert clock.now() - now >= 0.015
    assert clock.monotonic() - monotonic >= 0.015


def test_sleep_ends_with_the_scope(clock: Clock) -> None:
    """In a cancelled scope nobody sleeps."""
    with scope.open() as inside:
        inside.cancel()
        with pytest.raises(ShipwayError, match="stopped"):
            clock.sleep(30)
