"""One run of a road: its events, its notes, its cache.

Roads open a :class:`Run` and take every step through :meth:`Run.step`; what leaves here is masked
first. Stages know nothing of this module, and faces only see the events. It makes no decision
about what a step's answer means.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Self, TypeVar

import msgspec

from shipway import __version__, redaction, scope
from shipway.core.oci.descriptor import Descriptor
from shipway.core.oci.digest import Digest, of
from shipway.core.oci.image import Layer
from shipway.core.run import events
from shipway.core.run.note import Note, canonical, closed, digests, interrupted
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from shipway.core.ports.cache import StageCache
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.journal import Journal, Runs
    from shipway.core.run.events import Unit

R = TypeVar("R")

CACHED = frozenset({"test", "build", "image", "sbom", "render"})
"""The stages that make something; all others look at the world every time."""


class Run:
    """A road on its way; use it as a context manager.

    Attributes:
        id: Sorts by time, as ``20261124T235900Z-1f3a5c``.
        trace: W3C trace id, 32 hex digits.
    """

    def __init__(
        self,
        road: str,
        *,
        runs: Runs,
        clock: Clock,
        emit: Callable[[events.Event], None],
        cache: StageCache | None = None,
        subject: str = "",
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.road = road
        self.subject = subject
        self.trace = entropy(16).hex()
        self.id = f"{_stamp(clock.now())}-{self.trace[:6]}"
        self._runs = runs
        self._clock = clock
        self._emit = emit
        self._cache = cache
        self._journal: Journal
        self._lock = threading.RLock()
        self._notes: dict[int, Note] = {}
        self._count = 0
        self._began = clock.monotonic()

    @property
    def notes(self) -> tuple[Note, ...]:
        """Return the notes of this run so far, in the order in which their steps began."""
        with self._lock:
            return tuple(self._notes[number] for number in sorted(self._notes))

    def step(
        self,
        stage: Callable[..., R],
        unit: Unit,
        request: msgspec.Struct,
        *,
        returns: type[R] | None = None,
        inputs: object = None,
        after: Callable[[], object] | None = None,
        fresh: Callable[[R], bool] | None = None,
        summary: Callable[[R], str] | None = None,
        missed: Callable[[], None] | None = None,
        **ports: Any,  # noqa: ANN401  each stage names its own
    ) -> R:
        """Run ``stage(request, **ports)``, note how it ends, and return its result.

        With ``returns`` (the type of the result; only for stages that make something) an earlier
        result for the same request and ``inputs`` is taken instead, if ``fresh`` accepts it and
        the content it names is present. ``inputs`` may be a function: it is asked before the
        stage, and again after it for the key under which the result is kept, since only then is
        it known what was read; its answer ``None`` says that nothing can be told. ``after`` is
        asked in its place then, by stages that can tell whether that is still so. A result whose
        attribute ``refused`` is true is noted as refused, and returned like any other.

        ``missed`` is called right before the stage really runs.

        Raises:
            ShipwayError: whatever the stage raises; ``run.cancelled``.
        """
        scope.current().check()
        name = stage.__module__.rpartition(".")[2]
        asked = canonical(request)
        note = self._begin(name, unit, asked, _version_of(stage))
        began = self._clock.monotonic()
        keyed = returns is not None and name in CACHED
        try:
            key = _key(note, asked, inputs) if keyed else None
            result = self._recall(key, returns, fresh, ports) if key and returns else None
            cached = result is not None
            if result is None:
                if missed:
                    missed()
                result = stage(request, **ports)
                later = after or inputs
                key = _key(note, asked, later) if keyed and callable(later) else key
        except BaseException as error:
            fault = events.fault_of(error)
            self._end(note, began, fault=fault)
            raise
        self._keep(note, began, result, key=key, cached=cached, summary=summary)
        return result

    def progress(
        self,
        step: str,
        unit: Unit,
        done: int,
        total: int = 0,
        *,
        of: str = "",
        what: str = "",
    ) -> None:
        """Say how far a step is."""
        self._say(events.Progress, step=step, unit=unit, done=done, total=total, of=of, what=what)

    def line(self, step: str, unit: Unit, text: str) -> None:
        """Pass on a line that a program of a step wrote."""
        self._say(events.Line, step=step, unit=unit, text=text)

    def lines(self, step: str, unit: Unit) -> Callable[[str], None]:
        """Return what takes the lines of one step, to be given to a stage as ``on_line``."""
        return lambda text: self.line(step, unit, text)

    def remark(self, text: str, *, fix: str = "", loud: bool = False) -> None:
        """Say something a person should know, and the line or command that settles it."""
        self._say(events.Remark, text=text, fix=fix, loud=loud)

    def fact(self, name: str, value: str) -> None:
        """Say what the run brought about: ``url``, ``image``, ``key``..."""
        self._say(events.Fact, name=name, value=value)

    def sync(self) -> None:
        """Return when all notes so far survive a loss of power; before a link leaves."""
        self._journal.sync()

    def syncing(self) -> Callable[[], None]:
        """Begin :meth:`sync` beside other work, and return what waits for its end."""
        return scope.spawn(self.sync).join

    def __enter__(self) -> Self:
        """Open the journal, close what killed processes left, and say that the road sets out."""
        self._journal = self._runs.open(self.id)
        for note, journal in self._runs.abandoned():
            journal.write(interrupted(note, at=self._clock.now()))
        self._say(events.RunStarted, road=self.road, version=__version__, subject=self.subject)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say how it ended and close the journal."""
        fault = None if error is None else events.fault_of(error)
        seconds = self._clock.monotonic() - self._began
        self._say(events.RunFinished, result=events.result_of(fault), seconds=seconds, fault=fault)
        self._journal.close()

    def _begin(self, step: str, unit: Unit, asked: bytes, version: str) -> Note:
        """Write the begun note and say that the step has started."""
        with self._lock:
            self._count += 1
            number = self._count
        note = Note(
            run=self.id,
            trace=self.trace,
            number=number,
            step=step,
            unit=unit,
            version=version,
            began=self._clock.now(),
            request=of(asked),
            inputs=digests(asked),
        )
        self._write(note)
        self._say(events.StepStarted, step=step, unit=unit)
        return note

    def _keep(
        self,
        note: Note,
        began: float,
        result: R,
        *,
        key: Digest | None,
        cached: bool,
        summary: Callable[[R], str] | None,
    ) -> None:
        """Note a result, and remember it for the next run where it was a success."""
        data = canonical(result)
        refused = _is_refusal(result)
        if key and self._cache and not cached and not refused and redaction.data(data) == data:
            self._cache.put(key, data)
        text = summary(result) if summary else ""
        state = events.REFUSED if refused else events.PASSED
        self._end(note, began, result=data, state=state, cached=cached, summary=text)

    def _end(
        self,
        note: Note,
        began: float,
        *,
        result: bytes = b"",
        state: str = "",
        cached: bool = False,
        summary: str = "",
        fault: events.Fault | None = None,
    ) -> None:
        """Replace the begun note and say how the step ended."""
        seconds = self._clock.monotonic() - began
        ended = closed(
            note, at=self._clock.now(), result=result, fault=fault, state=state, cached=cached
        )
        self._write(ended)
        self._say(
            events.StepFinished,
            step=note.step,
            unit=note.unit,
            result=ended.state,
            seconds=seconds,
            cached=cached,
            summary=summary,
            fault=fault,
        )

    def _write(self, note: Note) -> None:
        with self._lock:
            self._notes[note.number] = note
        self._journal.write(note)

    def _recall(
        self,
        key: Digest,
        returns: type[R],
        fresh: Callable[[R], bool] | None,
        ports: dict[str, Any],
    ) -> R | None:
        """Return the result of an earlier run, if it still stands."""
        data = self._cache.get(key) if self._cache else None
        if data is None:
            return None
        try:
            result = msgspec.json.decode(data, type=returns)
        except msgspec.DecodeError:
            return None
        content = ports.get("content")
        if content and not all(content.has(digest) for digest in contents(result)):
            return None
        return result if fresh is None or fresh(result) else None

    def _say(self, kind: type[events.Event], **fields: Any) -> None:  # noqa: ANN401
        """Mask an event, append it to the journal and hand it on; one thread at a time."""
        event = kind(run=self.id, trace=self.trace, at=self._clock.now(), **fields)
        line = events.line(event)
        masked = redaction.data(line)
        if masked != line:
            event, line = self._masked(masked)
        with self._lock:
            self._journal.append(line)
            self._emit(event)

    def _masked(self, line: bytes) -> tuple[events.Event, bytes]:
        """Return the event that a masked line still is; where it is none, say just that."""
        try:
            return events.parse(line), line
        except ShipwayError:
            text = "an event was withheld: it could not be masked"
            event = events.Remark(run=self.id, trace=self.trace, at=self._clock.now(), text=text)
            return event, events.line(event)


def contents(value: object) -> Iterator[Digest]:
    """Yield the digests of stored bytes that a result names: descriptors and layers."""
    if isinstance(value, Descriptor):
        yield value.digest
    elif isinstance(value, Layer):
        yield value.diff_id
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from contents(getattr(value, field))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from contents(part)
    elif isinstance(value, dict):
        yield from contents(tuple(value.values()))


def _key(note: Note, asked: bytes, inputs: object) -> Digest | None:
    """Return the cache key of a step: who makes it, what was asked, what it would read."""
    read = inputs() if callable(inputs) else inputs
    if read is None and callable(inputs):
        return None
    return of(b"\n".join((note.step.encode(), note.version.encode(), asked, canonical(read))))


def _is_refusal(result: object) -> bool:
    return bool(getattr(result, "refused", False)) or getattr(result, "passed", True) is False


def _version_of(stage: Callable[..., object]) -> str:
    """Return Shipway's version and the stage's, which its module raises with its behaviour."""
    return f"{__version__}/{getattr(stage, '__globals__', {}).get('VERSION', 1)}"


def _stamp(seconds: float) -> str:
    """Return seconds since the epoch in the form ``20261124T235900Z``."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
