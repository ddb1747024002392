"""Become the one init of a cluster: a process of its own, started by ``adapters.ground.init``.

Reads a boot as JSON on its standard input, enters new namespaces, and writes one line: the init's
process id, or ``error`` and the reason. Standard library only, since its start is on the way of
every ``up``. Nothing of the host is changed but the cgroup folders, which ``sweep`` removes.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from shipway.adapters.ground import kernel

_NAMESPACES = kernel.NEW_MOUNT | kernel.NEW_NET | kernel.NEW_PID | kernel.NEW_IPC | kernel.NEW_UTS
_CONTROLLERS = {"cpu", "cpuset", "hugetlb", "io", "memory", "pids"}


def main() -> int:
    """Start the init that standard input describes."""
    boot = json.loads(sys.stdin.buffer.read())
    reader, writer = os.pipe()
    os.setsid()
    try:
        host = os.open("/proc/self/ns/net", os.O_RDONLY)
        _enter_cgroups(boot)
        kernel.unshare(_NAMESPACES)
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _init(boot, host, writer)
    except OSError as error:
        sys.stdout.write(f"error {error}\n")
        return 1
    os.close(writer)
    with os.fdopen(reader) as pipe:
        failure = pipe.read()
    sys.stdout.write(f"error {failure}\n" if failure else f"{pid}\n")
    return 1 if failure else 0


def _enter_cgroups(boot: dict[str, Any]) -> None:
    own = str(os.getpid())
    folders = [Path(folder) for folder, _ in boot["cgroups"]]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        _inherit_cpuset(folder)
        _delegate(folder.parent)
        (folder / "cgroup.procs").write_text(own)
    kernel.unshare(kernel.NEW_CGROUP)
    for folder in folders:
        leaf = folder / boot["leaf"]
        leaf.mkdir(exist_ok=True)
        _inherit_cpuset(leaf)
        (leaf / "cgroup.procs").write_text(own)
        _delegate(folder)


def _inherit_cpuset(folder: Path) -> None:
    """Give a version 1 cpuset what its parent has: empty, it takes no process."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = folder / name
        if file.exists() and not file.read_text().strip():
            file.write_text((folder.parent / name).read_text())


def _delegate(folder: Path) -> None:
    """Let version 2 children of ``folder`` have the controllers that a kubelet needs."""
    control = folder / "cgroup.subtree_control"
    if not control.exists():
        return
    have = set(control.read_text().split())
    for name in (folder / "cgroup.controllers").read_text().split():
        if name in _CONTROLLERS and name not in have:
            with contextlib.suppress(OSError):
                control.write_text(f"+{name}")


def _init(boot: dict[str, Any], host: int, writer: int) -> None:
    """Be process 1 of the new namespaces: prepare them and become the supervisor."""
    try:
        _mounts(boot, host)
        socket.sethostname(boot["hostname"])
        kernel.loopback(boot["addresses"])
        for name, value in boot["sysctls"].items():
            with contextlib.suppress(OSError):
                Path("/proc/sys", name).write_text(value)
        _become(boot)
    except OSError as error:
        os.write(writer, str(error).encode())
    os._exit(1)


def _mounts(boot: dict[str, Any], host: int) -> None:
    kernel.mount("", "/", "", kernel.RECURSIVE | kernel.SLAVE)
    kernel.mount("", "/", "", kernel.RECURSIVE | kernel.SHARED)
    safe = kernel.NOSUID | kernel.NODEV
    kernel.mount("proc", "/proc", "proc", safe | kernel.NOEXEC)
    for folder, hierarchy in boot["cgroups"]:
        kernel.bind(folder, hierarchy)
    runtime = os.open(boot["runtime"], os.O_PATH | os.O_DIRECTORY)  # of the mounts seen here
    kernel.mount("tmpfs", "/run", "tmpfs", safe, "mode=755")
    Path(boot["runtime"]).mkdir(parents=True)
    kernel.bind(f"/proc/self/fd/{runtime}", boot["runtime"])
    if boot["shade"]:
        _shade(*boot["shade"])
    names = Path("/run/netns")
    names.mkdir()
    for name, source in (("host", f"/proc/self/fd/{host}"), ("cluster", "/proc/self/ns/net")):
        (names / name).touch()
        kernel.mount(source, str(names / name), "", kernel.BIND)
    for source, target in boot["binds"]:
        _bind(source, os.path.realpath(target))


def _shade(folder: str, kept: str) -> None:
    """Put a layer over ``folder`` that takes all writes, and ``kept`` as it is on top of it."""
    kept_as_is = os.open(kept, os.O_PATH | os.O_DIRECTORY)
    layers = [f"/run/shade/{name}" for name in ("upper", "work")]
    for layer in layers:
        Path(layer).mkdir(parents=True)
    options = f"lowerdir={folder},upperdir={layers[0]},workdir={layers[1]}"
    kernel.mount("overlay", folder, "overlay", 0, options)
    kernel.bind(f"/proc/self/fd/{kept_as_is}", kept)


def _bind(source: str, target: str) -> None:
    """Bind; a target in the host's /run is made anew in the private one."""
    if target.startswith("/run/"):
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(target).touch()
    if Path(target).exists():
        kernel.bind(source, target)


def _become(boot: dict[str, Any]) -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.umask(0o022)
    os.chdir("/")
    log = os.open(boot["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.execve(boot["argv"][0], boot["argv"], boot["env"])  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    sys.exit(main())
