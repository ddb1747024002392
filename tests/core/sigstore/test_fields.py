"""The table of fields holds: what it calls covered cannot change, what it calls unsigned may."""

from __future__ import annotations

import base64
import copy
import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import sigstore as made
from fakes.sigstore import ARTIFACT, IDENTITY, ISSUER, Sigstore
from shipway.core.evidence.key import PublicKey
from shipway.core.sigstore import artifact, bundle, fields, trustedroot
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.policy import Policy, Wanted
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.sigstore.judgement import Judgement

DOCS = Path(__file__).parents[3] / "docs"
INSTANCE = Sigstore()
ROOT = trustedroot.parse(json.dumps(INSTANCE.root()).encode())
KEYLESS = Policy(identity=Wanted(IDENTITY), issuer=Wanted(ISSUER))
KEYED = Policy(key=PublicKey(made.spki(INSTANCE.key)))
ABOUT = artifact.of(ARTIFACT)
UNSIGNED = {one.path for one in fields.FIELDS if not one.check}
TEXTS = {
    "mediaType",
    "verificationMaterial.publicKey.hint",
    "dsseEnvelope.payloadType",
    "dsseEnvelope.signatures[].keyid",
    "messageSignature.messageDigest.algorithm",
    "verificationMaterial.tlogEntries[].inclusionProof.checkpoint.envelope",
    "verificationMaterial.tlogEntries[].kindVersion.kind",
    "verificationMaterial.tlogEntries[].kindVersion.version",
}
"""Fields that are text as it stands; numbers are in digits, all others in base64."""


def chained(found: dict[str, Any]) -> dict[str, Any]:
    """Return a bundle with its certificates as older ones had them."""
    material = found["verificationMaterial"]
    between = INSTANCE.root()["certificateAuthorities"][0]["certChain"]["certificates"][0]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate"), between]}
    return found


@functools.cache
def samples() -> tuple[tuple[dict[str, Any], Policy], ...]:
    """Return good bundles that together have every field."""
    return (
        (INSTANCE.bundle("dsse"), KEYLESS),
        (INSTANCE.bundle("record2"), KEYLESS),
        (INSTANCE.bundle("blob2"), KEYLESS),
        (chained(INSTANCE.bundle("blob")), KEYLESS),
        (INSTANCE.bundle("dsse2", key=INSTANCE.key), KEYED),
    )


def judged(found: dict[str, Any], policy: Policy) -> Judgement:
    """Return the judgement of a bundle."""
    read = bundle.parse(json.dumps(found).encode())
    return judge(read, policy=policy, root=ROOT, artifact=ABOUT)


