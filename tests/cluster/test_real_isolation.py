"""The real cluster touches nothing of the host, reaches nothing of it, and leaves nothing."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes import machine_state, ordinary
from fakes.embedded import Embedded, as_root, until
from shipway.core.kube import kubeconfig as kubeconfigs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster


@contextlib.contextmanager
def listening(address: str) -> Iterator[int]:
    """Have a server of the host listen, and give its port."""
    with socket.create_server((address, 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    server.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join()


def own_addresses() -> list[str]:
    """Return the host's addresses, as it names itself and as its default route has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        with contextlib.suppress(OSError):
            sock.connect(("192.0.2.99", 9))
        return sorted({"127.0.0.1", sock.getsockname()[0]})


def test_a_pod_reaches_no_port_of_the_host(embedded: Embedded, web: int) -> None:
    """Neither the host's loopback nor its other addresses lead from a pod to its servers."""
    for bound in ("127.0.0.1", "0.0.0.0"):  # noqa: S104  the point
        with listening(bound) as port:
            targets = [
                *own_addresses(),
                embedded.get("nodes")["items"][0]["status"]["addresses"][0]["address"],
            ]
            for address in targets:
                assert embedded.ask(web, f"/dial?to={address}:{port}") == "refused"


def test_only_the_block_listens_and_only_on_loopback(embedded: Embedded) -> None:
    """The cluster's listeners on the host are its reserved ports, on 127.0.0.1."""
    ports = range(embedded.at.node_ports[0] - 2, embedded.at.node_ports[1] + 1)
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            address, port = line.split()[1].split(":")
            if line.split()[3] == "0A" and int(port, 16) in ports:
                found[int(port, 16)] = address
    assert set(found) == set(ports)
    assert set(found.values()) == {"0100007F"}


def snapshot(ignored: set[str]) -> dict[str, object]:
    """Return all that must be the same after a cluster's life."""
    return {
        "files": machine_state.files(ignored),
        "cgroups": machine_state.cgroups(ignored),
        "network": machine_state.network(),
        "mounts": machine_state.mounts(),
        "processes": list(machine_state.processes("test-b")),
    }


def test_a_whole_life_leaves_no_trace(tmp_path: Path, pod_program: bytes) -> None:
    """Up, a pod, down, up, delete: all is as before; mounts and firewall while it runs, too."""
    one = Embedded("test-b", tmp_path)
    if one.exists():
        one.delete()
    ignored = machine_state.others()
    before = snapshot(ignored)
    up = one.up()
    assert machine_state.network() == before["network"]
    assert machine_state.mounts() == before["mounts"]
    one.deploy(one.push(pod_program), up.node_ports[0], replicas=1)
    until(lambda: one.ask(up.node_ports[0]) is not None, 30)
    one.down()
    assert one.status().state == "stopped"
    one.up()
    begun = time.monotonic()
    deleted = one.delete()
    print(f"delete: {time.monotonic() - begun:.2f} s")
    assert time.monotonic() - begun < 20
    assert "/var/lib/shipway/clusters/test-b" in deleted.removed
    assert "/var/lib/shipway/engines" in deleted.kept
    after = snapshot(ignored)
    for kind, value in before.items():
        if isinstance(value, set):
            new = after[kind]
            assert isinstance(new, set)
            told = {name for name in new - value for word in machine_state.TELLING if word in name}
            assert told == set()
        else:
            assert after[kind] == value, kind
    assert not Path(one.files.kubeconfig()).exists()
    assert not Path(one.files.docker_config()).exists()


def test_a_person_with_other_entries_keeps_them(tmp_path: Path, embedded: Embedded) -> None:
    """Entering and leaving through the person's files changes nothing of others."""
    other = {"apiVersion": "v1", "kind": "Config", "current-context": "work"}
    text = json.dumps({**other, "contexts": [{"name": "work", "context": {"cluster": "w"}}]})
    mine = embedded.files.read(embedded.files.kubeconfig())
    entry = kubeconfigs.alone(mine, embedded.at.context)
    assert entry is not None
    path = tmp_path / "config"
    path.write_text(text)
    embedded.files.change(str(path), lambda before: kubeconfigs.remove(before, "shipway-test-a"))
    assert path.read_text() == text


@pytest.fixture
def two_networks() -> Iterator[tuple[str, str, str]]:
    """Give two joined network namespaces (names) and the first one's address; no way out."""
    as_root(["ip", "netns", "add", "shipway-a"])
    as_root(["ip", "netns", "add", "shipway-b"])
    link = ("ip", "link", "add", "va", "netns", "shipway-a", "type", "veth")
    as_root([*link, "peer", "name", "vb", "netns", "shipway-b"])
    for name, device, address in (("a", "va", "10.99.0.1/24"), ("b", "vb", "10.99.0.2/24")):
        run = ("ip", "-n", f"shipway-{name}")
        as_root([*run, "address", "add", address, "dev", device])
        as_root([*run, "link", "set", device, "up"])
        as_root([*run, "link", "set", "lo", "up"])
    yield "shipway-a", "shipway-b", "10.99.0.1"
    as_root(["ip", "netns", "del", "shipway-a"])
    as_root(["ip", "netns", "del", "shipway-b"])


