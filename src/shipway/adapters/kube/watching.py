"""Following several collections at once: a list, then a stream each, merged into one iterator.

Only :class:`~shipway.adapters.kube.client.Cluster` calls it. One thread follows one collection, and
opens its stream only once more is asked for than the lists hold; each ends when the iterator is
closed, its time is over, or the scope is cancelled. A broken stream goes on from the last version
seen; a version too old (410) means listing again and comparing.
"""

from __future__ import annotations

import contextvars
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from shipway import scope
from shipway.core.kube.objects import ref_of
from shipway.core.ports.kube import Change, ChangeType, Selection
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from contextlib import AbstractContextManager

    from shipway.adapters.kube.transport import Call
    from shipway.core.kube.objects import Obj

Stream: TypeAlias = "AbstractContextManager[tuple[Call, Iterator[bytes]]]"

_PAUSE = 0.5
"""Seconds between attempts while the server does not answer."""


class Source(Protocol):
    """What is followed; :class:`~shipway.adapters.kube.client.Cluster` is one."""

    def page_through(self, selection: Selection) -> tuple[tuple[Obj, ...], str]:
        """Return a collection and the version it was read at."""
        ...

    def stream(self, selection: Selection, version: str, seconds: float) -> Stream:
        """Open one watch request."""
        ...


class _Listed:
    """One collection's first list is complete."""


_Item: TypeAlias = "Change | _Listed | ShipwayError | None"


def follow(
    source: Source, selections: Sequence[Selection], seconds: float
) -> Generator[Change, None, None]:
    """Yield the merged changes of all ``selections`` for ``seconds``.

    Raises:
        ShipwayError: what the first list of a collection raised, or ``run.cancelled``.
    """
    queue: SimpleQueue[_Item] = SimpleQueue()
    until = time.monotonic() + seconds
    onward = threading.Event()
    followers = [_Follower(source, selection, queue, until, onward) for selection in selections]
    for follower in followers:
        follower.start()
    missing = len(followers)
    try:
        if not missing:
            yield Change(ChangeType.SYNCED, {})
        while (item := _take(queue, until)) is not None:
            if isinstance(item, ShipwayError):
                raise item
            if isinstance(item, Change):
                yield item
                continue
            missing -= 1
            if not missing:
                yield Change(ChangeType.SYNCED, {})
                onward.set()
    finally:
        for follower in followers:
            follower.stop()
        onward.set()


def _take(queue: SimpleQueue[_Item], until: float) -> _Item:
    """Return the next item, ``None`` when the time is over."""
    here = scope.current()
    with here.on_cancel(lambda: queue.put(None)):
        try:
            item = queue.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            item = None
    here.check()
    return item


class _Follower:
    """The thread of one collection."""

    def __init__(
        self,
        source: Source,
        selection: Selection,
        queue: SimpleQueue[_Item],
        until: float,
        onward: threading.Event,
    ) -> None:
        self._source = source
        self._selection = selection
        self._queue = queue
        self._until = until
        self._onward = onward
        self._over = threading.Event()
        self._call: Call | None = None
        self._seen: dict[tuple[str, ...], Obj] = {}

    def start(self) -> None:
        """Start in the caller's context, so that its scope cancels this too."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), daemon=True).start()

    def stop(self) -> None:
        """End at once."""
        self._over.set()
        if self._call is not None:
            self._call.interrupt()

    def _run(self) -> None:
        try:
            version = self._list()
            self._queue.put(_Listed())
            self._onward.wait(max(0.0, self._until - time.monotonic()))
            while not self._ended() and version:
                version = self._go_on(version)
        except ShipwayError as error:
            if not self._over.is_set():
                self._queue.put(error)

    def _ended(self) -> bool:
        return self._over.is_set() or time.monotonic() >= self._until

    def _go_on(self, version: str) -> str:
        """Follow from ``version`` until the stream ends; return where to go on."""
        try:
            return self._stream(version)
        except ShipwayError as error:
            if error.id == "kube.gone":
                return self._list()
            if error.id not in {"kube.unreachable", "kube.busy", "kube.failed"}:
                raise
        self._over.wait(min(_PAUSE, max(0.0, self._until - time.monotonic())))
        scope.current().check()
        return version

    def _stream(self, version: str) -> str:
        left = max(0.0, self._until - time.monotonic())
        with self._source.stream(self._selection, version, left) as (call, lines):
            self._call = call
            if self._over.is_set():
                return version
            for line in lines:
                version = self._event(line) or version
        return version

    def _event(self, line: bytes) -> str:
        """Pass on one event; return its version.

        Raises:
            ShipwayError: ``kube.gone`` if the server cannot go on from here.
        """
        event = msgspec.json.decode(line)
        obj: Obj = event["object"]
        if event["type"] == "ERROR":
            raise _ended_by_server(obj)
        if event["type"] != "BOOKMARK":
            self._emit(ChangeType(event["type"]), obj)
        return str(obj["metadata"]["resourceVersion"])

    def _emit(self, kind: ChangeType, obj: Obj) -> None:
        key = ref_of(obj).identity
        if kind is ChangeType.DELETED:
            self._seen.pop(key, None)
        else:
            self._seen[key] = obj
        self._queue.put(Change(kind, obj, self._selection))

    def _list(self) -> str:
        """List, and pass on what differs from what was seen; return the version."""
        objects, version = self._source.page_through(self._selection)
        fresh = {ref_of(obj).identity: obj for obj in objects}
        for key in [key for key in self._seen if key not in fresh]:
            self._emit(ChangeType.DELETED, self._seen[key])
        for key, obj in fresh.items():
            before = self._seen.get(key)
            if before is None:
                self._emit(ChangeType.ADDED, obj)
            elif before["metadata"]["resourceVersion"] != obj["metadata"]["resourceVersion"]:
                self._emit(ChangeType.MODIFIED, obj)
        return version


def _ended_by_server(status: Obj) -> ShipwayError:
    from shipway.adapters.kube import failures  # noqa: PLC0415  only on this rare path

    return failures.refused(
        int(status.get("code") or 410),
        msgspec.json.encode({"kind": "Status", **status}),
        operation="watching",
        subject="",
    )
