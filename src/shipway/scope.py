"""Threads in one scope: work side by side, deadlines, and a Ctrl-C that is prompt.

All of Shipway is synchronous; whoever wants two things at once uses :func:`each` or :func:`spawn`
here, with :class:`Lanes` for what may not crowd, and nothing else. Every hand that blocks registers
how to interrupt itself with :meth:`Scope.on_cancel` (kill the process group, shut the socket down,
set the event). Anyone but core may import this module; it imports only errors, and never decides
what a failure means.
"""

from __future__ import annotations

import contextlib
import contextvars
import signal
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from shipway.errors import Failures, Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType, TracebackType

T = TypeVar("T")
R = TypeVar("R")

PATIENCE = 0.4
"""Seconds that a cancelled scope waits for its threads before it leaves them behind."""

GRACE = 0.7
"""Seconds that a cancelled main thread has before KeyboardInterrupt is raised in it."""


class _Interrupt:
    """One registered way to interrupt a blocking call; never runs once its block was left."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._lock = threading.RLock()
        self._armed = True

    def fire(self) -> None:
        """Call it, at most once; what it raises is of no use to anyone and is dropped."""
        with self._lock:
            if self._armed:
                self._armed = False
                with contextlib.suppress(Exception):
                    self._call()

    def disarm(self) -> None:
        """Return when it neither runs nor ever will."""
        with self._lock:
            self._armed = False


class Scope:
    """A span of work that ends together; as a context manager it becomes the current one.

    Leaving it joins what was spawned in it (after cancelling, when an exception leaves).

    Attributes:
        deadline: On the monotonic clock, seconds; none without one.
        cause: Why it was cancelled: ``""`` while it was not, ``cancelled`` or ``deadline``.
    """

    def __init__(self, *, seconds: float | None = None, parent: Scope | None = None) -> None:
        mine = None if seconds is None else time.monotonic() + seconds
        limits = [at for at in (mine, parent.deadline if parent else None) if at is not None]
        self.deadline: float | None = min(limits, default=None)
        self.cause = ""
        self._parent = parent
        self._own = seconds is not None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._interrupts: list[_Interrupt] = []
        self._tasks: list[Task[object]] = []
        self._leave = contextlib.ExitStack()

    @property
    def cancelled(self) -> bool:
        """Return whether it was cancelled or its deadline has passed."""
        if not self.cause and self.deadline is not None and time.monotonic() >= self.deadline:
            self.cancel("deadline")
        return bool(self.cause)

    def check(self) -> None:
        """Do nothing while work may go on.

        Raises:
            ShipwayError: ``run.cancelled`` or ``run.deadline``.
        """
        if self.cancelled:
            raise _stopped(self.cause)

    def remaining(self, most: float | None = None) -> float | None:
        """Return the seconds left to the deadline, at most ``most``; none where neither is set."""
        left = None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
        return min((at for at in (left, most) if at is not None), default=None)

    def wait(self, seconds: float) -> None:
        """Wait ``seconds``, or raise ``run.cancelled`` as soon as the scope is cancelled."""
        self._over.wait(self.remaining(seconds))
        self.check()

    def cancel(self, cause: str = "cancelled") -> None:
        """Stop everything in this scope: each registered interrupt runs, newest first."""
        with self._lock:
            if self.cause:
                return
            self.cause = cause
            waiting = self._interrupts[::-1]
        self._over.set()
        for interrupt in waiting:
            interrupt.fire()

    @contextlib.contextmanager
    def on_cancel(self, call: Callable[[], object]) -> Iterator[None]:
        """Have ``call`` run (in another thread, at most once) if cancelled within the block.

        It must be quick. Registered on a scope that is cancelled already, it runs at once.
        """
        interrupt = _Interrupt(call)
        with self._lock:
            late = bool(self.cause)
            self._interrupts.append(interrupt)
        try:
            if late:
                interrupt.fire()
            yield
        finally:
            interrupt.disarm()
            with self._lock:
                self._interrupts.remove(interrupt)

    def spawn(self, fn: Callable[..., R], *args: object) -> Task[R]:
        """Start ``fn(*args)`` in a thread of its own and return at once.

        One that has ended well is forgotten; a scope may live long.
        """
        self.check()
        task: Task[R] = Task(self, fn, args)
        with self._lock:
            self._tasks = [one for one in self._tasks if not one.done or one.unseen]
            self._tasks.append(task)  # type: ignore[arg-type]  # read as object only
        task.start()
        return task

    def each(self, fn: Callable[[T], R], items: Iterable[T], limit: int = 8) -> list[R]:
        """Return ``fn`` of every item, in their order, at most ``limit`` at a time.

        After a failure nothing new starts; what runs may end, so that failures arrive together.

        Raises:
            ShipwayError: the one failure, or :class:`~shipway.errors.Failures` with several.
        """
        work = list(items)
        if limit <= 1 or len(work) <= 1:
            return [_checked(self, fn, item) for item in work]
        with Scope(parent=self) as inside:
            queue = _Queue(fn, work)
            for _ in range(min(limit, len(work))):
                inside.spawn(queue.drain)
        return queue.results()

    def __enter__(self) -> Self:
        """Become the current scope."""
        if self._parent is not None:
            parent = self._parent
            self._leave.enter_context(parent.on_cancel(lambda: self.cancel(parent.cause)))
        if self._own and self.deadline is not None:
            timer = threading.Timer(self.deadline - time.monotonic(), self.cancel, ["deadline"])
            timer.daemon = True
            timer.start()
            self._leave.callback(timer.cancel)
        token = _current.set(self)
        self._leave.callback(_current.reset, token)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Join what was spawned, and let go of the parent."""
        with self._leave:
            if error is not None:
                self.cancel()
            try:
                settled = self._settle()
            except BaseException:
                self.cancel()
                raise
            if error is None:
                fail_together([task.unseen for task in self._tasks])
                if not settled:
                    self.check()

    def _settle(self) -> bool:
        """Wait for all tasks, once cancelled 0.4 s more; return whether all have ended."""
        settled: set[Task[object]] = set()
        while waiting := [task for task in self._tasks if task not in settled]:
            for task in waiting:  # they may spawn others
                task.settle()
            settled.update(waiting)
        until = time.monotonic() + PATIENCE
        return all([task.wait(until - time.monotonic()) for task in self._tasks])  # noqa: C419  wait for each


