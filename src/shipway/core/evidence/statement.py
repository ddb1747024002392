"""In-toto statements: what somebody says about artifacts named by digest.

Built by the roads through :mod:`made` and :mod:`shipped`, read by :mod:`walk`. Version 1 is
written; version 0.1, which ``cosign attest`` still writes, is read too. Bytes are encoded once:
what was signed is kept and never serialised again.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.oci.digest import Digest, from_hex, hex_of
from shipway.core.wire import LIMIT, decode, distinct, unambiguous
from shipway.errors import Kind, ShipwayError

V1 = "https://in-toto.io/Statement/v1"
V01 = "https://in-toto.io/Statement/v0.1"
MEDIA_TYPE = "application/vnd.in-toto+json"
_INVALID = "statement.invalid"
_SUBJECT = "an in-toto statement"


class Resource(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """A ResourceDescriptor (in-toto attestation, spec/v1/resource_descriptor.md)."""

    digest: dict[str, str] = msgspec.field(default_factory=dict)
    """Algorithm to value; ``sha256`` in hex, ``gitCommit``, ``gitTree``, ``dirHash``."""
    name: str = ""
    uri: str = ""
    media_type: str = ""
    annotations: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def sha256(self) -> Digest | None:
        """Return its SHA-256 as a digest, or none where it has no valid one."""
        try:
            return from_hex(self.digest.get("sha256", ""))
        except ShipwayError:
            return None


class Statement(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"type": "_type", "predicate_type": "predicateType"},
):
    """Subjects, a predicate type, and what is said."""

    type: str = V1
    subject: tuple[Resource, ...]
    predicate_type: str
    predicate: dict[str, Any]

    @property
    def kind(self) -> str:
        """Return the short name of what it says (``build``)."""
        return types.name(self.predicate_type)

    def about(self, digest: Digest) -> bool:
        """Return whether ``digest`` is one of its subjects."""
        return any(subject.sha256 == digest for subject in self.subject)


def resource(digest: Digest, **fields: Any) -> Resource:  # noqa: ANN401  Resource's own fields
    """Return the descriptor of something by its SHA-256; other fields as in :class:`Resource`."""
    return Resource(digest={"sha256": hex_of(digest)}, **fields)


def encode(statement: Statement) -> bytes:
    """Return the payload bytes to sign; equal statements give equal bytes."""
    return msgspec.json.encode(statement, order="deterministic")


class _Names(msgspec.Struct, frozen=True):
    subject: tuple[dict[str, msgspec.Raw], ...] = ()


def plain(payload: bytes, *, limit: int = LIMIT) -> bytes:
    """Return a payload in which every reader sees the same statement.

    A name that stands twice is refused; in the statement itself and its subjects in another case
    too, for Go's readers take either. What the predicate says is its own.

    Raises:
        ShipwayError: ``statement.invalid`` (integrity).
    """
    unambiguous(payload, error=_INVALID, subject=_SUBJECT, limit=limit, cases=False)
    top = decode(payload, dict[str, msgspec.Raw], error=_INVALID, subject=_SUBJECT, limit=limit)
    below = decode(payload, _Names, error=_INVALID, subject=_SUBJECT, limit=limit)
    if not all(distinct(one) for one in (top, *below.subject)):
        raise _invalid("a name stands in it twice, in different case")
    return payload


def parse(payload: bytes) -> Statement:
    """Return a signed payload as a statement.

    Raises:
        ShipwayError: ``statement.invalid`` (integrity) for another ``_type``, no subject, a
            subject without a digest, or a name that stands twice.
    """
    plain(payload)
    statement = decode(payload, Statement, error=_INVALID, subject=_SUBJECT)
    if statement.type not in {V1, V01}:
        raise _invalid(f"its _type is {statement.type[:80]!r}")
    if not statement.subject or not all(subject.digest for subject in statement.subject):
        raise _invalid("it has no subject with a digest")
    return statement


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as RFC 3339 in UTC, whole seconds."""
    moment = dt.datetime.fromtimestamp(int(seconds), dt.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(text: str) -> float:
    """Return an RFC 3339 time as seconds since the epoch.

    Raises:
        ShipwayError: ``statement.invalid`` (integrity) if it is none, or has no zone.
    """
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as cause:
        raise _invalid(f"{text[:40]!r} is not a time") from cause
    if moment.tzinfo is None:
        raise _invalid(f"{text[:40]!r} has no time zone")
    return moment.timestamp()


def _invalid(why: str) -> ShipwayError:
    return ShipwayError(_INVALID, Kind.INTEGRITY, why, operation="reading", subject=_SUBJECT)
