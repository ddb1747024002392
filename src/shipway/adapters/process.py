"""Programs run as children: own process groups, exact environment, prompt end on cancellation.

Wiring makes one and gives it to whoever runs programs; other adapters may import this module.
It never uses a shell, never adds to the environment, and hides nothing of what a child writes
(redaction belongs to those who show it).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING

from shipway import scope
from shipway.core.ports.process import Completed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

GRACE = 1.0
"""Seconds between SIGTERM and SIGKILL of a group that has to end."""

LINGER = 0.5
"""Seconds that output is still read after the leader ended while others hold its pipes."""

KEPT = 1 << 20
"""Bytes of standard error (and of streamed standard output) that are kept: the last ones."""

MOST = 1 << 28
"""Bytes of standard output that a program may write where all of it is kept."""

_PIECE = 1 << 16


class SystemProcesses:
    """The :class:`~shipway.core.ports.process.Processes` of this machine."""

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        stdin: bytes = b"",
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run ``argv`` to its end; see the port.

        Raises:
            ShipwayError: ``process.missing``, ``process.timeout``, ``process.flood`` (it wrote
                more than 256 MiB), ``run.cancelled``.
        """
        current = scope.current()
        current.check()
        child = _start(argv, env, cwd)
        talk = _Talk(child, stdin, on_line)
        try:
            with current.on_cancel(lambda: end_group(child)):
                talk.listen(current.remaining(timeout))
        finally:
            _finish(child)
        current.check()
        if talk.late:
            raise _failure("process.timeout", argv, "did not end in time", Kind.TRANSIENT)
        if talk.flooded:
            raise _failure("process.flood", argv, "wrote more than 256 MiB", Kind.REJECTED)
        return Completed(child.returncode, bytes(talk.out), bytes(talk.err))

    def talk(self, argv: Sequence[str], *, env: Mapping[str, str], timeout: float) -> Completed:
        """Run a program that may ask the person: standard input and error are this process's own.

        It stays in our process group, so that it may read the terminal; Ctrl-C reaches it, too.

        Raises:
            ShipwayError: ``process.missing``, ``process.timeout``, ``run.cancelled``.
        """
        current = scope.current()
        current.check()
        try:
            child = subprocess.Popen(list(argv), stdout=subprocess.PIPE, env=dict(env))
        except OSError as error:
            raise _missing(argv[0], error) from error
        with child, current.on_cancel(child.terminate):
            try:
                out, _ = child.communicate(timeout=current.remaining(timeout))
            except subprocess.TimeoutExpired as error:
                child.kill()
                current.check()
                raise _failure(
                    "process.timeout", argv, "did not end in time", Kind.TRANSIENT
                ) from error
        current.check()
        return Completed(child.returncode, out, b"")


def end_group(child: subprocess.Popen[bytes]) -> None:
    """Ask the child's group to end, and insist after a second; returns at once."""
    _signal(child, signal.SIGTERM)
    insist = threading.Timer(GRACE, _signal, (child, signal.SIGKILL))
    insist.daemon = True
    insist.start()


def _start(argv: Sequence[str], env: Mapping[str, str], cwd: str | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    except OSError as error:
        subject = cwd if cwd and not os.path.isdir(cwd) else argv[0]  # noqa: PTH112  no Path here
        raise _missing(subject, error) from error


def _missing(subject: str, error: OSError) -> ShipwayError:
    return ShipwayError(
        "process.missing",
        Kind.MISSING,
        error.strerror or str(error),
        operation="starting",
        subject=subject,
        hint="is it installed, and may this account execute it?",
    )


def _finish(child: subprocess.Popen[bytes]) -> None:
    """Leave nothing of the group behind and reap the leader."""
    _signal(child, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """Return whether the leader ended; it is not reaped, so that its group's id stays its own."""
    if not hasattr(os, "waitid"):  # macOS
        return child.poll() is not None
    return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def _failure(failure: str, argv: Sequence[str], message: str, kind: Kind) -> ShipwayError:
    return ShipwayError(failure, kind, message, operation="running", subject=argv[0])


class _Talk:
    """Feeds a child and reads it until all has been said."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        stdin: bytes,
        on_line: Callable[[str], None] | None,
    ) -> None:
        self.out = bytearray()
        self.err = bytearray()
        self.late = False
        self.flooded = False
        self._child = child
        self._stdin = memoryview(stdin)
        self._on_line = on_line
        self._rest = b""

    def listen(self, timeout: float | None) -> None:
        """Return when both outputs have ended, or the leader has and the others linger."""
        until = None if timeout is None else time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            self._register(selector)
            for left in self._patience(selector, until):
                for key, _ in selector.select(left):
                    self._handle(selector, key.fileobj)  # type: ignore[arg-type]  # our pipes
                if self.flooded:
                    return
        self._wait(until)
        if self._rest and self._on_line:
            self._on_line(_text(self._rest))

    def _register(self, selector: selectors.BaseSelector) -> None:
        for pipe in (self._child.stdout, self._child.stderr):
            os.set_blocking(pipe.fileno(), False)  # type: ignore[union-attr]  # both are pipes
            selector.register(pipe, selectors.EVENT_READ)  # type: ignore[arg-type]
        stdin = self._child.stdin
        if stdin is not None and self._stdin:
            os.set_blocking(stdin.fileno(), False)
            selector.register(stdin, selectors.EVENT_WRITE)
        elif stdin is not None:
            stdin.close()

    def _patience(self, selector: selectors.BaseSelector, until: float | None) -> Iterator[float]:
        """Yield how long to wait next, until there is nothing to wait for."""
        ended: float | None = None
        while selector.get_map():
            now = time.monotonic()
            if until is not None and now >= until:
                self._expire()
                return
            if ended is None and _has_ended(self._child):
                ended = now
            if ended is not None and now - ended > LINGER:
                return
            yield LINGER if until is None else min(LINGER, until - now)

    def _wait(self, until: float | None) -> None:
        """Wait for the leader, which may have closed its outputs long before its end."""
        pause = 0.0005
        while not _has_ended(self._child):
            if until is not None and time.monotonic() >= until:
                self._expire()
                return
            time.sleep(pause)
            pause = min(2 * pause, 0.05)

    def _expire(self) -> None:
        self.late = True
        end_group(self._child)

    def _handle(self, selector: selectors.BaseSelector, pipe: IO[bytes]) -> None:
        if pipe is self._child.stdin:
            self._feed(selector, pipe)
            return
        piece = os.read(pipe.fileno(), _PIECE)
        if not piece:
            selector.unregister(pipe)
        elif pipe is self._child.stderr:
            _keep(self.err, piece)
        else:
            self._heard(piece)

    def _feed(self, selector: selectors.BaseSelector, pipe: IO[bytes]) -> None:
        try:
            self._stdin = self._stdin[os.write(pipe.fileno(), self._stdin[:_PIECE]) :]
        except BrokenPipeError:
            self._stdin = self._stdin[:0]
        if not self._stdin:
            selector.unregister(pipe)
            pipe.close()

    def _heard(self, piece: bytes) -> None:
        if self._on_line is None:
            self.out += piece
            self.flooded = len(self.out) > MOST
            return
        _keep(self.out, piece)
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._on_line(_text(line))


def _keep(kept: bytearray, piece: bytes) -> None:
    kept += piece
    if len(kept) > KEPT:
        del kept[: len(kept) - KEPT]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")
