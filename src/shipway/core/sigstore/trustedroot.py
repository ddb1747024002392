"""A trusted root: authorities and logs whose word counts (sigstore protobuf-specs, TrustedRoot).

It comes from the caller or from this package, never from a bundle. Which parts a bundle must have
follows from it: a root that names a log asks for a log entry, one that names a certificate
transparency key asks for its timestamp in each certificate.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from shipway.core.wire import decode, unambiguous, unbase64
from shipway.errors import Kind, ShipwayError

V1 = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
V2 = "application/vnd.dev.sigstore.trustedroot.v0.2+json"
_INVALID = "trust.invalid"
_SUBJECT = "a trusted root"
_LIMIT = 4 << 20


class Window(msgspec.Struct, frozen=True):
    """From when until when something counts, in seconds since the epoch; both ends belong to it."""

    start: float
    end: float | None = None
    """None for what still counts."""

    def covers(self, moment: float) -> bool:
        """Return whether ``moment`` lies in it."""
        return self.start <= moment and (self.end is None or moment <= self.end)


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A log and its public key: of signatures (Rekor) or of certificates (CT)."""

    id: bytes
    """32 bytes by which entries name the key."""
    key: bytes
    """DER of the public key, as SubjectPublicKeyInfo or, of an RSA key, as PKCS#1."""
    url: str
    window: Window


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """One that issues certificates, or one that says when it saw a signature (RFC 3161)."""

    chain: tuple[bytes, ...]
    """Certificates as DER, each issued by the next one; the last is trusted for itself."""
    url: str
    window: Window


class TrustedRoot(msgspec.Struct, frozen=True, kw_only=True):
    """Whose word counts, by what they say."""

    logs: tuple[Log, ...] = ()
    authorities: tuple[Authority, ...] = ()
    ct_logs: tuple[Log, ...] = ()
    timestamp_authorities: tuple[Authority, ...] = ()

    def log(self, id_: bytes) -> Log | None:
        """Return the log of that id."""
        return next((one for one in self.logs if one.id == id_), None)

    def ct_log(self, id_: bytes) -> Log | None:
        """Return the certificate transparency log of that id."""
        return next((one for one in self.ct_logs if one.id == id_), None)


class _Valid(msgspec.Struct, frozen=True):
    start: str | None = None
    end: str | None = None


class _Key(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    raw_bytes: str
    valid_for: _Valid = _Valid()


class _Id(msgspec.Struct, frozen=True, rename="camel"):
    key_id: str


class _Log(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    base_url: str = ""
    public_key: _Key
    log_id: _Id


class _Certificate(msgspec.Struct, frozen=True, rename="camel"):
    raw_bytes: str


class _Chain(msgspec.Struct, frozen=True):
    certificates: tuple[_Certificate, ...]


class _Authority(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    uri: str = ""
    cert_chain: _Chain
    valid_for: _Valid = _Valid()


class _Root(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    media_type: str
    tlogs: tuple[_Log, ...] = ()
    certificate_authorities: tuple[_Authority, ...] = ()
    ctlogs: tuple[_Log, ...] = ()
    timestamp_authorities: tuple[_Authority, ...] = ()


def parse(data: bytes) -> TrustedRoot:
    """Return the trusted root in ``data`` (``trusted_root.json``, 0.1 or 0.2).

    Raises:
        ShipwayError: ``trust.invalid`` (config) if it is none, or leaves open since when a key
            or an authority counts.
    """
    try:
        return _root(data)
    except ShipwayError as error:
        raise ShipwayError(
            _INVALID,
            Kind.CONFIG,
            error.message,
            operation="reading",
            subject=_SUBJECT,
            hint="give a trusted_root.json, as `cosign trusted-root create` writes it",
        ) from error


def _root(data: bytes) -> TrustedRoot:
    unambiguous(data, error=_INVALID, subject=_SUBJECT, limit=_LIMIT)
    wire = decode(data, _Root, error=_INVALID, subject=_SUBJECT)
    if wire.media_type not in {V1, V2}:
        raise _refused(f"its media type is {wire.media_type[:80]!r}")
    return TrustedRoot(
        logs=tuple(_log(one) for one in wire.tlogs),
        authorities=tuple(_authority(one) for one in wire.certificate_authorities),
        ct_logs=tuple(_log(one) for one in wire.ctlogs),
        timestamp_authorities=tuple(_authority(one) for one in wire.timestamp_authorities),
    )


def _log(wire: _Log) -> Log:
    return Log(
        id=_bytes(wire.log_id.key_id),
        key=_bytes(wire.public_key.raw_bytes),
        url=wire.base_url,
        window=_window(wire.public_key.valid_for, wire.base_url),
    )


def _authority(wire: _Authority) -> Authority:
    chain = tuple(_bytes(one.raw_bytes) for one in wire.cert_chain.certificates)
    if not chain:
        raise _refused(f"{wire.uri[:80]!r} has no certificate")
    return Authority(chain=chain, url=wire.uri, window=_window(wire.valid_for, wire.uri))


def _window(wire: _Valid, whose: str) -> Window:
    if not wire.start:
        raise _refused(f"it does not say since when {whose[:80]!r} counts")
    return Window(_moment(wire.start), _moment(wire.end) if wire.end else None)


def _moment(text: str) -> float:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError as cause:
        raise _refused(f"{text[:40]!r} is not a time") from cause
    if moment.tzinfo is None:
        raise _refused(f"{text[:40]!r} has no time zone")
    return moment.timestamp()


def _bytes(text: str) -> bytes:
    return unbase64(text, error=_INVALID, subject=_SUBJECT)


def _refused(why: str) -> ShipwayError:
    return ShipwayError(_INVALID, Kind.CONFIG, why)
