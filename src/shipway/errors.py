"""What can go wrong, in one closed list of kinds.

Anyone may import this module; it imports nothing of Shipway. An error says what failed
(``operation``), on what (``subject``), why (the message and ``__cause__``) and what to do next
(``hint``). Foreign exceptions end in adapters; only a face turns a kind into an exit code.
"""

from __future__ import annotations

import enum
from typing import Any


class Kind(enum.Enum):
    """The closed list of kinds; its value is the process exit code that faces use."""

    USAGE = 2
    """The caller asked for something that has no meaning."""
    TESTS = 3
    """Everything serves, but tests that ran beside did not pass."""
    CONFIG = 4
    """A file that a person wrote is wrong."""
    MISSING = 5
    """A program, right or resource of this machine is not there."""
    NOT_FOUND = 6
    """The named thing does not exist."""
    DENIED = 7
    """The other side refused who we are."""
    TRANSIENT = 8
    """It may go through later."""
    REJECTED = 9
    """A gate said no."""
    INTEGRITY = 10
    """Bytes are not what their digest or signature says."""
    CONFLICT = 11
    """Somebody else changed the same thing."""
    INTERNAL = 12
    """A defect of Shipway."""
    CANCELLED = 130
    """The caller stopped it (Ctrl-C, SIGTERM)."""


class ShipwayError(Exception):
    """One thing that failed.

    Attributes:
        id: Stable, dotted lower case (``registry.denied``); ``explain/ID.md`` has its page.
        kind: One of the closed list.
        operation: What was tried, as a gerund phrase (``pushing a blob``).
        subject: On what (a reference, path or name); never a secret.
        hint: The next step for a person, a command where there is one.
        delay: For ``TRANSIENT``, seconds after which a repeat may be tried.
    """

    def __init__(
        self,
        id: str,  # noqa: A002  the field's own name
        kind: Kind,
        message: str,
        *,
        operation: str = "",
        subject: str = "",
        hint: str = "",
        delay: float | None = None,
    ) -> None:
        super().__init__(message)
        self.id = id
        self.kind = kind
        self.message = message
        self.operation = operation
        self.subject = subject
        self.hint = hint
        self.delay = delay

    def __str__(self) -> str:
        """Return one line: operation, subject and reason."""
        head = " ".join(part for part in (self.operation, self.subject) if part)
        return f"{head}: {self.message}" if head else self.message

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a process boundary."""
        fields = (self.id, self.kind, self.message, self.operation, self.subject, self.hint)
        return (_rebuild, (*fields, self.delay))


class Failures(ShipwayError):  # noqa: N818  it is many
    """Several things that failed side by side; they arrive together.

    Attributes:
        failures: What failed, in the order of the items that were worked on.
    """

    def __init__(self, failures: tuple[BaseException, ...]) -> None:
        first = failures[0]
        kind = first.kind if isinstance(first, ShipwayError) else Kind.INTERNAL
        super().__init__("run.several", kind, f"{len(failures)} things failed")
        self.failures = failures
        self.__cause__ = first

    def __str__(self) -> str:
        """Return one line for each failure."""
        return "\n".join(str(failure) for failure in self.failures)

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a process boundary."""
        return (Failures, (self.failures,))


def each(error: BaseException) -> tuple[BaseException, ...]:
    """Return what arrived as one error: its failures, theirs too, or it alone."""
    if not isinstance(error, Failures):
        return (error,)
    return tuple(one for failure in error.failures for one in each(failure))


def _rebuild(*fields: Any) -> ShipwayError:  # noqa: ANN401  as reduced
    id_, kind, message, operation, subject, hint, delay = fields
    return ShipwayError(
        id_, kind, message, operation=operation, subject=subject, hint=hint, delay=delay
    )