def leaves(value: Any, path: str = "", *way: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield each field below a value, with its path and the way to it."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from leaves(part, f"{path}.{name}".lstrip("."), *way, name)
    elif isinstance(value, list):
        for at, part in enumerate(value):
            yield from leaves(part, f"{path}[]", *way, at)
    else:
        yield path, way


def place(found: Any, way: tuple[Any, ...]) -> Any:
    """Return what holds the field at the end of a way."""
    return functools.reduce(lambda value, step: value[step], way[:-1], found)


@st.composite
def edited(draw: st.DrawFn, old: bytes) -> bytes:
    """Return other bytes: one flipped, some put in, or some cut out."""
    at = draw(st.integers(0, max(len(old) - 1, 0)))
    put = draw(st.binary(min_size=0, max_size=3))
    new = old[:at] + put + old[at + draw(st.integers(0, 2)) :]
    return new if new != old else old + b"\x00"


@st.composite
def changed(draw: st.DrawFn, path: str, old: Any) -> Any:
    """Return another value of a field, of the same kind where that has a meaning."""
    if path == "mediaType":
        return draw(st.sampled_from([one for one in bundle.MEDIA_TYPES if one != old]))
    if path in TEXTS:
        return draw(st.text(max_size=60) | st.sampled_from(["dsse", "0.0.2"]).filter(old.__ne__))
    if str(old).isdigit():
        return str(draw(st.integers(0, 1 << 62).filter(lambda new: new != int(old))))
    return made.b64(draw(edited(base64.b64decode(old))))


@given(st.data())
def test_covered_fields(data: st.DataObject) -> None:
    """A bundle in which one covered field has another value, or is gone, never verifies."""
    found, policy = data.draw(st.sampled_from(samples()))
    path, way = data.draw(st.sampled_from([one for one in leaves(found) if one[0] not in UNSIGNED]))
    found = copy.deepcopy(found)
    old = place(found, way)[way[-1]]
    if data.draw(st.booleans()) and data.draw(st.booleans()):
        del place(found, way)[way[-1]]
        if path.endswith("certificates[].rawBytes"):
            return
    else:
        new = data.draw(changed(path, old))
        if new == old:
            return
        place(found, way)[way[-1]] = new
    try:
        verdict = judged(found, policy)
    except ShipwayError:
        return
    assert not verdict.ok, path


@given(st.data())
def test_unsigned_fields(data: st.DataObject) -> None:
    """A bundle in which an unsigned field has another value is judged just as before."""
    found, policy = data.draw(st.sampled_from(samples()))
    path, way = data.draw(st.sampled_from([one for one in leaves(found) if one[0] in UNSIGNED]))
    other = copy.deepcopy(found)
    place(other, way)[way[-1]] = data.draw(changed(path, place(found, way)[way[-1]]))

    assert judged(other, policy) == judged(found, policy)
    assert judged(other, policy).ok


def structs(kind: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each field that the bundle's form has."""
    inner = [one for one in get_args(kind) if one is not type(None)] or [kind]
    if isinstance(inner[0], type) and issubclass(inner[0], msgspec.Struct):
        hints = get_type_hints(inner[0])
        for one in msgspec.structs.fields(inner[0]):
            several = "[]" if "tuple" in str(hints[one.name]) else ""
            yield from structs(hints[one.name], f"{path}.{one.encode_name}{several}".lstrip("."))
    else:
        yield path


def test_the_table_is_complete() -> None:
    """The table has every field of the form, and no other; the samples have them all too."""
    known = {one.path for one in fields.FIELDS}

    assert set(structs(bundle.WireBundle)) == known
    assert {path for found, _ in samples() for path, _ in leaves(found)} == known


def test_checks_of_the_table_exist() -> None:
    """Each check that the table names is one."""
    checks = {one.check for one in judged(*samples()[0]).rows}
    assert {one.check for one in fields.FIELDS if one.check} <= checks


def test_the_page() -> None:
    """The page of fields is the table; ``python tools/bundle_fields.py`` writes it."""
    assert (DOCS / "bundle-fields.md").read_text(encoding="utf-8") == fields.table()


PARTS = (
    ("dsse", "verificationMaterial.tlogEntries", "no-entry"),
    ("dsse", "verificationMaterial.tlogEntries.0.inclusionProof", "inclusion"),
    ("dsse", "verificationMaterial.tlogEntries.0.inclusionProof.checkpoint", "checkpoint"),
    ("dsse", "verificationMaterial.tlogEntries.0.inclusionPromise", "promise"),
    ("dsse", "verificationMaterial.tlogEntries.0.integratedTime", "promise"),
    ("dsse2", "verificationMaterial.tlogEntries", "no-entry"),
    ("dsse2", "verificationMaterial.tlogEntries.0.inclusionProof", "inclusion"),
    ("dsse2", "verificationMaterial.timestampVerificationData", "no-timestamp"),
    ("dsse", "verificationMaterial.certificate", "invalid"),
    ("dsse", "verificationMaterial", "invalid"),
    ("dsse", "dsseEnvelope", "invalid"),
    ("dsse", "dsseEnvelope.signatures", "invalid"),
    ("blob", "messageSignature", "invalid"),
    ("blob", "messageSignature.messageDigest.digest", "invalid"),
    ("blob", "messageSignature.messageDigest.algorithm", "invalid"),
)


@pytest.mark.parametrize(("kind", "part", "error"), PARTS)
def test_stripped_parts(kind: str, part: str, error: str) -> None:
    """What trusted root and policy ask for fails when it is gone, by the id of what is missing."""
    found = INSTANCE.bundle(kind)
    way = tuple(int(one) if one.isdigit() else one for one in part.split("."))
    del place(found, way)[way[-1]]
    try:
        verdict = judged(found, KEYLESS)
    except ShipwayError as refused:
        ids = {refused.id}
    else:
        assert not verdict.ok
        ids = {one.id for one in verdict.rows if one.id}
    assert f"bundle.{error}" in ids
