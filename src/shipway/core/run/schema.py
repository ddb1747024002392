"""The JSON Schema of ``--output json``: every line that a command writes keeps to it.

Generated from the events themselves, shipped as ``events.schema.json`` beside this module and
published in ``docs/``; a test compares the three, others hold real runs against it. Later versions
add events and members, and change or remove none: readers skip what they do not know.
"""

from __future__ import annotations

from typing import Any

import msgspec

from shipway.core.run.events import AnyEvent, Fault

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class Result(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="event", tag="result"):
    """The last line: how the command ended."""

    exit: int
    """The exit code."""
    value: Any = None
    """The answer, as the command's own page describes it."""
    fault: Fault | None = None
    """Why there is none."""


def document() -> bytes:
    """Return the schema of one line, as it is shipped."""
    found = msgspec.json.schema(AnyEvent | Result)
    head = {"$schema": DIALECT, "title": "One line of shipway --output json"}
    return msgspec.json.format(msgspec.json.encode({**head, **found}), indent=2) + b"\n"
