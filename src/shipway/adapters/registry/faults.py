"""What a registry's answers mean as errors, each with its own id and next step.

Called within ``adapters.registry`` only (distribution-spec v1.1.1, Error Codes).
"""

from __future__ import annotations

import email.utils
import re
import time
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci import challenge
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.oci.digest import Digest

_SHOWN = 256
_LONGEST_DELAY = 300.0
_FULL = re.compile(rb'no space left on device|disk quota exceeded|"Err": ?(28|122)\b')
"""How CNCF Distribution words ENOSPC and EDQUOT: 3 in the detail's text, 2 by their numbers."""
_DISK = (
    "disk",
    Kind.TRANSIENT,
    "have room made in the registry (a larger volume, its garbage collection), then run it again",
)
_STORAGE = 507
"""Insufficient Storage (RFC 4918, 11.5)."""

_BY_STATUS = {
    401: (
        "unauthorized",
        Kind.DENIED,
        "log in (shipway login HOST), or set DOCKER_CONFIG",
    ),
    403: ("denied", Kind.DENIED, "ask for the right to this repository"),
    404: ("not_found", Kind.NOT_FOUND, "check the name; a repository appears with its first push"),
    413: ("too_large", Kind.REJECTED, "raise the body limit of the registry or its proxy"),
    429: ("throttled", Kind.TRANSIENT, "wait, or log in for a higher limit"),
}
_BY_CODE = {
    "DIGEST_INVALID": ("wrong_digest", Kind.INTEGRITY, "run it again; bytes changed on the way"),
    "BLOB_UPLOAD_UNKNOWN": ("upload_expired", Kind.TRANSIENT, "run it again"),
    "BLOB_UPLOAD_INVALID": ("upload_expired", Kind.TRANSIENT, "run it again"),
}


class _Problem(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""
    detail: object = None


class _Problems(msgspec.Struct, frozen=True):
    errors: tuple[_Problem, ...] = ()


def refused(
    status: int, headers: Mapping[str, str], body: bytes, *, operation: str, subject: str
) -> ShipwayError:
    """Return the error for an answer that is none of the expected ones."""
    problem = _problem(body)
    name, kind, hint = _meaning(status, problem.code)
    if name == "unauthorized" and challenge.lacks_scope(headers.get("WWW-Authenticate", "")):
        name, kind, hint = _BY_STATUS[403]
    if status == _STORAGE or (status >= 500 and _FULL.search(body)):  # noqa: PLR2004  RFC 9110, 15.6
        name, kind, hint = _DISK
    detail = problem.detail if isinstance(problem.detail, str) else ""
    words = " ".join(part[:_SHOWN] for part in (problem.code, problem.message, detail) if part)
    delay = _delay(headers) if kind is Kind.TRANSIENT else None
    return ShipwayError(
        f"registry.{name}",
        kind,
        f"the registry said {status}" + (f": {words}" if words else ""),
        operation=operation,
        subject=subject,
        hint=hint,
        delay=delay,
    )


def wrong_digest(subject: str, expected: Digest, found: str) -> ShipwayError:
    """Return ``registry.wrong_digest``: bytes are not what was asked for."""
    return ShipwayError(
        "registry.wrong_digest",
        Kind.INTEGRITY,
        f"expected {expected}, got {found}",
        operation="proving what came from",
        subject=subject,
        hint="the registry, or what stands before it, altered it: do not use it",
    )


def oversized(subject: str, most: int) -> ShipwayError:
    """Return ``registry.oversized``: more bytes came than there may be."""
    return ShipwayError(
        "registry.oversized",
        Kind.INTEGRITY,
        f"it has more than {most} bytes",
        operation="reading",
        subject=subject,
        hint="the registry answers with something else than was asked for",
    )


def _meaning(status: int, code: str) -> tuple[str, Kind, str]:
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:  # noqa: PLR2004  RFC 9110, 15.6
        return ("server", Kind.TRANSIENT, "run it again; if it stays, read the registry's log")
    return ("refused", Kind.REJECTED, "the registry does not take this; read its documentation")


def _problem(body: bytes) -> _Problem:
    try:
        found = msgspec.json.decode(body, type=_Problems)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Problem()
    return found.errors[0] if found.errors else _Problem()


def _delay(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of ``Retry-After``, a number or a date (RFC 9110, 10.2.3)."""
    raw = headers.get("Retry-After", "").strip()
    if raw.isdecimal():
        return min(float(raw), _LONGEST_DELAY)
    try:
        until = email.utils.parsedate_to_datetime(raw).timestamp()
    except ValueError:
        return None
    return min(max(until - time.time(), 0.0), _LONGEST_DELAY)
