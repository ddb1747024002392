"""A chain that was delivered and the cluster that runs it, which a test may bend.

The way back is asked for as a person would, and each time once more from its export.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from fakes.chain import CLUSTER, EVIDENCE, Chain
from fakes.kube import MemoryKube
from shipway.core.evidence import shipped
from shipway.core.evidence.history import Head
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.tracing import Asked, Trace
from shipway.core.kube import head as heads
from shipway.core.kube.objects import ref_of
from shipway.roads.trace import TraceRequest, offline, trace
from shipway.stages.verify import verify

if TYPE_CHECKING:
    from fakes.signer import MemorySigner
    from shipway.core.evidence.answer import Answer
    from shipway.core.evidence.trust import Trust

SPACE = "shop-dev"


class World:
    """A chain that was delivered, and the cluster that runs it."""

    def __init__(self, *, outcome: bool = True, tests: str = "passed", **intent: Any) -> None:
        self.chain = Chain()
        self.chain.make(without="test" if tests == "pending" else "")
        self.chain.seal(tests)
        self.chain.render()
        self.chain.decide(
            verify(self.chain.request(), registry=self.chain.registry, clock=self.chain.clock)
        )
        self.kube = MemoryKube()
        self.kube.objects["", "Namespace", "", "kube-system"]["metadata"]["uid"] = CLUSTER
        self.intent = self.chain.intend(**intent)
        self.stamp = {
            "shipway.dev/release": self.chain.release.digest,
            "shipway.dev/intent": self.intent.payload,
        }
        self.workload = self.put(self.chain.objects[0], "deployment-uid", self.stamp)
        self.revision = self.made_by(self.workload, "ReplicaSet", "web-abc", "rs-uid")
        self.pod = self.made_by(self.revision, "Pod", "web-abc-1", "pod-uid")
        if outcome:
            self.chain.end(objects=(seen(self.workload),))
        self.head(1, "passed")

    def head(self, number: int, state: str) -> None:
        """Set the head of the history."""
        ref = heads.ref("shop", "dev", "local")
        self.kube.objects.pop(ref.identity, None)
        said = Head(sequence=number, intent=self.intent.payload, state=state)
        self.kube.put(heads.write(said, heads.fresh(ref)))

    def put(self, obj: dict[str, Any], uid: str, stamp: dict[str, str], **more: Any) -> Any:
        """Put an object with a uid and annotations; return it as it is live."""
        live = copy.deepcopy(obj)
        live["metadata"] |= {"uid": uid, "annotations": dict(stamp), **more}
        self.kube.put(live)
        return self.kube.objects[ref_of(live).identity]

    def made_by(self, owner: dict[str, Any], kind: str, name: str, uid: str) -> Any:
        """Put what a controller makes of the owner's template."""
        template = copy.deepcopy(owner["spec"]["template"])
        template["metadata"] |= {"name": name, "namespace": SPACE}
        obj: dict[str, Any] = {"apiVersion": "v1", "kind": kind, **template}
        if kind == "ReplicaSet":
            obj = {
                "apiVersion": "apps/v1",
                "kind": kind,
                "metadata": {"name": name, "namespace": SPACE},
                "spec": {"template": copy.deepcopy(owner["spec"]["template"])},
            }
        reference = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
        }
        stamp = self.stamp if kind == "ReplicaSet" else {}
        return self.put(obj, uid, stamp, ownerReferences=[reference])

    def trust(self, *signers: MemorySigner) -> Trust:
        """Trust the chain's key, or others."""
        return self.chain.trust(*signers)

    def request(self, subject: str = "pod/web-abc-1", **other: Any) -> TraceRequest:
        """Ask for a trace."""
        asked = Asked(project="shop", environment="dev", protected=False, policy=built_in())
        return TraceRequest(
            subject=subject,
            namespaces=("elsewhere", SPACE),
            target="local",
            repository=EVIDENCE,
            trust=other.get("trust", self.trust()),
            asked=other.get("asked", asked),
        )

    def trace(self, subject: str = "pod/web-abc-1", **other: Any) -> Trace:
        """Trace, and see that the export tells the same story without a network."""
        told = trace(
            self.request(subject, **other),
            kube=self.kube,
            registry=self.chain.registry,
            clock=self.chain.clock,
        )
        again = offline(
            told.export, trust=other.get("trust", self.trust()), asked=other.get("asked")
        )
        assert again == told.trace
        assert told.trace.ok == (not told.trace.findings)
        return told.trace


def seen(obj: dict[str, Any]) -> shipped.Applied:
    """Return what an outcome says of a live object."""
    ref = ref_of(obj)
    return shipped.Applied(
        group=ref.group,
        kind=ref.kind,
        namespace=ref.namespace,
        name=ref.name,
        uid=obj["metadata"]["uid"],
    )


def answers(found: Trace) -> list[Answer]:
    """Return the names of what is wrong."""
    return [one.answer for one in found.findings]


def names(found: Trace) -> list[str]:
    """Return the names of the steps."""
    return [one.name for one in found.steps]
