"""What an envelope says, and whether that is about the artifact asked about (in-toto, spec/v1)."""

from __future__ import annotations

import msgspec

from shipway.core.evidence.statement import V01, V1, plain
from shipway.core.sigstore.artifact import KNOWN, Artifact
from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError

_ID = "statement.invalid"
_SUBJECT = "a statement"
_LIMIT = 32 << 20


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as far as it is judged here; its predicate may be anything."""

    predicate_type: str
    subjects: tuple[dict[str, str], ...]
    """Digests in hex by algorithm."""


class _Subject(msgspec.Struct, frozen=True):
    digest: dict[str, str] = {}


class _Statement(
    msgspec.Struct, frozen=True, rename={"type": "_type", "predicate_type": "predicateType"}
):
    type: str
    predicate_type: str
    subject: tuple[_Subject, ...]


def read(payload: bytes) -> Said:
    """Return what a payload says; versions 0.1 and 1 of statements are read.

    Raises:
        ShipwayError: ``statement.invalid`` (integrity) if it is none, or means several things.
    """
    found = decode(
        plain(payload, limit=_LIMIT), _Statement, error=_ID, subject=_SUBJECT, limit=_LIMIT
    )
    if found.type not in {V1, V01}:
        raise _refused(f"its _type is {found.type[:80]!r}")
    return Said(
        predicate_type=found.predicate_type,
        subjects=tuple(one.digest for one in found.subject),
    )


def about(said: Said, artifact: Artifact) -> bool:
    """Return whether a subject is the artifact: all digests that both have are equal."""
    return any(_same(one, artifact) for one in said.subjects)


def _same(digests: dict[str, str], artifact: Artifact) -> bool:
    both = {name: artifact.known(name) for name in KNOWN if name in digests}
    known = {name: own for name, own in both.items() if own}
    return bool(known) and all(digests[name] == own for name, own in known.items())


def _refused(why: str) -> ShipwayError:
    return ShipwayError(_ID, Kind.INTEGRITY, why)
