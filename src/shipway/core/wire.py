"""Reading JSON that anybody may have written.

Every parser of this package goes through :func:`decode`, so that untrusted bytes end in a value
or in a :class:`ShipwayError`, never in another exception and never in unbounded memory.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable

LIMIT = 16 << 20
"""Bytes that one untrusted document may have."""

T = TypeVar("T")


def decode(data: bytes, into: type[T], *, error: str, subject: str, limit: int = LIMIT) -> T:
    """Return ``data`` (JSON) as an ``into``.

    Raises:
        ShipwayError: ``error`` (integrity) if it is too long, not JSON, or of another shape.
    """
    if len(data) > limit:
        raise _invalid(error, subject, f"{len(data)} bytes are more than the allowed {limit}")
    try:
        return msgspec.json.decode(data, type=into)
    except (msgspec.MsgspecError, ValueError, RecursionError) as cause:
        raise _invalid(error, subject, str(cause)[:200]) from cause


def unambiguous(
    data: bytes, *, error: str, subject: str, limit: int = LIMIT, cases: bool = True
) -> bytes:
    """Return ``data`` if every reader of JSON sees the same in it.

    RFC 8259 leaves open what a name means that an object has twice, and some readers take names in
    any case (Go's encoding/json): neither is accepted, nor is anything nested too deep to read.
    Without ``cases``, names that differ in case are different names.

    Raises:
        ShipwayError: ``error`` (integrity) if it is too long, no JSON, or means several things.
    """
    if len(data) > limit:
        raise _invalid(error, subject, f"{len(data)} bytes are more than the allowed {limit}")
    try:
        hook = _once if cases else _once_exactly
        json.loads(data.decode(), object_pairs_hook=hook, parse_constant=_no_number)
    except (ValueError, RecursionError) as cause:
        raise _invalid(error, subject, str(cause)[:200]) from cause
    return data


def distinct(names: Iterable[str]) -> bool:
    """Return whether no name stands twice, in whichever case."""
    folded = [name.casefold() for name in names]
    return len(set(folded)) == len(folded)


def _once(pairs: list[tuple[str, Any]]) -> None:
    _different([name.casefold() for name, _ in pairs])


def _once_exactly(pairs: list[tuple[str, Any]]) -> None:
    _different([name for name, _ in pairs])


def _different(names: list[str]) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:60]!r} stands twice in one object")


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def unbase64(text: str, *, error: str, subject: str) -> bytes:
    """Return the bytes of standard or URL-safe base64, padded or not (DSSE v1.0.2, protocol.md).

    Raises:
        ShipwayError: ``error`` (integrity) if it is neither.
    """
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as cause:
        raise _invalid(error, subject, "not base64") from cause


def _invalid(error: str, subject: str, why: str) -> ShipwayError:
    return ShipwayError(error, Kind.INTEGRITY, why, operation="reading", subject=subject)
