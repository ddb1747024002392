"""The bundle of a keyless signature (sigstore protobuf-specs, v0.3), judged before it is given out.

The judge is the one that reads bundles of anybody's. What it finds wrong is told as the fault of
the server that gave that part.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence.bundle import MEDIA_TYPE
from shipway.core.evidence.envelope import Envelope, WireEnvelope, to_wire
from shipway.core.keyless import certificate as certificates
from shipway.core.keyless import entry as entries
from shipway.core.keyless import stamp as stamps
from shipway.core.sigstore import artifact, bundle
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.judgement import Outcome
from shipway.core.sigstore.policy import Policy, Wanted
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.keyless.identity import Identity
    from shipway.core.sigstore.judgement import Row
    from shipway.core.sigstore.trustedroot import TrustedRoot

_FAULTS = (
    (
        certificates.wrong,
        {"chain": True, "key usage": True, "certificate log": False}
        | {"identity": True, "issuer": True},
    ),
    (
        entries.wrong,
        {"log entry": True, "log key": True, "inclusion": True, "checkpoint": True}
        | {"promise": True, "log validity": True},
    ),
    (
        stamps.wrong,
        {"timestamp": True, "imprint": True, "timestamp validity": True}
        | {"time": True, "validity": True},
    ),
)
"""Whose fault a check of the judge shows, and whether it must have been asked: a trusted root that
names no log and no authority would ask for neither, and nothing would be proved."""


class _Bytes(msgspec.Struct, frozen=True, rename="camel"):
    raw_bytes: str


class _Stamp(msgspec.Struct, frozen=True, rename="camel"):
    signed_timestamp: str


class _Stamps(msgspec.Struct, frozen=True, rename="camel"):
    rfc3161_timestamps: tuple[_Stamp, ...]


class _Material(msgspec.Struct, frozen=True, rename="camel"):
    certificate: _Bytes
    tlog_entries: tuple[dict[str, Any], ...]
    timestamp_verification_data: _Stamps


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: WireEnvelope


def encode(envelope: Envelope, *, certificate: bytes, entry: dict[str, Any], stamp: bytes) -> bytes:
    """Return the bundle as JSON: the leaf certificate alone, one log entry, one DER timestamp."""
    material = _Material(_Bytes(_text(certificate)), (entry,), _Stamps((_Stamp(_text(stamp)),)))
    return msgspec.json.encode(_Wire(MEDIA_TYPE, material, to_wire(envelope)))


def check(data: bytes, *, identity: Identity, name: str, root: TrustedRoot) -> None:
    """Refuse a bundle in which something does not show that ``name`` signed it now.

    Raises:
        ShipwayError: ``fulcio.certificate``, ``rekor.entry`` or ``timestamp.token`` (integrity).
    """
    try:
        parsed = bundle.parse(data)
    except ShipwayError as error:
        raise entries.wrong(error.message) from error
    policy = Policy(identity=Wanted(name), issuer=Wanted(identity.issuer))
    found = judge(parsed, policy=policy, root=root, artifact=artifact.of(b""))
    rows = {one.check: one for one in found.rows}
    for outcomes in ((Outcome.FAILED,), (Outcome.NOT_JUDGED, Outcome.NOT_ASKED)):
        for fault, asked in _FAULTS:
            for check_, must in asked.items():
                row = rows[check_]
                if row.outcome in outcomes and (must or row.outcome is not Outcome.NOT_ASKED):
                    raise fault(_why(row))


def _why(row: Row) -> str:
    return row.evidence or f"the trusted root cannot judge it ({row.check}: {row.outcome.value})"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
