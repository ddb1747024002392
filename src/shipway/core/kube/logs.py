"""Container logs: which pods are meant, what a line says when, and which lines were seen already.

Pure, but for :class:`Cursor`, which remembers. A log is asked for again from a whole second on
(the API server hands no finer time to the kubelet), so lines come twice, and a cursor drops those.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube.pods import images
from shipway.core.oci import reference
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipway.core.kube.objects import Obj

NAME_LABEL = "app.kubernetes.io/name"
_STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z")
_BILLION = 10**9
_OVERLAP = 1
"""Whole seconds that are asked for twice: two streams of one container may overtake each other."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One container of one pod, as its status has it."""

    namespace: str
    pod: str
    uid: str
    container: str
    running: bool
    restarts: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Return what stays the same while it lives: the pod's uid and the container's name."""
        return (self.uid, self.container)


class Stamped(msgspec.Struct, frozen=True, order=True):
    """One line and when it was written, in nanoseconds since the epoch."""

    at: int
    text: str


class Cursor:
    """Where one container's log is; not for two threads at once."""

    def __init__(self) -> None:
        self._newest = 0
        self._recent: Counter[Stamped] = Counter()
        self._twice: Counter[Stamped] = Counter()

    def resume(self) -> str:
        """Return the time to ask from now, RFC 3339 in whole seconds; empty before any line.

        What comes again from there on is dropped by :meth:`take`, once for each time it was taken.
        """
        self._twice = Counter(self._recent)
        if not self._newest:
            return ""
        at = dt.datetime.fromtimestamp(self._newest - _OVERLAP, dt.UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def take(self, line: str) -> Stamped | None:
        """Return a line that is new; none for one seen before, or for what has no time."""
        found = stamped(line)
        if found is None:
            return None
        if self._twice[found]:
            self._twice[found] -= 1
            return None
        second = found.at // _BILLION
        if second > self._newest:
            self._newest = second
            least = (second - _OVERLAP) * _BILLION
            self._recent = Counter({one: n for one, n in self._recent.items() if one.at >= least})
        if second >= self._newest - _OVERLAP:
            self._recent[found] += 1
        return found


def stamped(line: str) -> Stamped | None:
    """Return a line that begins with the kubelet's timestamp; none for anything else."""
    head, _, text = line.partition(" ")
    match = _STAMP.match(head)
    if match is None:
        return None
    try:
        whole = dt.datetime.fromisoformat(match[1] + match[3].replace("Z", "+00:00"))
    except ValueError:
        return None
    return Stamped(int(whole.timestamp()) * _BILLION + int((match[2] or "0").ljust(9, "0")), text)


def sources(pod: Obj) -> Iterator[Source]:
    """Yield the containers of a pod that have begun, and so may have said something."""
    metadata, status = pod.get("metadata") or {}, pod.get("status") or {}
    for one in (one for name in _STATUSES for one in status.get(name) or ()):
        state, restarts = one.get("state") or {}, int(one.get("restartCount") or 0)
        if restarts or "running" in state or "terminated" in state:
            yield Source(
                namespace=str(metadata.get("namespace", "")),
                pod=str(metadata.get("name", "")),
                uid=str(metadata.get("uid", "")),
                container=str(one.get("name", "")),
                running="running" in state,
                restarts=restarts,
            )


def is_of(pod: Obj, project: str, service: str) -> bool:
    """Return whether a pod runs a service: by its image ``PROJECT/SERVICE``, or by a label."""
    labels = (pod.get("metadata") or {}).get("labels") or {}
    if labels.get(NAME_LABEL) == service:
        return True
    return any(path.endswith(f"/{project}/{service}") for path in _repositories(pod))


def _repositories(pod: Obj) -> Iterable[str]:
    for image in images(pod.get("spec") or {}):
        try:
            yield f"/{reference.parse(image.reference).repository}"
        except ShipwayError:
            continue
