"""System calls that Python 3.11 does not offer: namespaces, mounts and links.

Called by the ground's hands alone. Raises OSError with the path or call that failed; its callers
turn that into errors of Shipway.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW_MOUNT, NEW_CGROUP, NEW_UTS, NEW_IPC, NEW_PID, NEW_NET = (
    0x00020000,
    0x02000000,
    0x04000000,
    0x08000000,
    0x20000000,
    0x40000000,
)
"""clone(2) flags."""
BIND, RECURSIVE, SLAVE, SHARED, NOSUID, NODEV, NOEXEC = (
    0x1000,
    0x4000,
    1 << 19,
    1 << 20,
    2,
    4,
    8,
)
"""mount(2) flags."""
_SET_FLAGS, _SET_ADDRESS, _SET_MASK = 0x8914, 0x8916, 0x891C
_PARENT_DEATH = 1
_UP, _LOOPBACK, _RUNNING = 0x1, 0x8, 0x40


def _call(name: str, subject: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}", subject)


def unshare(flags: int) -> None:
    """Leave the namespaces that ``flags`` name (unshare(2))."""
    _call("unshare", hex(flags), flags)


def setns(descriptor: int, kind: int) -> None:
    """Let the calling thread enter a namespace (setns(2))."""
    _call("setns", str(descriptor), descriptor, kind)


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends (prctl(2))."""
    _call("prctl", "parent", _PARENT_DEATH, signal.SIGKILL, 0, 0, 0)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount ``source`` (mount(2))."""
    words = [os.fsencode(word) if word else None for word in (source, target, kind)]
    _call("mount", target, *words, ctypes.c_ulong(flags), options.encode() or None)


def bind(source: str, target: str) -> None:
    """Bind a file or folder over another, with what is mounted below it."""
    mount(source, target, "", BIND | RECURSIVE)


def loopback(addresses: list[str]) -> None:
    """Raise the link ``lo`` and give it addresses, each as /32."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        flags = struct.pack("16sh14x", b"lo", _UP | _LOOPBACK | _RUNNING)
        fcntl.ioctl(sock, _SET_FLAGS, flags)
        for number, address in enumerate(addresses):
            label = f"lo:{number}".encode()
            for request, value in ((_SET_ADDRESS, address), (_SET_MASK, "255.255.255.255")):
                packed = struct.pack("16sHH4s8x", label, socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(sock, request, packed)


@contextlib.contextmanager
def network(path: str) -> Iterator[None]:
    """Have the calling thread live in another network namespace for the block."""
    with Path("/proc/thread-self/ns/net").open() as before, Path(path).open() as other:
        setns(other.fileno(), NEW_NET)
        try:
            yield
        finally:
            setns(before.fileno(), NEW_NET)