def order_within(network: str, order: dict[str, object]) -> dict[str, object]:
    """Give the root part an order from within a network namespace; return its last line."""
    enter = ("nsenter", f"--net=/run/netns/{network}", "--") if network else ()
    done = as_root(
        [*enter, sys.executable, "-I", "-m", "shipway.rootpart", "serve"],
        input=json.dumps(order),
        check=False,
    )
    last: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    assert last["type"] != "failed", last
    return last


def test_another_network_finds_nothing(
    two_networks: tuple[str, str, str], embedded: Embedded
) -> None:
    """From one of two joined networks without a way out it serves there, not in the other."""
    first, second, address = two_networks
    engines = [json.loads(msgspec.json.encode(one)) for one in engines_of(embedded)]
    order: dict[str, object] = {"type": "up", "name": "test-c", "user": "x", "engines": engines}
    try:
        started = order_within(first, order)
        low, high = started["node_ports"]  # type: ignore[misc]
        code = (
            "import socket,sys\n"
            "for port in range(int(sys.argv[2]),int(sys.argv[3])+1):\n"
            "  try: socket.create_connection((sys.argv[1],port),0.5).close(); print(port)\n"
            "  except OSError: pass\n"
        )
        ask = ("python3", "-I", "-c", code)
        block = (str(low - 2), str(high))
        there = as_root(["ip", "netns", "exec", first, *ask, "127.0.0.1", *block])
        assert {str(low - 2), str(low - 1)} <= set(there.stdout.split())
        for target in (address, "127.0.0.1"):
            outside = as_root(["ip", "netns", "exec", second, *ask, target, *block])
            assert outside.stdout == ""
        beside = as_root(["ip", "netns", "exec", first, *ask, address, *block])
        assert beside.stdout == ""
    finally:
        order_within("", {"type": "delete", "name": "test-c"})


def engines_of(embedded: Embedded) -> tuple[msgspec.Struct, ...]:
    """Return the engines as the person made them."""
    from shipway.adapters.engines import assembly  # noqa: PLC0415
    from shipway.adapters.process import SystemProcesses  # noqa: PLC0415
    from shipway.cluster.life import ENGINES  # noqa: PLC0415

    assert embedded.name
    made = assembly.for_caller(SystemProcesses(), os.environ)
    return made.ensure(ENGINES, on_progress=lambda _: None)


ORDINARY = """
import json, os, sys
import msgspec
from shipway.adapters import hostfacts, privilege, userfiles
from shipway.core.ports.privilege import UpOrder, DeleteOrder
from shipway.core.ports.engines import Built
from shipway.adapters.ground import tree, init
from shipway.roads import cluster

class Made:
    def ensure(self, names, *, on_progress):
        return msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[Built, ...])

who = userfiles.person(os.environ)
files = userfiles.AccountFiles(who, {})
root = privilege.SudoPrivilege(who, None, environ=dict(os.environ))
assert os.geteuid() != 0
quiet = lambda _: None
up = cluster.up("test-d", facts=hostfacts.LinuxFacts(), tree=tree.RootTree(), engines=Made(),
    privilege=root, files=files, on_progress=quiet, on_moment=quiet)
state = cluster.status("test-d", tree=tree.RootTree(), init=init.NamespacedInit(), files=files)
owner = os.stat(files.kubeconfig())
cluster.delete("test-d", everything=False, tree=tree.RootTree(), privilege=root, files=files,
    save=lambda _: cluster.Saved(), caches=lambda _: (), on_moment=quiet)
print(json.dumps({"context": up.context, "state": state.state, "mine": owner.st_uid == os.getuid(),
    "mode": oct(owner.st_mode & 0o777), "left": os.path.exists(files.kubeconfig())}))
"""


def test_an_ordinary_account_with_sudo(
    ordinary_account: str, tmp_path_factory: pytest.TempPathFactory, embedded: Embedded
) -> None:
    """An ordinary account's up, status and delete work, and its files are its own."""
    script = tmp_path_factory.mktemp("ordinary") / "script.py"
    script.write_text(ORDINARY)
    python = ordinary.python(script.parent)
    if os.geteuid() == 0:
        for folder in (script.parent, *script.parent.parents[:3]):
            folder.chmod(folder.stat().st_mode | 0o055)
    run = ordinary.become(ordinary_account, "--reset-env")
    done = subprocess.run(
        [*run, python, "-I", str(script)],
        input=msgspec.json.encode(engines_of(embedded)),
        capture_output=True,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout) == {
        "context": "shipway-test-d",
        "state": "running",
        "mine": True,
        "mode": "0o600",
        "left": False,
    }
