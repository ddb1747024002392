"""Opening the signing key beside other work: it costs a tenth of a second and more (scrypt).

``up`` makes one; the first step that will need a signature starts it, and a run in which nothing
changed never does.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shipway import scope

if TYPE_CHECKING:
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.signer import Signer
    from shipway.scope import Task


class Opening:
    """The person's key, opened at most once, in the scope that this was made in."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._scope = scope.current()
        self._lock = threading.Lock()
        self._task: Task[Signer] | None = None

    def start(self) -> None:
        """Begin, if that has not happened yet."""
        self._opened()

    def signer(self) -> Signer:
        """Return the opened key.

        Raises:
            ShipwayError: ``key.*``.
        """
        return self._opened().join()

    def _opened(self) -> Task[Signer]:
        with self._lock:
            if self._task is None:
                self._task = self._scope.spawn(self._hands.signer)
            return self._task
