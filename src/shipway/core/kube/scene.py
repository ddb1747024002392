"""The live state that a gate looks at: objects, what they made, and warnings, by their uids.

``stages.gate`` puts every change of its watch into one :class:`Scene` and asks it about each
object. It finds an object's *current* pods by owner uids and revisions, so that neither a crashing
pod of the release before nor one of a stranger is held against the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube import health
from shipway.core.kube.health import Around, Health, custom
from shipway.core.kube.health.ages import Ages
from shipway.core.kube.objects import Obj, Ref, ref_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.kube.health.custom import Rule

_REVISION = "deployment.kubernetes.io/revision"
_HASH = "controller-revision-hash"
_TEMPLATE = "pod-template-generation"


class Scene:
    """What is live, kept up to date by :meth:`put` and :meth:`remove`; holds no clock, no port."""

    def __init__(self, rules: tuple[Rule, ...] = (), ages: Ages | None = None) -> None:
        """``rules`` judge kinds of their own by the configuration's expressions.

        ``ages`` may be shared by scenes of one watcher, one after the other.
        """
        self._ages = ages or Ages()
        self._rules = {rule.kind: rule for rule in rules}
        self._kinds: dict[tuple[str, str, str], dict[str, Obj]] = {}

    def put(self, obj: Obj, now: float = 0.0) -> None:
        """Remember the newest state of an object, seen at ``now`` on a clock that only grows."""
        ref = ref_of(obj)
        if ref.identity[:2] == ("", "Pod"):
            self._ages.see(obj, now)
        self._kinds.setdefault(ref.identity[:3], {})[ref.name] = obj

    def remove(self, obj: Obj) -> None:
        """Forget an object that was deleted."""
        ref = ref_of(obj)
        self._kinds.get(ref.identity[:3], {}).pop(ref.name, None)

    def live(self, ref: Ref) -> Obj | None:
        """Return an object's newest state."""
        return self._kinds.get(ref.identity[:3], {}).get(ref.name)

    def health(self, obj: Obj, since: str = "", now: float = 0.0) -> Health:
        """Return the health at ``now`` of a live object that was applied at version ``since``."""
        rule = self._rules.get(custom.kind_of(obj))
        ending = obj["metadata"].get("deletionTimestamp")
        if rule and not ending:
            return custom.judge(rule, obj)
        return health.assess(obj, self.around(obj, since, now))

    def around(self, obj: Obj, since: str = "", now: float = 0.0) -> Around:
        """Return what belongs to ``obj``: current pods, current revision, warnings."""
        namespace, uid = ref_of(obj).namespace, uid_of(obj)
        every = list(self._of("", "Pod", namespace))
        revision = self._revision(obj) if obj.get("kind") == "Deployment" else None
        owner = uid_of(revision) if revision else uid
        mine = [pod for pod in every if _owner(pod) == owner and _is_current(pod, obj)]
        makers = {uid, *(uid_of(one) for one in self._of("apps", "ReplicaSet", namespace)
                         if _owner(one) == uid)}  # fmt: skip
        leaving = any(
            _owner(pod) in makers and pod["metadata"].get("deletionTimestamp") for pod in every
        )
        looked = (obj,) if obj.get("kind") == "Pod" else mine
        ages = {key: age for pod in looked for key, age in self._ages.of(pod, now).items()}
        about = {uid, owner, *(uid_of(pod) for pod in mine)}
        return Around(
            pods=tuple(mine),
            revision=revision,
            leaving=leaving,
            warnings=self._warnings(namespace, about),
            since=since,
            nodes=tuple(self._of("", "Node", "")),
            ages=ages,
        )

    def _revision(self, deployment: Obj) -> Obj | None:
        """Return the ReplicaSet whose revision the Deployment says is its own."""
        wanted = (deployment["metadata"].get("annotations") or {}).get(_REVISION)
        for one in self._of("apps", "ReplicaSet", ref_of(deployment).namespace):
            number = (one["metadata"].get("annotations") or {}).get(_REVISION)
            if _owner(one) == uid_of(deployment) and number == wanted:
                return one
        return None

    def _warnings(self, namespace: str, about: set[str]) -> tuple[Obj, ...]:
        found = [
            event
            for event in self._of("", "Event", namespace)
            if (event.get("involvedObject") or {}).get("uid") in about
        ]
        return tuple(sorted(found, key=lambda event: str(event.get("lastTimestamp") or "")))

    def _of(self, group: str, kind: str, namespace: str) -> Iterable[Obj]:
        return self._kinds.get((group, kind, namespace), {}).values()


def _owner(obj: Obj) -> str:
    """Return the uid of the controller that made it; empty if none did."""
    for one in obj["metadata"].get("ownerReferences") or ():
        if one.get("controller"):
            return str(one.get("uid"))
    return ""


def _is_current(pod: Obj, owner: Obj) -> bool:
    """Return whether the pod is of the newest revision of a StatefulSet or DaemonSet."""
    labels = pod["metadata"].get("labels") or {}
    if owner.get("kind") == "StatefulSet":
        wanted = (owner.get("status") or {}).get("updateRevision")
        return not wanted or labels.get(_HASH) == wanted
    if owner.get("kind") == "DaemonSet":
        annotations = owner["metadata"].get("annotations") or {}
        number = annotations.get("deprecated.daemonset.template.generation")
        return not number or labels.get(_TEMPLATE) in {None, number}
    return True
