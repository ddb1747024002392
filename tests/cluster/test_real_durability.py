"""The real cluster survives killed parts, hung parts, down and up, and a sudden end of all."""

from __future__ import annotations

import signal
import socket
import time
from typing import TYPE_CHECKING

import pytest

from fakes.embedded import NAMESPACE, alive, as_root, until
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from fakes.embedded import Embedded

pytestmark = pytest.mark.cluster
SLACK = 3
"""Targets are for an idle machine; bench/ measures them, this only finds what is far off."""
PARTS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"),
    *("kube-proxy", "containerd", "coredns", "registry", "pasta", "door"),
)


def containers(embedded: Embedded) -> set[tuple[str, int]]:
    """Return each pod's container and how often it was restarted."""
    return {
        (status["containerID"], status["restartCount"])
        for pod in embedded.get("-n", NAMESPACE, "pods")["items"]
        for status in pod["status"]["containerStatuses"]
    }


def serving(embedded: Embedded, part: str) -> bool:
    """Return whether the prober finds a part ready."""
    return embedded.status().parts[part]


def whole(embedded: Embedded) -> bool:
    """Return whether every part is ready."""
    return embedded.status().state == "running"


def send(name: str, *processes: int, check: bool = True) -> None:
    """Send a signal as root; a minimal system has no ``kill`` but its shell's."""
    script = 'kill -"$@"'
    as_root(["sh", "-c", script, "sh", name, *map(str, processes)], check=check)


def hit(embedded: Embedded, part: str, number: signal.Signals) -> float:
    """Send a signal to a part, return the seconds until other processes of it serve."""
    before = embedded.running(part)
    assert before, part
    send(number.name[3:], *before)
    begun = time.monotonic()
    ready = f"/run/shipway/{embedded.name}/ready/{part}"
    as_root(["rm", "-f", ready])

    def again() -> bool:
        now = [pid for pid in embedded.running(part) if pid not in before]
        return bool(now) and serving(embedded, part)

    until(again, 20)
    return time.monotonic() - begun


@pytest.mark.parametrize("part", PARTS)
def test_a_killed_part_serves_again(embedded: Embedded, web: int, part: str) -> None:
    """Within 5 seconds of kill -9 a part answers again, and no pod was touched."""
    until(lambda: whole(embedded), 30)
    before = containers(embedded)
    seconds = hit(embedded, part, signal.SIGKILL)
    print(f"{part} killed: {seconds:.1f} s")
    assert seconds < 5
    until(lambda: whole(embedded), 20)
    assert containers(embedded) == before
    assert embedded.ask(web)


@pytest.mark.parametrize("part", PARTS)
def test_a_hung_part_serves_again(embedded: Embedded, web: int, part: str) -> None:
    """Within 10 seconds of SIGSTOP a part answers again, and no pod was touched."""
    until(lambda: whole(embedded), 30)
    before = containers(embedded)
    seconds = hit(embedded, part, signal.SIGSTOP)
    print(f"{part} stopped: {seconds:.1f} s")
    assert seconds < 10
    until(lambda: whole(embedded), 20)
    assert containers(embedded) == before
    assert embedded.ask(web)


def test_a_lost_supervisor_leaves_no_double(embedded: Embedded, web: int) -> None:
    """A killed runsv is replaced, and the process that it left gives way to a new one."""
    before = embedded.running("kube-scheduler")
    said = as_root(["cat", f"/proc/{before[0]}/status"]).stdout
    parent = next(line.split()[1] for line in said.splitlines() if line.startswith("PPid"))
    send("KILL", int(parent))
    until(lambda: len(set(embedded.running("kube-scheduler")) - set(before)) == 1, 15)
    until(lambda: whole(embedded), 20)
    assert len(embedded.running("kube-scheduler")) == 1
    assert embedded.ask(web)


def restart(embedded: Embedded, web: int) -> None:
    """Bring it up again and wait for the service."""
    embedded.up()
    until(lambda: embedded.ask(web) is not None, 60)


