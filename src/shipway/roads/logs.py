"""Logs: what the pods of an environment say, all of them at once, as long as it is wanted.

The CLI calls :func:`logs`, ``dev`` calls :func:`follow` beside its other work. No line is shown
twice and none that the cluster still has is left out, however often a connection breaks.
"""

from __future__ import annotations

import heapq
import threading
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.kube import logs as lines
from shipway.core.kube.logs import Cursor, Source, Stamped
from shipway.core.kube.objects import Ref
from shipway.core.ports.kube import ChangeType, Selection
from shipway.core.project import settings
from shipway.core.run.events import LogLine, Remark
from shipway.errors import Kind, ShipwayError
from shipway.roads import where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.kube.objects import Obj
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.core.run.events import Event

WATCH = 300.0
"""Seconds after which the pods are listed anew: a connection may be dead and not know it."""
PAUSE = 0.25
"""Seconds between looks at a container whose log has ended."""
RETRY = 1.0
"""Seconds before a cluster that did not answer is asked again."""


class LogsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    where: where.WhereRequest
    service: str = ""
    """Empty: every pod in the environment's namespaces."""
    follow: bool = False
    seconds: int = 0
    """Only lines of the last so many seconds; 0: all that the cluster still has."""
    tail: int | None = None
    """Only so many lines of each container, before what is new."""
    previous: bool = False
    """Of each container's run before the one that is now."""


def logs(request: LogsRequest, *, hands: Hands, emit: Callable[[Event], None]) -> None:
    """Show the lines of all pods, oldest first; with ``follow`` until cancelled.

    Raises:
        ShipwayError: ``logs.none`` (not found) where no pod is meant and nothing is followed,
            ``config.service``, what reaching the cluster raises, and where the connection breaks
            in the middle of a log, ``kube.unreachable``.
    """
    reached = where.reached(request.where, hands=hands)
    if request.service:
        settings.chosen(reached.project.settings.config, request.service)
    found = [
        Pods(
            hands.kube(context),
            project=reached.project.name,
            namespaces=reached.place.namespaces,
            request=request,
            say=Saying(emit, hands.clock),
        )
        for context in reached.contexts
    ]
    if request.follow:
        with scope.open():
            for task in [scope.spawn(one.follow) for one in found]:
                task.join()
        return
    if not [one for one in found if one.show()]:
        raise ShipwayError(
            "logs.none",
            Kind.NOT_FOUND,
            "no pod of it has begun",
            operation="reading the logs of",
            subject=f"{request.service or 'all services'} in {request.where.environment}",
            hint=f"shipway status {request.where.environment}",
        )


class Saying:
    """Says one line at a time, whoever calls."""

    def __init__(self, emit: Callable[[Event], None], clock: Clock) -> None:
        self._emit = emit
        self._clock = clock
        self._lock = threading.Lock()

    def line(self, source: Source, line: Stamped) -> None:
        """Say a line of a container."""
        event = LogLine(
            run="",
            trace="",
            at=line.at / 1e9,
            namespace=source.namespace,
            pod=source.pod,
            container=source.container,
            text=line.text,
        )
        with self._lock:
            self._emit(event)

    def remark(self, text: str) -> None:
        """Say what happens to the pods."""
        with self._lock:
            self._emit(Remark(run="", trace="", at=self._clock.now(), text=text))


