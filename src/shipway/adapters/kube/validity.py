"""Why a server does not know us, or we not it, where time is the reason.

Only :mod:`transport` calls it, after a refusal: a credential that has run out, one that is not
valid yet, and two clocks that differ look alike to a server (401) or to TLS, and need other steps.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import email.utils
import ssl
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SKEW = 60.0
"""Seconds by which two clocks may differ before they are named as the reason."""
_NOT_YET, _OVER = 9, 10
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""
_STEP = "set the clock (timedatectl set-ntp true), then repeat"


class Span(msgspec.Struct, frozen=True):
    """When a credential is valid, in seconds since the epoch."""

    what: str
    begins: float = float("-inf")
    ends: float = float("inf")


def refusal(
    token: str, certificate: bytes, date: str, *, now: float, operation: str, subject: str
) -> ShipwayError | None:
    """Return why a server answered 401, if time is the reason; ``date`` is its own header.

    ``certificate`` is the client's, PEM; both may be empty.
    """
    for span in (*_token(token), *_certificate(certificate)):
        if now < span.begins:
            why = f"{span.what} is not valid before {_said(span.begins)}; here it is {_said(now)}"
            return _clock(why, operation, subject)
        if now >= span.ends:
            why = f"{span.what} ran out at {_said(span.ends)}"
            return _expired(why, operation, subject)
    there = _seconds(date)
    if there is not None and abs(there - now) > _SKEW:
        why = f"the server's clock says {_said(there)}, this machine's {_said(now)}"
        return _clock(why, operation, subject)
    return None


def handshake(
    error: BaseException, server: str, *, now: float, operation: str, subject: str
) -> ShipwayError | None:
    """Return why the server's certificate was refused, if time is the reason."""
    found = _verification(error)
    if found is not None and found.verify_code == _NOT_YET:
        why = f"the certificate of {server} is not valid yet; here it is {_said(now)}"
        return _clock(why, operation, subject)
    if found is not None and found.verify_code == _OVER:
        why = f"the certificate of {server} has run out; here it is {_said(now)}"
        return _expired(why, operation, subject)
    return None


def _verification(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the error of TLS that is below urllib3's."""
    for _ in range(8):
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        if error is None:
            break
        below = next((one for one in error.args if isinstance(one, BaseException)), None)
        error = getattr(error, "reason", None) or below or error.__cause__ or error.__context__
    return None


def _token(token: str) -> Iterator[Span]:
    """Yield when a token is valid, where it is a JWT (RFC 7519); nothing is proved by that."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004  header, claims, signature
        return
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims: Any = msgspec.json.decode(base64.urlsafe_b64decode(padded))
        begins = float(claims.get("nbf") or float("-inf"))
        yield Span("the token", begins, float(claims.get("exp") or float("inf")))
    except (binascii.Error, ValueError, TypeError, AttributeError):
        return


def _certificate(data: bytes) -> Iterator[Span]:
    if not data:
        return
    from cryptography import x509  # noqa: PLC0415  only where a server refused us

    try:
        found = x509.load_pem_x509_certificate(data)
    except ValueError:
        return
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    yield Span("the client certificate", begins.timestamp(), ends.timestamp())


def _seconds(date: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return None


def _said(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _clock(why: str, operation: str, subject: str) -> ShipwayError:
    return ShipwayError(
        "kube.clock", Kind.DENIED, why, operation=operation, subject=subject, hint=_STEP
    )


def _expired(why: str, operation: str, subject: str) -> ShipwayError:
    return ShipwayError(
        "kube.expired",
        Kind.DENIED,
        why,
        operation=operation,
        subject=subject,
        hint="log in to that cluster again (shipway cluster up renews the embedded one's)",
    )
