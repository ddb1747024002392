"""What stands at a destination, read beside the work that decides whether it must change.

``up`` starts one for each target before it builds; ``deliver`` asks it. Reading early changes
nothing: the head is looked at again when it counts, and what was read under another one is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway import scope
from shipway.roads import history
from shipway.stages import deploy

if TYPE_CHECKING:
    from shipway.core.evidence.history import Head, History
    from shipway.core.kube.head import Held
    from shipway.core.ports.hands import Hands
    from shipway.roads.destination import Destination

_NEWEST, _RECENT = 1, 3
"""Numbers of the history that are read: mostly the newest passed; else from a few more on."""


class Before:
    """What stood when this was made, and how it stands when it counts."""

    def __init__(self, destination: Destination, hands: Hands) -> None:
        """Begin to read at once, in the current scope."""
        self._destination = destination
        self._hands = hands
        self._task = scope.spawn(self._look)

    def now(self) -> tuple[Held, History]:
        """Return the head as it is now, made if there is none, with the history below it.

        Raises:
            ShipwayError: ``deploy.head`` (integrity), and what registry and cluster raise.
        """
        seen, past = self._task.join()
        at = self._destination
        kube = self._hands.kube(at.context)
        held = deploy.read_head(at.project, at.environment, at.target, kube=kube)
        return held, past if held.head == seen else self._past(held.head)

    def _look(self) -> tuple[Head, History]:
        at = self._destination
        kube = self._hands.kube(at.context)
        seen = history.head(at.project, at.environment, at.target, kube=kube)
        return seen, self._past(seen)

    def _past(self, head: Head) -> History:
        at, registry = self._destination, self._hands.registry
        past = history.read(at.history(_NEWEST), registry=registry, head=head)
        if head.intent is None or past.newest_passed is not None:
            return past
        return history.recent(at.history(_RECENT), registry=registry, head=head)
