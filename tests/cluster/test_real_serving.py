"""The real cluster serves: node, pods, Services, names, logs; and what it costs."""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fakes.embedded import NAMESPACE, as_root

if TYPE_CHECKING:
    from fakes.embedded import Embedded

pytestmark = pytest.mark.cluster


def test_the_node_is_ready_and_of_its_version(embedded: Embedded) -> None:
    """A single node, Ready, of exactly the locked Kubernetes, on containerd 2."""
    (node,) = embedded.get("nodes")["items"]
    conditions = {one["type"]: one["status"] for one in node["status"]["conditions"]}
    assert conditions["Ready"] == "True"
    assert node["metadata"]["name"] == "shipway-test-a"
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.36.3"
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")
    version = embedded.kubectl("version", "--output=json").stdout
    assert version.count('"gitVersion": "v1.36.3"') == 2


def test_a_pushed_image_serves_on_the_hosts_loopback(embedded: Embedded, web: int) -> None:
    """Pushed with the person's login, pulled with containerd's, answered on 127.0.0.1."""
    assert (embedded.ask(web) or "").startswith("web-")


def test_services_and_names_work_from_a_pod(embedded: Embedded, web: int) -> None:
    """A pod finds a Service by name, and its ClusterIP answers, from either pod."""
    service = embedded.get("-n", NAMESPACE, "service", "web")["spec"]["clusterIP"]
    name = f"web.{NAMESPACE}.svc.cluster.local"
    assert embedded.ask(web, f"/resolve?name={name}.") == service
    assert embedded.ask(web, f"/resolve?name={name}") == service
    for _ in range(8):
        answer = embedded.ask(web, f"/fetch?url={quote(f'http://{service}/')}") or ""
        assert answer.startswith("web-")


def test_names_outside_come_from_the_machines_resolver(embedded: Embedded, web: int) -> None:
    """What the machine resolves a pod resolves alike, and what it does not, neither."""
    for name in ("deb.debian.org", "no-such-name.invalid"):
        try:
            found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
            expected = " ".join(sorted({str(one[4][0]) for one in found}))
        except OSError:
            expected = "none"
        assert embedded.ask(web, f"/resolve?name={name}.") == expected


def test_logs_and_exec_work(embedded: Embedded, web: int) -> None:
    """The apiserver reaches the kubelet for a container's lines and for commands in it."""
    assert web
    logs = embedded.kubectl("-n", NAMESPACE, "logs", "deployment/web").stdout
    assert "serving as web-" in logs
    said = embedded.kubectl("-n", NAMESPACE, "exec", "deployment/web", "--", "/pod", "hello")
    assert said.stdout == "hello\n"


def test_status_needs_no_root(embedded: Embedded) -> None:
    """Status names every part as ready, without root."""
    begun = time.monotonic()
    status = embedded.status()
    assert time.monotonic() - begun < 5
    assert status.state == "running"
    assert all(status.parts.values())
    assert status.versions["kubernetes"] == "v1.36.3"
    assert (status.ends or 0) - time.time() > 13 * 24 * 3600


def test_up_again_renews_and_disturbs_nothing(embedded: Embedded, web: int) -> None:
    """A second `up` leaves the same init running and renews the person's certificate."""
    before = embedded.init_pid()
    first = embedded.files.read(embedded.files.kubeconfig())
    embedded.up()
    assert embedded.init_pid() == before
    assert embedded.files.read(embedded.files.kubeconfig()) != first
    assert embedded.ask(web)


def test_eviction_has_its_figures(embedded: Embedded) -> None:
    """The kubelet knows the node's file system, so that eviction works at all."""
    text = embedded.kubectl("get", "--raw", "/api/v1/nodes/shipway-test-a/proxy/stats/summary")
    assert re.search(r'"fs": \{\s+"time": "[^"]+",\s+"availableBytes": \d+', text.stdout)


def test_memory_does_not_run_away(embedded: Embedded) -> None:
    """All processes together stay below 1.2 GiB (PSS), pods left out; bench/ holds the target."""
    total = 0
    for pid in embedded.processes():
        exe = as_root(["readlink", f"/proc/{pid}/exe"], check=False).stdout.strip()
        text = as_root(["cat", f"/proc/{pid}/smaps_rollup"], check=False).stdout
        if exe != "/pod" and (found := re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)):
            total += int(found[1])
    print(f"PSS of all parts: {total >> 10} MiB")
    assert total < 1.2 * (1 << 20)