def keep(embedded: Embedded) -> None:
    """Have an object whose survival is looked for."""
    made = ("create", "configmap", "kept", "--from-literal=a=b")
    embedded.kubectl("-n", NAMESPACE, *made, check=False)


def test_down_and_up_keep_state(embedded: Embedded, web: int) -> None:
    """Objects, images and the service are there again; everything had ended in between."""
    keep(embedded)
    processes = embedded.processes()
    embedded.down()
    assert embedded.status().state == "stopped"
    assert embedded.ask(web) is None
    assert not any(map(alive, processes))
    restart(embedded, web)
    assert embedded.get("-n", NAMESPACE, "configmap", "kept")["data"] == {"a": "b"}


def test_the_end_of_one_process_is_the_end_of_all(embedded: Embedded, web: int) -> None:
    """Kill -9 of the one init ends every process at once, and `up` works."""
    processes = embedded.processes()
    assert len(processes) > 20
    send("KILL", embedded.init_pid())

    until(lambda: not any(map(alive, processes)), 2)
    assert embedded.status().state == "stopped"
    restart(embedded, web)


def test_up_after_a_sudden_reboot(embedded: Embedded, web: int) -> None:
    """All processes killed at once, /run and control groups gone: `up` works with all state."""
    keep(embedded)
    folder = f"/run/shipway/{embedded.name}"
    send("KILL", *embedded.processes(), check=False)
    until(lambda: embedded.status().state == "stopped", 5)
    as_root(["rm", "-rf", folder])
    script = "ls -d /sys/fs/cgroup/*/{0} /sys/fs/cgroup/{0} 2>/dev/null | while read -r one; do "
    script += "find $one -depth -type d -exec rmdir {{}} +; done"
    script = script.format(f"shipway-{embedded.name}")
    as_root(["sh", "-c", script])
    restart(embedded, web)
    assert embedded.get("-n", NAMESPACE, "configmap", "kept")["data"] == {"a": "b"}


def test_up_where_a_living_cluster_lost_its_record(embedded: Embedded, web: int) -> None:
    """With /run gone under a living cluster, `up` ends what is left and starts anew."""
    before = embedded.processes()
    as_root(["rm", "-rf", f"/run/shipway/{embedded.name}"])
    restart(embedded, web)
    assert not before & embedded.processes()


def test_a_taken_port_is_named(embedded: Embedded, web: int) -> None:
    """A port taken while the cluster was down is named with its holder; freed, `up` works."""
    embedded.down()
    taken = ("127.0.0.1", embedded.at.node_ports[1])
    with socket.create_server(taken), pytest.raises(ShipwayError) as caught:
        embedded.up()
    assert caught.value.id == "cluster.port_taken"
    assert "(pid " in caught.value.message
    restart(embedded, web)


def test_an_altered_program_is_not_started(embedded: Embedded, web: int) -> None:
    """A changed byte in an installed program stops `up`, and names the file."""
    embedded.down()
    path = "/var/lib/shipway/packages/bin/svlogd"
    as_root(["cp", "--preserve=all", path, f"{path}.new"])
    as_root(["sh", "-c", f"printf x >> {path}.new; mv {path} {path}.kept; mv {path}.new {path}"])
    try:
        with pytest.raises(ShipwayError) as caught:
            embedded.up()
    finally:
        as_root(["mv", f"{path}.kept", path])
    assert caught.value.id == "cluster.altered"
    assert caught.value.subject == path
    restart(embedded, web)


def test_a_link_in_the_way_is_refused(embedded: Embedded) -> None:
    """A symbolic link where root keeps a cluster is refused with the fix."""
    as_root(["ln", "-s", "/tmp", "/var/lib/shipway/clusters/test-link"])
    one = type(embedded)("test-link", embedded.home)
    try:
        with pytest.raises(ShipwayError) as caught:
            one.up()
    finally:
        as_root(["rm", "/var/lib/shipway/clusters/test-link"])
    assert caught.value.id == "cluster.unsafe"
    assert "rm" in caught.value.hint
