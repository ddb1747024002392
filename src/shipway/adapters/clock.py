"""The machine's clock; wiring hands it out and nobody else reads the time."""

from __future__ import annotations

import time

from shipway import scope


class SystemClock:
    """Wall time for records, monotonic time for waiting."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, or raise ``run.cancelled`` as soon as the scope is cancelled."""
        scope.current().wait(seconds)
