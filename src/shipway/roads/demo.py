"""Demo: the example service the whole road, its answer, and its evidence.

The CLI calls :func:`demo` through wiring, which hands it the roads it shows: the demo does nothing
that a person could not type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.errors import Kind
    from shipway.roads.tracing import Shown
    from shipway.roads.up import Up


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo showed."""

    directory: str
    url: str
    answer: str
    up: Any
    trace: Any
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield f"{self.url} answers: {self.answer}"
        yield ""
        yield "shipway trace deployment/hello"
        yield from (f"  {line}" for line in self.trace.lines())
        yield ""
        yield "Go on from here:"
        yield f"  cd {self.directory}"
        yield "  edit main.go, then: shipway up    # the new version serves in seconds"
        yield "  shipway history dev               # every deploy, from its signed links"
        yield "  shipway rollback dev              # the previous release serves again"
        yield "  shipway cluster delete            # nothing stays but what it lists"


def demo(
    directory: str,
    *,
    up: Callable[[str], Up],
    fetch: Callable[[str], str],
    trace: Callable[[str], Shown],
) -> Demo:
    """Carry the example in ``directory``, ask its URL, and walk back from what serves.

    Raises:
        ShipwayError: whatever a road raises.
    """
    served = up(directory)
    (url, *_) = served.urls.values()
    answer = fetch(url)
    shown = trace(directory)
    return Demo(
        directory=directory,
        url=url,
        answer=answer.strip(),
        up=served,
        trace=shown,
        exit_kind=served.exit_kind or shown.exit_kind,
    )
