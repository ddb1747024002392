"""What one check of this machine and project found; ``doctor`` is made of these."""

from __future__ import annotations

import enum

import msgspec


class State(enum.Enum):
    """How a thing is."""

    GOOD = "ok"
    WORTH_KNOWING = "note"
    """Nothing is broken; something could be better, or is not there yet."""
    BROKEN = "failed"
    UNKNOWN = "unknown"
    """It could not be looked at."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing, how it is, what shows it, and the command that settles it."""

    name: str
    state: State
    evidence: str
    fix: str = ""
    """A command, or the line to change; empty where there is nothing to do."""


def good(name: str, evidence: str) -> Finding:
    """Return that all is well."""
    return Finding(name=name, state=State.GOOD, evidence=evidence)


def note(name: str, evidence: str, fix: str) -> Finding:
    """Return something worth knowing."""
    return Finding(name=name, state=State.WORTH_KNOWING, evidence=evidence, fix=fix)


def broken(name: str, evidence: str, fix: str) -> Finding:
    """Return that it does not work."""
    return Finding(name=name, state=State.BROKEN, evidence=evidence, fix=fix)


def unknown(name: str, evidence: str) -> Finding:
    """Return that nothing can be said."""
    return Finding(name=name, state=State.UNKNOWN, evidence=evidence)
