"""The one init of a cluster, as the host sees it: started, found, stopped, swept up after."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.ground import Boot

_ENDED = 5.0
"""Seconds within which killed processes have to be gone."""


class NamespacedInit:
    """Keeps :class:`~shipway.core.ports.ground.Init`."""

    def start(self, boot: Boot) -> int:
        """Start ``boot`` in a process of its own, since threads and fork do not mix."""
        runtime = Path(boot.runtime)
        runtime.mkdir(parents=True, exist_ok=True, mode=0o755)
        done = subprocess.run(
            [sys.executable, "-I", "-m", "shipway.adapters.ground.boot"],
            input=msgspec.json.encode(boot),
            capture_output=True,
            env={name: os.environ[name] for name in os.environ if name.startswith("COVERAGE")},
            check=False,
        )
        line = done.stdout.decode(errors="replace").strip()
        if done.returncode != 0 or not line.isdecimal():
            raise ShipwayError(
                "cluster.namespaces",
                Kind.MISSING,
                line.removeprefix("error ") or done.stderr.decode(errors="replace")[-500:],
                operation="entering namespaces for cluster",
                subject=boot.name,
                hint="the kernel must allow root to unshare mount, net, pid, ipc, uts and cgroup",
            )
        pid = int(line)
        _write_pid(runtime, pid)
        return pid

    def running(self, boot: Boot) -> int | None:
        """Return the living init's process id, not that of one that got its number later."""
        try:
            value = json.loads(Path(boot.runtime, "init.json").read_text())
        except (OSError, ValueError):
            return None
        pid = int(value["pid"])
        return pid if _born(pid) == value["born"] else None

    def stop(self, boot: Boot, *, grace: float) -> None:
        """End pods within ``grace`` seconds, then everything."""
        if (pid := self.running(boot)) is not None:
            if grace > 0:
                self._end_pods(boot, grace)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._wait_ended(boot, pid)

    def _end_pods(self, boot: Boot, grace: float) -> None:
        """Send SIGTERM to what runs in pods, once the kubelet no longer starts it again."""
        _command(Path(boot.argv[-1], "kubelet"), b"d")
        ends = time.monotonic() + grace
        asked: set[int] = set()
        while (left := _pods(boot)) and time.monotonic() < ends:
            for pid in left - asked:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            asked |= left
            time.sleep(0.02)

    def _wait_ended(self, boot: Boot, pid: int | None) -> None:
        """Wait until no process of the cluster is left; end those that outlive the init."""
        ends = time.monotonic() + _ENDED
        while time.monotonic() < ends:
            left = {one for folder, _ in boot.cgroups for one in _processes(Path(folder))}
            if not left and (pid is None or _state(pid) in {"", "Z"}):
                return
            for one in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            time.sleep(0.01)

    def sweep(self, boot: Boot) -> tuple[str, ...]:
        """Remove the cgroup folders from the leaves up, and the folder in /run."""
        found = []
        for folder in (Path(folder) for folder, _ in boot.cgroups):
            if folder.exists():
                found.append(str(folder))
                _remove_cgroup(folder)
        runtime = Path(boot.runtime)
        if runtime.exists():
            found.append(str(runtime))
            shutil.rmtree(runtime)
            with contextlib.suppress(OSError):
                runtime.parent.rmdir()
        return tuple(found)


def _write_pid(runtime: Path, pid: int) -> None:
    temporary = runtime / "init.json.tmp"
    temporary.write_text(json.dumps({"pid": pid, "born": _born(pid)}))
    temporary.rename(runtime / "init.json")


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _born(pid: int) -> str:
    """Return when a process started, in ticks since boot (proc(5), field 22), empty if gone."""
    fields = _stat(pid)
    return fields[19] if fields and fields[0] != "Z" else ""


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else ""


def _command(service: Path, letter: bytes) -> None:
    """Give runsv a command through its control pipe (runsv(8)), if it listens."""
    with contextlib.suppress(OSError):
        pipe = os.open(service / "supervise" / "control", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(pipe, letter)
        finally:
            os.close(pipe)


def _pods(boot: Boot) -> set[int]:
    for folder, _ in boot.cgroups:
        if (pods := Path(folder, "kubepods")).is_dir():
            return set(_processes(pods))
    return set()


def _processes(folder: Path) -> Iterator[int]:
    for root, _, names in os.walk(folder):
        if "cgroup.procs" in names:
            with contextlib.suppress(OSError):
                yield from map(int, Path(root, "cgroup.procs").read_text().split())


def _remove_cgroup(folder: Path) -> None:
    """Remove a cgroup and all below it; the kernel lets go of a dead process a little later."""
    ends = time.monotonic() + _ENDED
    while folder.exists():
        for root, _, _ in os.walk(folder, topdown=False):
            with contextlib.suppress(OSError):
                Path(root).rmdir()
        if folder.exists():
            if time.monotonic() > ends:
                raise ShipwayError(
                    "cluster.leftover",
                    Kind.CONFLICT,
                    "its processes do not end",
                    operation="removing the control group",
                    subject=str(folder),
                    hint=f"see {folder}/cgroup.procs, end them, then run the same command again",
                )
            time.sleep(0.01)
