"""A build that is begun before anybody has asked for it: the last one, if what it read has changed.

Only the Go hand uses it. What comes of it counts if the very same is asked for then, and nothing
was written since it began; else it is stopped and thrown away, as if it had never been.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shipway import scope
from shipway.core.ports.go import Target  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.golang.inputs import Inputs
    from shipway.errors import ShipwayError
    from shipway.scope import Scope, Task


class Asked(msgspec.Struct, frozen=True):
    """What was asked of a build."""

    target: Target
    ldflags: str


class Attempt(NamedTuple):
    """A build that went well, and what go read for it."""

    began: int
    """Nanoseconds since the epoch."""
    output: str
    network: str
    read: Inputs


class Failure(NamedTuple):
    """A build that did not go well, and what go had read for it."""

    error: ShipwayError
    read: Inputs


class Ahead:
    """At most one build, begun by :meth:`during` and taken by :meth:`take`."""

    def __init__(self) -> None:
        self._asked: Asked | None = None
        self._scope: Scope | None = None
        self._task: Task[Attempt | Failure | None] | None = None

    @contextlib.contextmanager
    def during(
        self, asked: Asked, attempt: Callable[[Asked], Attempt | Failure | None]
    ) -> Iterator[None]:
        """Attempt it beside the block; what nobody has taken at its end is stopped."""
        self._scope = scope.Scope(parent=scope.current())
        with scope.current().on_cancel(self._scope.cancel):
            self._asked, self._task = asked, self._scope.spawn(attempt, asked)
            try:
                yield
            finally:
                self._drop()

    def take(self, asked: Asked) -> Attempt | Failure | None:
        """Return what came of it, once; none where it was another build, or nothing came."""
        if self._asked != asked:
            self._drop()
            return None
        task, self._task, self._asked = self._task, None, None
        return task.join() if task is not None else None

    def _drop(self) -> None:
        """Stop it and remove what it made."""
        task, self._task, self._asked = self._task, None, None
        if task is None or self._scope is None:
            return
        self._scope.cancel()
        if task.wait(scope.PATIENCE) and task.unseen is None:
            made = task.join()
            if isinstance(made, Attempt):
                Path(made.output).unlink(missing_ok=True)