class Task(Generic[R]):
    """One function that runs beside; made by :func:`spawn`."""

    def __init__(self, scope: Scope, fn: Callable[..., R], args: tuple[object, ...]) -> None:
        self._scope = scope
        self._fn = fn
        self._args = args
        self._result: R
        self._error: BaseException | None = None
        self._seen = False
        self._ended = False
        self._change = threading.Condition()

    @property
    def done(self) -> bool:
        """Return whether it has ended, well or not."""
        return self._ended

    @property
    def unseen(self) -> BaseException | None:
        """Return the failure that nobody has joined."""
        return None if self._seen else self._error

    def start(self) -> None:
        """Run in a thread that carries the starter's context; only its scope calls this."""
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run,), daemon=True).start()

    def settle(self) -> None:
        """Return once it has ended or its scope is cancelled."""
        self._await(self._scope)

    def wait(self, seconds: float) -> bool:
        """Wait at most ``seconds``, cancelled or not; return whether it has ended."""
        with self._change:
            return self._change.wait_for(lambda: self._ended, max(0.0, seconds))

    def join(self) -> R:
        """Wait for its end and return its result, or raise what it raised.

        Raises:
            ShipwayError: ``run.cancelled`` where the waiting scope is cancelled first.
        """
        waiting = current()
        self._await(waiting)
        if not self._ended:
            waiting.check()
        self._seen = True
        if self._error is not None:
            raise self._error
        return self._result

    def _await(self, waiting: Scope) -> None:
        """Return once it has ended or ``waiting`` is cancelled."""
        with waiting.on_cancel(self._wake), self._change:
            self._change.wait_for(lambda: self._ended or waiting.cause)

    def _wake(self) -> None:
        with self._change:
            self._change.notify_all()

    def _run(self) -> None:
        token = _current.set(self._scope)
        try:
            self._result = self._fn(*self._args)
        except BaseException as error:  # noqa: BLE001  it is raised again where it is joined
            self._error = error
        finally:
            _current.reset(token)
            with self._change:
                self._ended = True
                self._change.notify_all()


