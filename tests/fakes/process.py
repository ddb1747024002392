"""Programs in memory: each is a function, run under the promises of real processes."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shipway import scope
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipway.core.ports.process import Completed

    Program = Callable[["Call"], Completed]


class Call:
    """One run of a program, as the program sees it."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], stdin: bytes) -> None:
        self.argv = tuple(argv)
        self.env = dict(env)
        self.stdin = stdin
        self.ended = threading.Event()

    def sleep(self, seconds: float) -> None:
        """Wait, or until the program is ended."""
        self.ended.wait(seconds)


class MemoryProcesses:
    """Programs by the path they would have; ``calls`` are those that were run."""

    def __init__(self, programs: Mapping[str, Program] | None = None) -> None:
        self.programs = dict(programs or {})
        self.calls: list[Call] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,  # noqa: ARG002  programs in memory have no folder
        stdin: bytes = b"",
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run the function that stands for ``argv[0]``."""
        current = scope.current()
        current.check()
        if argv[0] not in self.programs:
            raise ShipwayError("process.missing", Kind.MISSING, "no such file", subject=argv[0])
        call = Call(argv, env, stdin)
        self.calls.append(call)
        with current.on_cancel(call.ended.set), scope.open() as inside:
            task = inside.spawn(self.programs[argv[0]], call)
            late = not task.wait(3600 if timeout is None else timeout)
            call.ended.set()
            done = task.join()
        current.check()
        if late:
            raise ShipwayError("process.timeout", Kind.TRANSIENT, "too late", subject=argv[0])
        if on_line is not None:
            for line in done.out.decode("utf-8", "replace").splitlines():
                on_line(line)
        return done
