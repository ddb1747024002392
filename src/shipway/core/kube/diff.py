"""Where a live object departs from what was asked: every field we set, and only those.

Plans print this, and ``deploy`` asks it whether a Job has to be made anew. A list of things with
names is compared by name, so that what others add beside ours is no departure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube import quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYS = ("name", "containerPort", "port", "mountPath", "key", "ip", "uid")
"""What tells the items of a Kubernetes list apart, in this order of preference."""


class Departure(msgspec.Struct, frozen=True):
    """One field that is not as asked; ``found`` is ``None`` where it is not there."""

    path: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        """Return ``path: found -> wanted`` with long values cut."""
        return f"{self.path}: {_short(self.found)} -> {_short(self.wanted)}"


def departures(wanted: Any, live: Any, path: str = "") -> Iterator[Departure]:  # noqa: ANN401  JSON
    """Yield every field of ``wanted`` that ``live`` does not have so."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key, inner in wanted.items():
            yield from departures(inner, live.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(wanted, list) and isinstance(live, list):
        yield from _lists(wanted, live, path)
    elif not _same(wanted, live):
        yield Departure(path, wanted, live)


def _lists(wanted: list[Any], live: list[Any], path: str) -> Iterator[Departure]:
    key = _key(wanted)
    if key:
        others = {one.get(key): one for one in live if isinstance(one, dict)}
        for one in wanted:
            yield from departures(one, others.get(one[key]), f"{path}[{one[key]}]")
    elif len(wanted) != len(live):
        yield Departure(path, wanted, live)
    else:
        for index, (one, other) in enumerate(zip(wanted, live, strict=True)):
            yield from departures(one, other, f"{path}[{index}]")


def _key(items: list[Any]) -> str:
    """Return the field whose values name the items; empty if none does."""
    if not all(isinstance(one, dict) for one in items):
        return ""
    for key in _KEYS:
        values = [one.get(key) for one in items]
        if all(value is not None for value in values) and len(set(values)) == len(values):
            return key
    return ""


def _same(wanted: Any, live: Any) -> bool:  # noqa: ANN401  JSON
    """Return whether the values mean the same to Kubernetes."""
    if wanted == live or (not wanted and wanted is not False and wanted != 0 and live is None):
        return True  # empty maps, lists, texts and null are not stored
    amount = quantity.value(wanted)
    return amount is not None and amount == quantity.value(live)


def _short(value: Any) -> str:  # noqa: ANN401  JSON
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004  half a line
