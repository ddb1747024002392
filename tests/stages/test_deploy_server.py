"""One environment's life on the real API server, with every verdict, swap and stamp real."""

from __future__ import annotations

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver
from fakes.chain import Chain, deployment
from shipway.adapters.kube.client import Cluster
from shipway.core.evidence.history import Head
from shipway.core.evidence.policy import built_in
from shipway.core.kube import applyset
from shipway.core.kube.objects import RESTRICTED, Ref, ref_of
from shipway.core.kube.plan import Standing, Verb
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError
from shipway.stages import deploy, preflight
from shipway.stages.verify import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shipway.core.kube.head import Held
    from shipway.core.kube.plan import Plan

LIFE = "shop-life"
"""Its namespace: other tests of this session deploy to the same server."""
SPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": LIFE, "labels": dict(RESTRICTED)},
}
WEB = Ref("apps/v1", "Deployment", LIFE, "web")
NAME = applyset.parent_name("shop", "dev", "local")


def config(name: str, **data: str) -> dict[str, Any]:
    """Return a ConfigMap."""
    metadata = {"name": name, "namespace": LIFE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


class Environment:
    """A chain, a real server, and what stands."""

    def __init__(self, kube: Cluster) -> None:
        self.kube = kube
        self.chain = Chain()
        self.standing: tuple[Standing, ...] = ()

    def plan(self, *objects: dict[str, Any], adopt: bool = False) -> Plan:
        """Make a release of these objects, get a verdict, and plan."""
        chain = self.chain
        chain.links = {}
        chain.make()
        chain.seal()
        chain.render(*objects)
        chain.decide(verify(chain.request(), registry=chain.registry, clock=chain.clock))
        request = deploy.PlanRequest(
            project="shop", environment="dev", target="local", rendered=chain.rendered,
            standing=self.standing, adopt=adopt,
        )  # fmt: skip
        return deploy.plan(request, kube=self.kube, content=chain.content)

    def carry(
        self, planned: Plan, on_applied: Callable[[deploy.Applied], None] | None = None
    ) -> deploy.Deployed:
        """Swap the head and apply."""
        chain = self.chain
        held = deploy.read_head("shop", "dev", "local", kube=self.kube)
        intent = of(str(held.head.sequence + 1).encode())
        new = Head(sequence=held.head.sequence + 1, intent=intent, state="open")
        deploy.swap_head(held, new, kube=self.kube)
        bundle = chain.content.read(chain.links["verdict"].bundle.digest)
        request = deploy.ApplyRequest(
            project="shop", environment="dev", release=chain.release.digest,
            rendered=chain.rendered, intent=intent, plan=planned,
            proof=deploy.Proof(bundle=bundle, trust=chain.trust(), policy=built_in()),
        )  # fmt: skip
        done = deploy.apply(
            request, kube=self.kube, content=chain.content, clock=chain.clock,
            on_applied=on_applied,
        )  # fmt: skip
        self.standing = tuple(Standing(one.ref, one.uid) for one in done.objects)
        return done

    def web(self) -> dict[str, Any]:
        """Return the live Deployment."""
        found = self.kube.get(WEB)
        assert found is not None
        return found


@pytest.fixture
def environment() -> Iterator[Environment]:
    """Return an environment on the shared server."""
    cluster = Cluster(apiserver.shared().access())
    yield Environment(cluster)
    cluster.close()


def test_life(environment: Environment, tmp_path: Path) -> None:
    """Create, leave alone, change, adopt, prune, hand over: each as planned, none by accident."""
    kube, image = environment.kube, environment.chain.published.reference
    first = environment.plan(SPACE, config("old"), deployment(image, space=LIFE))
    open_ = preflight.judge(first, kube=kube, content=environment.chain.content)
    assert [one for one in open_ if one.endswith("only its form was judged")] == list(open_)
    assert (len(open_), kube.get(WEB)) == (2, None)
    with pytest.raises(ShipwayError) as caught:
        preflight.judge(
            environment.plan(SPACE, config("Not_A_Name")),
            kube=kube,
            content=environment.chain.content,
        )
    assert (caught.value.id, caught.value.subject) == (
        "kube.invalid",
        f"configmap/{LIFE}/Not_A_Name",
    )

    done = environment.carry(environment.plan(SPACE, config("old"), deployment(image, space=LIFE)))
    assert {one.verb for one in done.objects} == {Verb.CREATE}
    before = environment.web()

    again = environment.plan(SPACE, config("old"), deployment(image, space=LIFE))
    assert not again.changes
    assert preflight.judge(again, kube=kube, content=environment.chain.content) == ()
    environment.carry(again)
    assert environment.web()["spec"] == before["spec"]
    assert environment.web()["metadata"]["uid"] == before["metadata"]["uid"]

    kube.apply(config("theirs", a="1"), manager="someone")
    with pytest.raises(ShipwayError) as caught:
        environment.plan(SPACE, config("theirs", a="2"), deployment(image, space=LIFE))
    assert caught.value.id == "kube.not_ours"

    adopting = environment.plan(
        SPACE, config("theirs", a="2"), deployment(image, space=LIFE), adopt=True
    )
    done = environment.carry(adopting)
    assert [str(ref) for ref in done.pruned] == [f"configmap/{LIFE}/old"]
    assert kube.get(ref_of(config("old"))) is None
    assert (kube.get(ref_of(config("theirs"))) or {})["data"] == {"a": "2"}

    live = environment.web()
    kube.replace({**live, "spec": {**live["spec"], "replicas": 7}})
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": LIFE},
        "spec": {
            "maxReplicas": 9,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }
    bare = deployment(image, space=LIFE)
    del bare["spec"]["replicas"]
    environment.carry(environment.plan(SPACE, config("theirs", a="2"), bare, scaler))
    environment.carry(environment.plan(SPACE, config("theirs", a="2"), bare, scaler))
    assert environment.web()["spec"]["replicas"] == 7
    assert deploy.read_head("shop", "dev", "local", kube=kube).head.sequence == 5
    assert kubectl_prunes(kube, tmp_path) == {
        "configmap/theirs",
        "deployment.apps/web",
        "horizontalpodautoscaler.autoscaling/web",
        f"namespace/{LIFE}",
    }


def test_twenty_at_once_have_one_head(environment: Environment) -> None:
    """Twenty that read the same head swap it at once, twenty times over: one wins each time."""
    kube = environment.kube
    for number in range(1, 21):
        held = deploy.read_head("crowd", "dev", "local", kube=kube)
        start = threading.Barrier(20)

        def swap(
            who: int, held: Held = held, start: threading.Barrier = start, number: int = number
        ) -> str:
            start.wait()
            new = Head(sequence=number, intent=of(f"{number} {who}".encode()), state="open")
            try:
                deploy.swap_head(held, new, kube=kube)
            except ShipwayError as error:
                return error.id
            return "won"

        with ThreadPoolExecutor(20) as pool:
            ended = list(pool.map(swap, range(20)))
        assert sorted(ended) == ["deploy.lost_swap"] * 19 + ["won"]
        now = deploy.read_head("crowd", "dev", "local", kube=kube).head
        assert now.intent == of(f"{number} {ended.index('won')}".encode())


def kubectl_prunes(kube: Cluster, tmp_path: Path) -> set[str]:
    """Hand our ApplySet to the real kubectl, and return what it takes for its members."""
    server = apiserver.shared()
    parent = kube.get(Ref("v1", "ConfigMap", "shipway-system", NAME)) or {}
    parent["metadata"]["annotations"]["applyset.kubernetes.io/tooling"] = "kubectl/v1.36"
    kube.replace(parent)
    (tmp_path / "x.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
    done = subprocess.run(
        [
            apiserver.program("kubectl", "kubernetes"), "apply", "--prune",
            f"--applyset=configmaps/{NAME}", "-n", "shipway-system", "-f", "x.yaml",
            f"--server={server.server}", f"--token={apiserver.ADMIN}",
            f"--certificate-authority={server.ca_file}",
        ],
        cwd=tmp_path, env={"KUBECTL_APPLYSET": "true", "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    return {name for name, *verb in lines if verb == ["pruned"]}
