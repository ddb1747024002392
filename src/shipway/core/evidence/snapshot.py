"""Live objects at one moment, and where their annotations say to look.

``roads.trace`` and ``roads.observe`` take one; nothing in it is believed by itself.
"""

from __future__ import annotations

import msgspec

from shipway.core.evidence.history import Head  # noqa: TC001  msgspec reads types
from shipway.core.kube import stamp
from shipway.core.kube.objects import Obj, uid_of
from shipway.core.oci import digest as digests
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import ShipwayError


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Live objects at one moment, as the API server gave them."""

    subject: str
    """As asked for: ``pod/web-1``."""
    cluster: str
    """Uid of the namespace ``kube-system``."""
    workload: Obj | None = None
    """What was applied: a Deployment, a Job, a bare Pod..."""
    revision: Obj | None = None
    """The ReplicaSet, ControllerRevision or Job that made the pod."""
    pod: Obj | None = None
    architecture: str = ""
    """Of the pod's node, as its kubelet says; empty where nobody may see nodes."""
    scaled: bool = False
    """Whether an autoscaler decides how many replicas the workload has."""
    head: Head | None = None
    history: tuple[Digest, ...] = ()
    """Manifests of the newest links of the environment's history."""
    oldest: int = 1
    """Lowest number of the history that was read."""
    time: float = 0.0

    @property
    def bare(self) -> bool:
        """Return whether the pod itself is what was applied, if anything was."""
        return self.pod is not None and uid_of(self.pod) == uid_of(self.workload or {})

    @property
    def stamp(self) -> tuple[Digest, Digest] | None:
        """Return release and intent, as the object nearest to the pod names them."""
        for obj in (self.revision, self.workload, self.pod):
            if (found := stamped(obj)) is not None:
                return found
        return None


def stamped(obj: Obj | None) -> tuple[Digest, Digest] | None:
    """Return release and intent that an object's annotations name; none without both."""
    notes = ((obj or {}).get("metadata") or {}).get("annotations") or {}
    try:
        found = digests.parse(str(notes[stamp.RELEASE])), digests.parse(str(notes[stamp.INTENT]))
    except (KeyError, ShipwayError):
        return None
    return found
