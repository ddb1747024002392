"""Looks at the source that many services share: git is asked once for all that wait for it.

A service may be pushed when the source is still what it was after all of it was read. With a
hundred services side by side, one look that begins after several of them were read answers for all
of these.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shipway import scope
from shipway.stages import source

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.ports.hands import Hands
    from shipway.core.project.source import Source


class Looks:
    """``look`` as often as needed, never twice at a time; it raises where something changed."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look = look
        self._begun = self._ended = 0
        self._failed: BaseException | None = None
        self._change = threading.Condition()

    def see(self) -> None:
        """Return once a look that began after this call has found everything in place.

        Raises:
            ShipwayError: what a look raised, this one or an earlier one; ``run.cancelled``.
        """
        here = scope.current()
        with here.on_cancel(self._wake), self._change:
            before = self._begun
            self._change.wait_for(
                lambda: self._ended > before or self._ended == self._begun or here.cause
            )
            here.check()
            mine = self._ended <= before and self._failed is None
            if mine:
                self._begun += 1
        if mine:
            self._run()
        if self._failed is not None:
            raise self._failed

    def _run(self) -> None:
        try:
            self._look()
        except BaseException as error:  # noqa: BLE001  raised by all that wait for it
            self._failed = error
        finally:
            with self._change:
                self._ended = self._begun
                self._change.notify_all()

    def _wake(self) -> None:
        with self._change:
            self._change.notify_all()


def of(base: Source, hands: Hands) -> Looks:
    """Return looks that see whether ``base`` is still what lies there."""
    return Looks(lambda: source.unmoved(base, git=hands.git))
