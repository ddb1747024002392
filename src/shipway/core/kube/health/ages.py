"""How long containers have been as they are, as far as one watcher saw it.

The API server's times are whole seconds of another machine's clock; what the gate saw itself is
never more than what really passed, so that nobody is failed too early by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.objects import uid_of

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj

Key = tuple[str, str, int, bool]


class Ages:
    """When each run of each container, starting or started, was first seen."""

    def __init__(self) -> None:
        self._first: dict[Key, float] = {}

    def see(self, pod: Obj, now: float) -> None:
        """Note what runs in a pod at ``now`` (seconds on any clock that only grows)."""
        for key in _running(pod).values():
            self._first.setdefault(key, now)

    def of(self, pod: Obj, now: float) -> dict[tuple[str, str], float]:
        """Return the seconds of each running container, by pod and container."""
        name = str(pod["metadata"]["name"])
        return {
            (name, container): max(0.0, now - self._first.get(key, now))
            for container, key in _running(pod).items()
        }


def _running(pod: Obj) -> dict[str, Key]:
    status = pod.get("status") or {}
    found = {}
    for one in (
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ):
        if "running" in (one.get("state") or {}):
            name = str(one.get("name"))
            restarts, started = int(one.get("restartCount") or 0), bool(one.get("started"))
            found[name] = (uid_of(pod), name, restarts, started)
    return found
