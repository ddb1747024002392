"""Up --debug: the same road with images that run under Delve, and a port that leads to it."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.git import ROOT
from fakes.hands import MAIN
from fakes.shop import FAR, WEB, WHERE, Shop, refused
from shipway import scope
from shipway.core.golang import delve
from shipway.core.kube.objects import Ref
from shipway.core.oci import config as configs
from shipway.core.oci import manifest as manifests
from shipway.core.run.events import Fact, Remark
from shipway.errors import Kind, ShipwayError
from shipway.roads import debug as road
from shipway.roads import tracing
from shipway.roads.rehearse import rehearse
from shipway.roads.up import UpRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE = "shop-dev"
PROBES = {"livenessProbe", "readinessProbe"}


def asked(**more: Any) -> UpRequest:
    """Return what is asked for."""
    return UpRequest(directory=ROOT, architecture="amd64", debug=True, **more)


class Debugging:
    """A run of it beside the test, with a pod of what it deploys."""

    def __init__(self, shop: Shop, **more: Any) -> None:
        self.shop = shop
        self.error: BaseException | None = None
        self._more = more
        self._scope = scope.Scope()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._scope:
                road.debug(asked(**self._more), hands=self.shop, emit=self.shop.said.append)
        except ShipwayError as error:
            self.error = error

    def port(self, nth: int = 0) -> int:
        """Return the local port of the ``nth`` debugger, once there is one."""
        ends = time.monotonic() + 20
        while time.monotonic() < ends and self.error is None:
            facts = [one.value for one in self.shop.said if isinstance(one, Fact)]
            ports = [int(one.rpartition(":")[2]) for one in facts if " 127.0.0.1:" in one]
            if len(ports) > nth:
                return ports[nth]
            time.sleep(0.01)
        raise AssertionError(self.error)

    def end(self) -> None:
        """Press Ctrl-C."""
        self._scope.cancel()
        self._thread.join(10)


@pytest.fixture
def shop() -> Shop:
    """Give the project."""
    return Shop()


@pytest.fixture
def session(shop: Shop) -> Iterator[Debugging]:
    """Give a run that has come to its forwards."""
    found = Debugging(shop)
    found.port()
    yield found
    found.end()
    assert isinstance(found.error, ShipwayError)
    assert found.error.id == "run.cancelled"


def pod(shop: Shop, name: str, image: str) -> None:
    """Put a pod that serves."""
    shop.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": SPACE},
            "spec": {"containers": [{"name": "shop", "image": image}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]},
        }
    )


def dialled(port: int) -> bytes:
    """Return what answers one byte, or that it hung up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as near:
        near.sendall(b"?")
        return near.recv(100)


def container(shop: Shop) -> dict[str, Any]:
    """Return the live container."""
    (one,) = shop.cluster.objects[WEB.identity]["spec"]["template"]["spec"]["containers"]
    return dict(one)


def execution(shop: Shop, reference: str) -> tuple[tuple[str, ...], list[str]]:
    """Return an image's entrypoint, and what its layers hold."""
    repository, _, digest = reference.partition("@")
    _, data = shop.registries.pull_manifest(repository, digest)
    config = configs.parse(shop.registries.pull_blob(repository, manifests.parse(data).config))
    assert config.config is not None
    titles = [one.created_by for one in config.history or ()]
    return tuple(config.config.entrypoint or ()), titles


def test_it_runs_under_delve(session: Debugging) -> None:
    """The image holds Delve in a layer of its own and starts it; nothing was optimized."""
    shop = session.shop
    entrypoint, titles = execution(shop, shop.cluster.image(WEB))

    assert entrypoint == delve.command(("/app/shop",), delve.PORT)
    assert titles[-2:] == ["shipway image: debugger", "shipway image: binary"]
    assert "-s -w" not in shop.go.ldflags[-1]
    assert shop.debuggers.asked == ["linux/amd64"]
    assert not PROBES & set(container(shop))


def test_a_port_leads_to_it(session: Debugging) -> None:
    """Each connection goes to a pod that runs this very build then; that there is none is said."""
    shop, port = session.shop, session.port()
    image = shop.cluster.image(WEB)
    pod(shop, "other", "r.test/other@sha256:" + "0" * 64)
    assert dialled(port) == b""
    pod(shop, "a", image)
    first = dialled(port)
    shop.cluster.refusals["tunnel", f"pod/{SPACE}/a"] = refused("kube.forbidden", Kind.DENIED)
    assert dialled(port) == b""

    assert first == b"a:40000 ?"
    texts = [one.text for one in shop.said if isinstance(one, Remark) and one.loud][-2:]
    assert ["no pod that is ready" in texts[0], "it says no" in texts[1]] == [True, True]


