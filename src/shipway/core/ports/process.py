"""Running other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Completed(msgspec.Struct, frozen=True):
    """A program that ended: its exit code and what it wrote."""

    code: int
    out: bytes
    err: bytes


class Processes(Protocol):
    """Programs run in process groups of their own, with exactly the environment given."""

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
        """Run ``argv`` to its end; ``on_line`` sees each line of its standard output as it comes.

        Ends the whole group on cancellation or after ``timeout`` seconds.

        Raises:
            ShipwayError: ``process.missing`` if there is no such program, ``process.timeout``.
        """
        ...
