"""The child's side of the sandbox: enter a network of its own, then become the program.

Only :mod:`shipway.adapters.sandbox` starts it, as a script under ``python -I -S``; it imports
nothing of Shipway and as little as it can, since every build waits for it. It never runs the
program when it could not confine itself: it exits with 97 and says why.
"""

import ctypes
import os
import sys
import time

REFUSED = 97
NEWUSER, NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, UP_RUNNING = 0x8914, 0x41
LISTEN = "0A"


def enter() -> None:
    """Move into user and network namespaces of our own and raise the loopback there."""
    user, group = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEWUSER | NEWNET):
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{user} {user} 1")
    _write("/proc/self/gid_map", f"{group} {group} 1")
    handle = libc.socket(2, 2 | os.O_CLOEXEC, 0)
    request = b"lo".ljust(16, b"\0") + UP_RUNNING.to_bytes(2, sys.byteorder) + bytes(22)
    raised = libc.ioctl(handle, ctypes.c_ulong(SIOCSIFFLAGS), request)
    if handle < 0 or raised:
        raise OSError(ctypes.get_errno(), "loopback: " + os.strerror(ctypes.get_errno()))
    os.close(handle)


def yield_to_others() -> None:
    """Take the processor only when nobody else wants it.

    Where the kernel groups by session (sched(7), autogroup), a nice value counts only among
    processes of one session, and the group has a value of its own. The kernel takes one such
    value each tenth of a second.
    """
    os.nice(19)
    for _ in range(5):
        try:
            _write("/proc/self/autogroup", "19")
        except BlockingIOError:
            time.sleep(0.1)
        except OSError:
            return
        else:
            return


def watch(argv: list[str], seconds: float, memory: int) -> None:
    """Run ``argv``, print the TCP ports that it listens on, and end it."""
    import resource  # noqa: PLC0415  a build needs none of these
    import signal  # noqa: PLC0415

    program = _copy(argv[0])
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.dup2(2, 1)
        os.execve(program, argv, os.environ)  # noqa: S606  no shell is the point
    until, seen = time.monotonic() + seconds, 0.0
    while time.monotonic() < until and not os.waitpid(child, os.WNOHANG)[0]:
        found = listening()
        seen = seen or (time.monotonic() if found else 0.0)
        if seen and time.monotonic() - seen > 0.3:  # noqa: PLR2004  others may follow closely
            break
        time.sleep(0.02)
    print(*listening())  # noqa: T201  this is the answer
    sys.stdout.flush()
    os.killpg(0, signal.SIGKILL)


def listening() -> list[int]:
    """Return the ports in state LISTEN of this network (Documentation/networking/proc_net_tcp)."""
    found = set()
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        if os.path.exists(table):  # noqa: PTH110  pathlib costs as much as all of this
            with open(table, encoding="ascii") as lines:  # noqa: PTH123
                rows = [line.split() for line in lines][1:]
            found |= {int(row[1].rsplit(":", 1)[1], 16) for row in rows if row[3] == LISTEN}
    return sorted(found)


def main(argv: list[str]) -> None:
    """Run a program, confined and as it is (``run``), or so that others come first (``gently``).

    ``open PROGRAM ...`` is only gentle; ``watch SECONDS BYTES PROGRAM ...`` prints ports.
    """
    if argv[0] != "open":
        try:
            enter()
        except OSError as error:
            sys.stderr.write(f"not confined: {error}\n")
            sys.exit(REFUSED)
    if argv[0] in {"gently", "open"}:
        yield_to_others()
    if argv[0] == "watch":
        watch(argv[3:], float(argv[1]), int(argv[2]))
    os.execv(argv[1], argv[1:])  # noqa: S606  no shell is the point


def _copy(path: str) -> int:
    """Return a handle of an executable copy: blobs of a store are not executable themselves."""
    program = os.memfd_create("program", os.MFD_CLOEXEC)
    with open(path, "rb") as file:  # noqa: PTH123
        while piece := file.read(1 << 20):
            os.write(program, piece)
    return program


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
