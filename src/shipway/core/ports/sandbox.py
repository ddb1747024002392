"""Running code of the repository (its build and its tests) away from the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.core.ports.process import Completed  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Confined(msgspec.Struct, frozen=True):
    """A program that ended, and whether it was held away from the network."""

    completed: Completed
    network: str
    """``none`` where it had only a loopback of its own, else ``open``."""


class Sandbox(Protocol):
    """Programs in a network namespace with nothing but a loopback of their own."""

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        on_line: Callable[[str], None] | None = None,
        network: bool = False,
        gently: bool = False,
    ) -> Confined:
        """Run ``argv`` to its end, confined where this machine allows it.

        ``network`` leaves the network open because the user said so; ``gently`` gives everything
        else on this machine the processor first.

        Raises:
            ShipwayError: what :meth:`Processes.run` raises.
        """
        ...

    def ports(
        self, argv: Sequence[str], *, env: Mapping[str, str], seconds: float, memory: int
    ) -> tuple[int, ...] | None:
        """Run ``argv`` confined for at most ``seconds`` and return the TCP ports it listens on.

        ``memory`` is in bytes. None where it cannot be confined: it was not run then.
        """
        ...
