"""A clock that tests move."""

from __future__ import annotations

from shipway import scope


class FakeClock:
    """Stands still until told; sleeping moves it."""

    def __init__(self, now: float = 1_795_564_740.0) -> None:
        self.time = now
        self.ticks = 0.0
        """Seconds that pass with each reading of the monotonic clock."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        return self.time

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        self.time += self.ticks
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on, unless the scope is cancelled."""
        scope.current().check()
        self.time += seconds
