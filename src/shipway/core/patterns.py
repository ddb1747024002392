"""Regular expressions that are compiled when they are first used.

Modules with many of them, or costly ones, of which a run mostly needs none write
``late(...)`` where they would write ``re.compile(...)``; a run then pays for what it matches.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar, cast

T = TypeVar("T", str, bytes)


def late(pattern: T, flags: int = 0) -> re.Pattern[T]:
    """Return what can be used as ``re.compile(pattern, flags)``; an error comes on first use."""
    return cast("re.Pattern[T]", _Late(pattern, flags))


class _Late:
    """Becomes the compiled pattern, attribute by attribute."""

    def __init__(self, pattern: Any, flags: int) -> None:  # noqa: ANN401  str or bytes
        self._asked = pattern, flags

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a pattern has
        found = getattr(re.compile(*self._asked), name)  # re keeps the compiled pattern
        setattr(self, name, found)
        return found
