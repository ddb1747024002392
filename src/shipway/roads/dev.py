"""Dev: carry the project, show what its pods say, and do it again with every save, until Ctrl-C.

The CLI calls :func:`dev` through wiring. Each round is ``up`` itself, with all its evidence. What
does not build or serve is said once, and the next save has another go; a save during a round
cancels it, and the next round continues from what is recorded. So it does where a round ends
because its source was not any more what it had begun with.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.run.events import Fact, Remark
from shipway.errors import Kind, ShipwayError
from shipway.roads import forward, where
from shipway.roads.logs import LogsRequest, logs
from shipway.roads.sources import Sources
from shipway.roads.up import UpRequest, up
from shipway.stages.source import is_moving

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.kube.objects import Obj
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.watching import Watched
    from shipway.core.run.events import Event
    from shipway.roads.sources import Mark
    from shipway.scope import Scope, Task

TAIL = 20
"""Lines of each container that are shown when its pod is joined."""
_AGAIN = "saved meanwhile: starting again"
_TRIES = 3
"""Rounds in a row that a moving source ends before that is an error."""
_HOUR = 3600.0
_TICK = 0.05
"""Seconds between looks at a round that is under way, at most."""


class DevRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    up: UpRequest
    logs: bool = True
    forward: bool = True
    """Whether services without an address here are forwarded to."""


def dev(request: DevRequest, *, hands: Hands, emit: Callable[[Event], None]) -> None:
    """Work until cancelled.

    Raises:
        ShipwayError: ``run.cancelled``, and what is wrong before there is anything to watch:
            ``source.no-repository``.
    """
    asked = request.up
    sources = Sources(
        asked.directory,
        asked.package,
        environment=asked.environment,
        architecture=asked.architecture,
        hands=hands,
    )
    with scope.open() as outer:
        _Session(request, sources, hands, _Voice(emit, hands), outer).go()


class _Voice:
    """Says one thing at a time: rounds, logs and forwards speak beside each other."""

    def __init__(self, emit: Callable[[Event], None], hands: Hands) -> None:
        self._emit = emit
        self._hands = hands
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._emit(event)

    def remark(self, text: str, *, fix: str = "", loud: bool = False) -> None:
        now = self._hands.clock.now()
        self(Remark(run="", trace="", at=now, text=text, fix=fix, loud=loud))

    def fact(self, name: str, value: str) -> None:
        self(Fact(run="", trace="", at=self._hands.clock.now(), name=name, value=value))

    def failure(self, error: ShipwayError) -> None:
        """Say why a round ended, with the next step."""
        more = f"shipway explain {error.id}"
        self.remark(str(error), fix=f"{error.hint}\n{more}" if error.hint else more, loud=True)


class _Session:
    """One ``dev`` from its start to Ctrl-C."""

    def __init__(
        self, request: DevRequest, sources: Sources, hands: Hands, say: _Voice, outer: Scope
    ) -> None:
        self._request = request
        self._sources = sources
        self._hands = hands
        self._say = say
        self._outer = outer
        self._beside: set[str] = set()
        self._moved = 0

    def go(self) -> None:
        """Do one round after another."""
        while True:
            self._sources.ask()
            with self._hands.watching.folders(self._sources.folders()) as watched:
                mark = self._sources.mark()
                whole = self._round(watched, mark)
            if whole:
                self._idle(mark)

    def _round(self, watched: Watched, mark: Mark) -> bool:
        """Carry once; return whether it came to its end, and no save has cancelled or spoilt it."""
        task: Task[None] | None = None
        try:
            with scope.open() as inside:
                task = inside.spawn(self._carry)
                while not task.done:
                    if watched.wait(_TICK) and self._sources.look(mark)[0]:
                        self._say.remark(_AGAIN)
                        inside.cancel()
                        inside.check()
                return True
        except ShipwayError as error:
            self._outer.check()
            if is_moving(error):
                self._say.remark(_AGAIN)
            elif error.kind is not Kind.CANCELLED:
                raise
        while task is not None and not task.wait(_TICK):  # two rounds never run at once
            self._outer.check()
        return False

    def _idle(self, mark: Mark) -> None:
        """Return when what counts is something else than it was."""
        self._say.remark("watching for changes; Ctrl-C ends")
        while True:
            folders = self._sources.folders()
            with self._hands.watching.folders(folders) as watched:
                while folders == self._sources.folders():
                    changed, mark = self._sources.look(mark)
                    if changed:
                        return
                    watched.wait(_HOUR)

    def _carry(self) -> None:
        """Do one round, and say why it ended where it did not go well."""
        try:
            up(self._request.up, hands=self._hands, emit=self._say)
            self._accompany()
            self._moved = 0
        except ShipwayError as error:
            if error.kind is Kind.CANCELLED:
                raise
            self._moved = self._moved + 1 if is_moving(error) else 0
            if 0 < self._moved < _TRIES:
                raise
            self._say.failure(error)
            self._moved = 0

    def _accompany(self) -> None:
        """Have logs and forwards beside all later rounds, each begun once."""
        asked = self._request
        at = where.WhereRequest(
            directory=asked.up.directory,
            environment=asked.up.environment,
            cluster=asked.up.cluster,
        )
        if asked.logs:
            request = LogsRequest(where=at, follow=True, tail=TAIL)
            self._begin("", lambda: logs(request, hands=self._hands, emit=self._say))
        if asked.forward:
            reached = where.reached(at, hands=self._hands)
            kube = self._hands.kube(reached.contexts[0])
            nodes = forward.LOOPBACK if reached.place.embedded else ""
            for one in reached.project.services:
                live = forward.find(kube, reached.place.namespaces, one.name)
                if live is not None and not forward.address(kube, live, nodes=nodes):
                    self._begin(one.name, partial(self._forward, kube, live))

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        if name not in self._beside:
            self._beside.add(name)
            self._outer.spawn(self._guarded, name, work)

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        """Do something beside; where it fails that is said, and the next round tries again."""
        try:
            work()
        except ShipwayError as error:
            self._beside.discard(name)
            if error.kind is not Kind.CANCELLED:
                self._say.failure(error)

    def _forward(self, kube: Kube, live: Obj) -> None:
        with forward.forwarded(kube, live, hands=self._hands, emit=self._say) as url:
            self._say.fact("url", url)
            while True:
                scope.current().wait(_HOUR)
