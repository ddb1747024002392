"""When a part counts as hung. Pure: observations in, a decision out.

A slow part is left alone: on a busy machine an apiserver may need seconds. What has not answered
and has used no processor time meanwhile, or is stopped by a signal, will not come back by itself.
"""

from __future__ import annotations

import msgspec

from shipway.core.ports.ground import Answer, Sight

TIMEOUT = 1.5
"""Seconds that a part has for one answer."""
PAUSE = 1.0
"""Seconds between two questions to a part that serves."""
STARTING = 0.05
"""Seconds between two questions to a part that does not serve."""
STOPPED = 1.0
"""Seconds of silence after which a part that is stopped by a signal is ended."""
IDLE = 10.0
"""Seconds of silence without work after which a part that served is ended."""
SLOW = 90.0
"""Seconds of silence, working or not, after which any part is ended."""
IDLE_TICKS = 2
"""Processor time, in ticks, below which a part has done nothing between two looks."""


class Watch(msgspec.Struct, frozen=True):
    """What is known of a part between two looks."""

    served: bool = False
    """Whether it has ever answered, as far as these processes are concerned."""
    pids: tuple[int, ...] | None = None
    """Its processes when it was last looked at in silence; nothing while it answers."""
    silent: float = 0.0
    """Since when it is silent."""
    idle: float = 0.0
    """Since when it is silent and does no work."""
    ticks: int = 0


def judge(watch: Watch, sight: Sight) -> tuple[Watch, bool]:
    """Return what is known after a look, and whether the part's processes must be ended."""
    if sight.answer is not Answer.SILENT:
        return Watch(served=True), False
    if watch.pids != sight.pids:
        served = watch.served and watch.pids is None
        return Watch(served, sight.pids, sight.at, sight.at, sight.ticks), False
    worked = sight.ticks - watch.ticks > IDLE_TICKS
    idle = sight.at if worked else watch.idle
    after = Watch(watch.served, sight.pids, watch.silent, idle, sight.ticks)
    silence = sight.at - watch.silent
    hangs = (
        (sight.stopped and silence >= STOPPED)
        or (watch.served and sight.at - idle >= IDLE)
        or silence >= SLOW
    )
    return after, hangs and bool(sight.pids)
