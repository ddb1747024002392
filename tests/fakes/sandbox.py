"""A sandbox in memory: programs of :mod:`fakes.process`, and ports that a test decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.ports.sandbox import Confined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipway.core.ports.process import Processes


class FakeSandbox:
    """Runs programs through ``processes``; ``able`` says whether it can confine them."""

    def __init__(
        self, processes: Processes, *, able: bool = True, ports: tuple[int, ...] = ()
    ) -> None:
        self.able = able
        self.listened = ports
        self._processes = processes

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        on_line: Callable[[str], None] | None = None,
        network: bool = False,
        gently: bool = False,  # noqa: ARG002  nothing competes
    ) -> Confined:
        """Run it."""
        done = self._processes.run(argv, env=env, cwd=cwd, on_line=on_line)
        return Confined(done, "none" if self.able and not network else "open")

    def ports(
        self,
        argv: Sequence[str],  # noqa: ARG002  a test decides
        *,
        env: Mapping[str, str],  # noqa: ARG002
        seconds: float,  # noqa: ARG002
        memory: int,  # noqa: ARG002
    ) -> tuple[int, ...] | None:
        """Return what the test decided, where it can confine."""
        return self.listened if self.able else None