class Pods:
    """The pods of one environment on one cluster."""

    def __init__(
        self,
        kube: Kube,
        *,
        project: str,
        namespaces: tuple[str, ...],
        request: LogsRequest,
        say: Saying,
    ) -> None:
        self._kube = kube
        self._project = project
        self._selections = tuple(Selection("v1", "Pod", one) for one in namespaces)
        self._request = request
        self._say = say
        self._now: dict[tuple[str, str], Source] = {}
        """What lives, as the watch saw it last."""
        self._followed: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._inside = scope.current()
        self._failure: BaseException | None = None

    def show(self) -> bool:
        """Show what there is, oldest first; return whether there was any container."""
        found = [
            source
            for selection in self._selections
            for pod in self._kube.list(selection)
            if self._is_meant(pod)
            for source in lines.sources(pod)
        ]
        for line, source in heapq.merge(*(self._once(one) for one in found), key=lambda at: at[0]):
            scope.current().check()
            self._say.line(source, line)
        return bool(found)

    def follow(self) -> None:
        """Show what there is and what comes, of these pods and of new ones, until cancelled.

        Raises:
            ShipwayError: ``run.cancelled``, or what refuses the watch or the first of the logs.
        """
        try:
            with scope.open() as inside:
                self._inside = inside
                while True:
                    self._watch_again()
        except ShipwayError as error:
            raise self._failure or error from None

    def _watch_again(self) -> None:
        try:
            self._watch()
        except ShipwayError as error:
            if error.kind is not Kind.TRANSIENT:
                raise
            self._say.remark(f"{error}; trying again")
            scope.current().wait(RETRY)

    def _is_meant(self, pod: Obj) -> bool:
        service = self._request.service
        return not service or lines.is_of(pod, self._project, service)

    def _once(self, source: Source) -> Iterator[tuple[Stamped, Source]]:
        for text in self._kube.log_stream(
            source.namespace,
            source.pod,
            source.container,
            seconds=self._request.seconds,
            tail=self._request.tail,
            previous=self._request.previous,
        ):
            line = lines.stamped(text)
            if line is not None:
                yield line, source

    def _watch(self) -> None:
        """Keep what lives up to date, and follow every container once."""
        listed: set[tuple[str, str]] | None = set()
        for change in self._kube.watch(self._selections, seconds=WATCH):
            if change.type is ChangeType.SYNCED:
                self._forget(set(self._now) - (listed or set()))
                listed = None
                continue
            if not self._is_meant(change.object):
                continue
            found = list(lines.sources(change.object))
            if change.type is ChangeType.DELETED:
                self._forget({one.key for one in found})
                continue
            if listed is not None:
                listed |= {one.key for one in found}
            for source in found:
                self._see(source)

    def _see(self, source: Source) -> None:
        with self._lock:
            self._now[source.key] = source
            known = source.key in self._followed
            self._followed.add(source.key)
        if not known:
            scope.spawn(self._guarded, source)

    def _forget(self, keys: set[tuple[str, str]]) -> None:
        with self._lock:
            for key in keys:
                self._now.pop(key, None)

    def _guarded(self, source: Source) -> None:
        """Follow one container; what refuses it ends all, and is what all end with."""
        try:
            self._follow(source)
        except Exception as error:
            self._failure = self._failure or error
            self._inside.cancel()
            raise

    def _follow(self, source: Source) -> None:
        """Show one container's lines until its pod is gone."""
        name = f"{source.pod}/{source.container}"
        self._say.remark(f"{name} joined")
        cursor, shown = Cursor(), source
        while True:
            self._stream(shown, cursor)
            later = self._later(shown)
            if later is None:
                break
            if later.restarts > shown.restarts:
                while not self._stream(later, cursor, previous=True):
                    scope.current().wait(PAUSE)
            shown = later
        self._say.remark(f"{name} left")

    def _later(self, shown: Source) -> Source | None:
        """Return the container once there is more to read; none when its pod is gone.

        The pod itself is asked, since a watch may lag behind a restart whose last words it hides.
        """
        while True:
            scope.current().wait(PAUSE)  # also between two tries of a connection that breaks
            seen = self._now.get(shown.key)
            if seen is None:
                return None
            if seen.running or seen.restarts > shown.restarts:
                try:
                    found = self._asked(shown)
                except ShipwayError as error:
                    if error.kind is not Kind.TRANSIENT:
                        raise
                    continue
                if found is None or found.running or found.restarts > shown.restarts:
                    return found  # else its next run would be read as this one

    def _asked(self, shown: Source) -> Source | None:
        pod = self._kube.get(Ref("v1", "Pod", shown.namespace, shown.pod)) or {}
        return next((one for one in lines.sources(pod) if one.key == shown.key), None)

    def _stream(self, source: Source, cursor: Cursor, *, previous: bool = False) -> bool:
        """Show the lines of one run of a container, until it ends or the connection breaks.

        Return whether it was read to its end; of a run that is under way, nobody can tell.
        """
        since = cursor.resume()
        try:
            for text in self._kube.log_stream(
                source.namespace,
                source.pod,
                source.container,
                follow=not previous,
                since=since,
                seconds=0 if since else self._request.seconds,
                tail=None if since else self._request.tail,
                previous=previous,
            ):
                line = cursor.take(text)
                if line is not None:
                    self._say.line(source, line)
        except ShipwayError as error:
            if error.kind is not Kind.TRANSIENT:
                raise
            scope.current().check()
            return False
        scope.current().check()
        return True