def test_the_person_is_told_how_to_attach(session: Debugging) -> None:
    """Address and paths, for Delve's own client and two editors."""
    (told,) = [one for one in session.shop.said if isinstance(one, Remark) and "Delve" in one.text]
    assert f"dlv connect 127.0.0.1:{session.port()}" in told.fix
    assert f"config substitute-path example.com/shop {ROOT}" in told.fix
    assert f'"substitutePath": [{{"from": "{ROOT}", "to": "example.com/shop"}}]' in told.fix
    assert "GoLand" in told.fix


def test_the_next_up_takes_its_place(session: Debugging) -> None:
    """A plain run brings probes, limits and the optimized program back, the same as ever."""
    shop = session.shop
    debugged = shop.cluster.image(WEB)
    told = shop.carry()

    assert told.changed
    assert execution(shop, shop.cluster.image(WEB))[0] == ("/app/shop",)
    assert set(container(shop)) > PROBES
    assert shop.cluster.image(WEB) != debugged
    limits = container(shop)["resources"]["limits"]
    assert limits == {"memory": "256Mi"}


def payloads(shop: Shop) -> list[dict[str, Any]]:
    """Return every statement that was signed."""
    bundles = [data for data in shop.registries.blobs.values() if b"dsseEnvelope" in data]
    envelopes = [json.loads(one)["dsseEnvelope"]["payload"] for one in bundles]
    return [json.loads(base64.b64decode(one)) for one in envelopes]


def test_the_evidence_says_so(session: Debugging) -> None:
    """The chain holds; the build link says debug, the SBOM names Delve, the channel is dev."""
    shop = session.shop
    assert tracing.walk_back("deployment/shop", WHERE, hands=shop).trace.ok
    said = {one["predicateType"].split("/")[-2]: one["predicate"] for one in payloads(shop)}

    definition = said["provenance"]["buildDefinition"]
    assert definition["externalParameters"]["debug"] is True
    assert delve.COMPILER in definition["externalParameters"]["flags"]
    assert "delve.test/dlv v1.0.0" in [one["name"] for one in definition["resolvedDependencies"]]
    listed = [one["name"] for one in said["spdx.dev"]["packages"]]
    assert "delve.test/dlv" in listed
    assert said["release"]["https://shipway.dev/release/v1"]["channel"] == "dev"


def test_a_protected_environment_refuses_it(shop: Shop) -> None:
    """Neither by the run nor by its rehearsal, and nothing is built."""
    shop.write("shipway.toml", FAR.format('{context = "far"}') + "protected = true\n")
    shop.git.commit_all(1)
    for ask in (road.debug, rehearse):
        with pytest.raises(ShipwayError) as caught:
            ask(asked(), hands=shop, emit=shop.said.append)
        assert (caught.value.id, caught.value.kind) == ("debug.protected", Kind.REJECTED)
    assert shop.go.ldflags == []
    assert shop.registries.writes == []


def test_it_is_rehearsed_by_the_same_digest(shop: Shop) -> None:
    """A dry run names the image for debugging, and what changes on its objects."""
    shop.carry()
    said = rehearse(asked(), hands=shop, emit=shop.said.append)
    session = Debugging(shop)
    session.port()
    session.end()

    assert said.changed
    assert shop.cluster.image(WEB) == said.images["shop"]


def test_a_job_is_not_debugged(shop: Shop) -> None:
    """Alone it is refused; beside others it is built as ever."""
    shop.drop("main.go")
    shop.drop("main_test.go")
    config = "schema = 1\n"
    for name, kind in (("mill", "job"), ("web", "web")):
        shop.write(f"cmd/{name}/main.go", MAIN)
        config += f'[services.{name}]\npackage = "./cmd/{name}"\nkind = "{kind}"\n'
    shop.write("shipway.toml", f"{config}port = {delve.PORT}\n")
    with pytest.raises(ShipwayError) as caught:
        road.debug(asked(package="mill"), hands=shop, emit=shop.said.append)
    assert (caught.value.id, caught.value.kind) == ("debug.kind", Kind.USAGE)

    said = rehearse(asked(), hands=shop, emit=shop.said.append)
    assert set(said.images) == {"mill", "web"}
    assert shop.debuggers.asked == ["linux/amd64"]


def test_each_service_has_its_port(shop: Shop) -> None:
    """Two debuggers, two ports of this machine."""
    shop.drop("main.go")
    shop.drop("main_test.go")
    config = "schema = 1\n"
    for name in ("back", "front"):
        shop.write(f"cmd/{name}/main.go", MAIN)
        config += f'[services.{name}]\npackage = "./cmd/{name}"\nport = 8080\n'
    shop.write("shipway.toml", config)
    session = Debugging(shop)
    ports = {session.port(0), session.port(1)}
    session.end()

    assert len(ports) == 2
    (told, _) = [one for one in shop.said if isinstance(one, Remark) and "Delve" in one.text]
    assert f"config substitute-path example.com/shop {ROOT}" in told.fix
    for name in ("back", "front"):
        live = shop.cluster.objects[Ref("apps/v1", "Deployment", SPACE, name).identity]
        assert "livenessProbe" not in live["spec"]["template"]["spec"]["containers"][0]
