"""The one place where an error becomes words and an exit code.

The entry point calls :func:`run`; nothing else in Shipway prints an error or ends the process.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from shipway import redaction, scope
from shipway.cli import faces
from shipway.cli import streams as streaming
from shipway.cli.options import ROADS, Comparing
from shipway.core.run import events
from shipway.core.run.events import fault_of
from shipway.errors import Failures, Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shipway.core.run.events import Event, Fault

PIPE = 141
"""Exit code where the reader of our output went away, as a shell reports SIGPIPE."""


def run(arguments: Sequence[str], roads: object = None) -> int:
    """Run the command line and return its exit code; ``roads`` stands in for wiring."""
    redaction.guard_tracebacks()
    from shipway.cli.app import app  # noqa: PLC0415  guarded from its first import on

    try:
        code = app.main(
            list(arguments), prog_name="shipway", standalone_mode=False, obj={ROADS: roads}
        )
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return _misused(error)
    except (click.Abort, KeyboardInterrupt):
        sys.stderr.write("stopped\n")
        return Kind.CANCELLED.value
    except BrokenPipeError:
        return _quiet()
    return code if isinstance(code, int) else 0


def _misused(error: click.ClickException) -> int:
    """Return the exit code of a usage error; 2 from ``diff`` would say that something departs."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    return 1 if context and isinstance(context.command, Comparing) else Kind.USAGE.value


def travel(
    road: Callable[[Callable[[Event], None]], Any],
    *,
    output: str,
    verbose: bool = False,
    streams: bool = False,
    compares: bool = False,
) -> int:
    """Call ``road`` with a face, show its answer or its error, and return the exit code.

    With ``streams`` its events hold lines for standard output. One that ``compares`` exits as
    ``diff`` does elsewhere: 0 without changes, 2 with any, 1 where it failed.
    Ctrl-C cancels everything the road started; the process is free again within a second.
    """
    face = (streaming if streams else faces).choose(output, verbose=verbose)
    try:
        with scope.open() as inside, scope.interruptible(inside):
            result = road(_guarded(face))
    except BrokenPipeError:
        return _quiet()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  this is the boundary
        if isinstance(error, Failures) and _unread(error):
            return _quiet()
        face.close()
        return _failed(error, output=output, verbose=verbose, compares=compares)
    face.close()
    try:
        return _answered(result, output=output, compares=compares)
    except BrokenPipeError:
        return _quiet()


def _unread(error: Failures) -> bool:
    """Return whether all that failed is that nobody reads our output."""
    return all(isinstance(one, BrokenPipeError) for one in error.failures)


def _guarded(face: faces.Face) -> Callable[[Event], None]:
    """Return ``face`` behind the mask; what cannot be masked is not shown."""

    def emit(event: Event) -> None:
        line = events.line(event)
        masked = redaction.data(line)
        if masked == line:
            face(event)
        else:
            with contextlib.suppress(ShipwayError):
                face(events.parse(masked))

    return emit


def _answered(result: Any, *, output: str, compares: bool) -> int:  # noqa: ANN401  every road has its own answer
    kind = getattr(result, "exit_kind", None)
    code = kind.value if isinstance(kind, Kind) else 0
    if compares:
        code = 2 if result.changed else 0
    if output == "json":
        _last({"event": "result", "exit": code, "value": result})
    else:
        for text in faces.lines_of(result):
            sys.stdout.write(faces.clean(redaction.text(text)) + "\n")
    sys.stdout.flush()
    return code


def _failed(error: BaseException, *, output: str, verbose: bool, compares: bool) -> int:
    fault = fault_of(error)
    code = Kind[fault.kind.upper()].value
    if compares and code != Kind.CANCELLED.value:
        code = 1
    if output == "json":
        _last({"event": "result", "exit": code, "fault": fault})
        return code
    for text in told(fault):
        sys.stderr.write(faces.clean(redaction.text(text)) + "\n")
    if verbose or fault.kind == Kind.INTERNAL.name.lower():
        sys.excepthook(type(error), error, error.__traceback__)
    return code


def told(fault: Fault) -> Iterator[str]:
    """Yield what failed, on what, why, what to do next, and where to read more."""
    if fault.parts:
        yield f"error: {fault.message}"
        for part in fault.parts:
            yield from told(part)
        return
    if fault.kind == "cancelled":
        yield "stopped"
        return
    head = " ".join(part for part in (fault.operation, fault.subject) if part)
    yield f"error: {head}: {fault.message}" if head else f"error: {fault.message}"
    news = [cause for cause in fault.causes if not cause.endswith(fault.message)]
    yield from (f"  why:  {cause}" for cause in news[:3])
    yield from (f"  next: {text}" for text in fault.hint.splitlines())
    yield f"  more: shipway explain {fault.id}"


def _last(answer: dict[str, object]) -> None:
    """Write the last line of NDJSON, masked."""
    line = msgspec.json.encode(answer, enc_hook=str)
    sys.stdout.write(redaction.data(line).decode() + "\n")


def _quiet() -> int:
    """Leave without a word: nobody reads it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return PIPE
