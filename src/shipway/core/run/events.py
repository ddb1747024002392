"""What a run says while it goes: frozen events, one JSON object a line.

Every face, the journal and later the spans of a trace are made of these and nothing else. Roads
and steps make them through :mod:`shipway.run`; readers decode them with :func:`parse`. An event
carries no secret (the writer masks it) and needs no other event to be understood.
"""

from __future__ import annotations

from collections.abc import Iterable  # noqa: TC003  msgspec reads types

import msgspec

from shipway.core.run import machine
from shipway.errors import Failures, Kind, ShipwayError

PASSED = "passed"
REFUSED = "refused"
FAILED = "failed"
CANCELLED = "cancelled"
INTERRUPTED = "interrupted"
BEGUN = "begun"


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a step is about: a service, a platform, a target; empty parts do not apply."""

    service: str = ""
    platform: str = ""
    target: str = ""

    def __str__(self) -> str:
        """Return the parts that apply, as ``web linux/amd64``."""
        return " ".join(part for part in (self.service, self.platform, self.target) if part)


class Fault(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error as it is recorded and shown; ``kind`` is the name of its kind, lower case."""

    id: str
    kind: str
    message: str
    operation: str = ""
    subject: str = ""
    hint: str = ""
    causes: tuple[str, ...] = ()
    """What lay under it, outermost first."""
    parts: tuple[Fault, ...] = ()
    """The single failures where several arrived together."""


class Event(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event", tag=str.lower
):
    """What every event carries: run id, W3C trace id (32 hex digits), seconds since the epoch."""

    run: str
    trace: str
    at: float


class RunStarted(Event, frozen=True, kw_only=True, tag="run.started"):
    """A road sets out."""

    road: str
    version: str
    subject: str = ""
    """What it is about, as the person named it."""


class StepStarted(Event, frozen=True, kw_only=True, tag="step.started"):
    """A stage is about to run or to be looked up."""

    step: str
    unit: Unit = Unit()


class Progress(Event, frozen=True, kw_only=True, tag="step.progress"):
    """How far a step is, in ``of`` (bytes, pods, modules...); ``total`` 0 means unknown."""

    step: str
    unit: Unit = Unit()
    done: int = 0
    total: int = 0
    of: str = ""
    what: str = ""


class Line(Event, frozen=True, kw_only=True, tag="step.line"):
    """One line that a program of a step wrote."""

    step: str
    unit: Unit = Unit()
    text: str


class StepFinished(Event, frozen=True, kw_only=True, tag="step.finished"):
    """A step has ended, however it did."""

    step: str
    unit: Unit = Unit()
    result: str
    seconds: float
    cached: bool = False
    summary: str = ""
    fault: Fault | None = None


class Remark(Event, frozen=True, kw_only=True, tag="remark"):
    """Something a person should know; ``fix`` is the line or command that settles it."""

    text: str
    loud: bool = False
    fix: str = ""


class Fact(Event, frozen=True, kw_only=True, tag="fact"):
    """Something the run brought about: ``url``, ``image``, ``key``, ``release``..."""

    name: str
    value: str


class LogLine(Event, frozen=True, kw_only=True, tag="log"):
    """One line that a container of a pod wrote, at ``at``; it is of no run."""

    namespace: str
    pod: str
    container: str
    text: str


class RunFinished(Event, frozen=True, kw_only=True, tag="run.finished"):
    """The road has ended; nothing of this run follows."""

    result: str
    seconds: float
    fault: Fault | None = None


AnyEvent = (
    RunStarted
    | StepStarted
    | Progress
    | Line
    | StepFinished
    | Remark
    | Fact
    | LogLine
    | RunFinished
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


def line(event: Event) -> bytes:
    """Return ``event`` as one line of JSON, newline included."""
    return _encoder.encode(event) + b"\n"


def parse(text: bytes) -> AnyEvent:
    """Return the event that one line of JSON holds.

    Raises:
        ShipwayError: ``run.journal`` (integrity) if it holds none.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ShipwayError(
            "run.journal", Kind.INTEGRITY, f"not an event: {error}", operation="reading a journal"
        ) from error


def parse_all(data: bytes) -> tuple[AnyEvent, ...]:
    """Return the events of a journal; a torn last line, without its newline, is dropped."""
    whole, _, _ = data.rpartition(b"\n")
    return tuple(parse(text) for text in whole.splitlines() if text)


def fault_of(error: BaseException) -> Fault:
    """Return ``error`` as it is recorded; of a foreign one only its type and its text.

    What the machine lacks is told as that, whoever met it.
    """
    if isinstance(error, Failures):
        parts = tuple(fault_of(failure) for failure in error.failures)
        return Fault(error.id, error.kind.name.lower(), error.message, parts=parts)
    if (lack := machine.lack(error)) is not None:
        subject = lack.subject or getattr(error, "subject", "")
        operation = getattr(error, "operation", "") or ("using" if subject else "")
        return Fault(
            lack.id, "missing", lack.message, operation=operation, subject=subject, hint=lack.hint
        )
    if isinstance(error, ShipwayError):
        return Fault(
            id=error.id,
            kind=error.kind.name.lower(),
            message=error.message,
            operation=error.operation,
            subject=error.subject,
            hint=error.hint,
            causes=tuple(_causes(error)),
        )
    if isinstance(error, KeyboardInterrupt):
        return Fault("run.cancelled", "cancelled", "stopped on request")
    return Fault("run.defect", "internal", f"{type(error).__name__}: {error}")


def result_of(fault: Fault | None) -> str:
    """Return how a step or run ended that had this fault, or none."""
    if fault is None:
        return PASSED
    return {"cancelled": CANCELLED, "rejected": REFUSED}.get(fault.kind, FAILED)


def _causes(error: BaseException) -> Iterable[str]:
    while (cause := error.__cause__) is not None:
        yield (
            f"{type(cause).__name__}: {cause}"
            if not isinstance(cause, ShipwayError)
            else str(cause)
        )
        error = cause
