"""Targets: the clusters of one environment, one after another, each under an intent of its own.

``up``, ``deploy``, ``promote`` and ``rollback`` come here. Whether a cluster that fails ends it is
the configuration's word (``environments.NAME.rollout``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shipway import scope
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipway.run import Run

T = TypeVar("T")

ALL = "all"


def each(
    contexts: Sequence[str], one: Callable[[str], T], *, rollout: str, run: Run
) -> dict[str, T]:
    """Return what ``one`` made of every context, in their order.

    Raises:
        ShipwayError: the first failure (``stop-at-first``, or stopped on request), or all failures
            together once every context had its turn (``all``). What is done and what was left is a
            remark.
    """
    done: dict[str, T] = {}
    failed: list[ShipwayError] = []
    for number, context in enumerate(contexts, 1):
        try:
            done[context] = one(context)
        except ShipwayError as error:
            later = contexts[number:]
            if rollout != ALL or error.kind is Kind.CANCELLED:
                parts = [("done", done), ("as they were", later)]
                told = [f"; {how}: {', '.join(names)}" for how, names in parts if names]
                if told:
                    run.remark(f"{context} failed{''.join(told)}", loud=True)
                raise
            if later or failed:
                run.remark(f"{context} failed: {error.message}", loud=True)
            failed.append(error)
    scope.fail_together(failed)
    return done