class _Queue(Generic[T, R]):
    """Items that several threads take in turn; no more are given out after a failure."""

    def __init__(self, fn: Callable[[T], R], items: list[T]) -> None:
        self._fn = fn
        self._todo = list(enumerate(items))[::-1]
        self._done: dict[int, R] = {}
        self._failed: dict[int, BaseException] = {}
        self._lock = threading.Lock()

    def drain(self) -> None:
        """Work until nothing is left."""
        while (entry := self._next()) is not None:
            place, item = entry
            try:
                self._done[place] = _checked(current(), self._fn, item)
            except BaseException as error:  # noqa: BLE001  raised together in results()
                self._failed[place] = error

    def results(self) -> list[R]:
        """Return all results in order, or raise all failures together."""
        fail_together([self._failed[place] for place in sorted(self._failed)])
        return [self._done[place] for place in sorted(self._done)]

    def _next(self) -> tuple[int, T] | None:
        with self._lock:
            return None if self._failed or not self._todo else self._todo.pop()


class Lanes:
    """Room for a few blocks at a time, whichever threads they are in; others wait their turn."""

    def __init__(self, most: int) -> None:
        self._free = max(1, most)
        self._change = threading.Condition()

    @contextlib.contextmanager
    def lane(self) -> Iterator[None]:
        """Hold one place while in the block.

        Raises:
            ShipwayError: ``run.cancelled`` where the scope is cancelled before there is room.
        """
        here = current()
        with here.on_cancel(self._wake), self._change:
            self._change.wait_for(lambda: self._free or here.cause)
            here.check()
            self._free -= 1
        try:
            yield
        finally:
            with self._change:
                self._free += 1
                self._change.notify()

    def _wake(self) -> None:
        with self._change:
            self._change.notify_all()


_root = Scope()
_current: contextvars.ContextVar[Scope] = contextvars.ContextVar("scope", default=_root)


def current() -> Scope:
    """Return the scope of this thread; outside of any, one that nobody cancels."""
    return _current.get()


def open(*, seconds: float | None = None) -> Scope:  # noqa: A001  read as scope.open
    """Return a scope inside the current one, with ``seconds`` to live where given."""
    return Scope(seconds=seconds, parent=current())


def each(fn: Callable[[T], R], items: Iterable[T], limit: int = 8) -> list[R]:
    """Return ``fn`` of every item in order, in the current scope (see :meth:`Scope.each`)."""
    return current().each(fn, items, limit)


def spawn(fn: Callable[..., R], *args: object) -> Task[R]:
    """Start ``fn(*args)`` beside, in the current scope (see :meth:`Scope.spawn`)."""
    return current().spawn(fn, *args)


def fail_together(errors: Iterable[BaseException | None]) -> None:
    """Raise what failed: nothing, the one error, or several as one.

    Cancellations are dropped where there is a reason for them among the others; one error that
    several threads have met is told once.
    """
    real = list(dict.fromkeys(error for error in errors if error is not None))
    causes = [error for error in real if not _is_stop(error)] or real[:1]
    if len(causes) == 1:
        raise causes[0]
    if causes:
        raise Failures(tuple(causes))


@contextlib.contextmanager
def interruptible(scope: Scope) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM cancel ``scope`` while in the block (main thread only).

    A second signal, or 0.7 s without an end, raises KeyboardInterrupt in the main thread.
    """
    arrived: SimpleQueue[bool] = SimpleQueue()  # its put() may be called from a signal handler

    def handle(_number: int, _frame: FrameType | None) -> None:
        if scope.cause:
            raise KeyboardInterrupt
        arrived.put(True)

    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(scope, arrived, over), daemon=True)
    watcher.start()
    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        over.set()
        arrived.put(False)
        for number, previous in before.items():
            signal.signal(number, previous)


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _watch(scope: Scope, arrived: SimpleQueue[bool], over: threading.Event) -> None:
    """Cancel on the first signal, then insist."""
    if arrived.get():
        scope.cancel()
        if not over.wait(GRACE):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _checked(scope: Scope, fn: Callable[[T], R], item: T) -> R:
    scope.check()
    return fn(item)


def _is_stop(error: BaseException) -> bool:
    return isinstance(error, ShipwayError) and error.id in {"run.cancelled", "run.deadline"}


def _stopped(cause: str) -> ShipwayError:
    if cause == "deadline":
        return ShipwayError("run.deadline", Kind.TRANSIENT, "its time is over")
    return ShipwayError("run.cancelled", Kind.CANCELLED, "stopped on request")
