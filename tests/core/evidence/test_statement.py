"""In-toto statements: what is written, what is read, and what untrusted bytes can do."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.evidence import predicate as types
from shipway.core.evidence import statement
from shipway.core.evidence.statement import Resource, Statement, resource
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def payload(**changes: object) -> bytes:
    """Return a statement's JSON with fields changed."""
    fields: dict[str, object] = {
        "_type": statement.V1,
        "subject": [{"digest": {"sha256": "a" * 64}}],
        "predicateType": types.SIGNATURE,
        "predicate": {},
    }
    return msgspec.json.encode(fields | changes)


def test_round_trip() -> None:
    """What is encoded is parsed to the same value, and its bytes are stable."""
    said = Statement(
        subject=(resource(of(b"x"), name="x"),),
        predicate_type=types.BUILD,
        predicate={"b": 1, "a": [2]},
    )
    data = statement.encode(said)
    assert statement.parse(data) == said
    assert statement.encode(statement.parse(data)) == data
    assert b'"_type":"https://in-toto.io/Statement/v1"' in data


def test_version_0_1_is_read() -> None:
    """Statements that ``cosign attest`` writes are read too."""
    assert statement.parse(payload(_type=statement.V01)).kind == "signature"


@pytest.mark.parametrize(
    "changes",
    [
        {"_type": "https://in-toto.io/Statement/v2"},
        {"subject": []},
        {"subject": [{"name": "x"}]},
        {"predicate": 3},
        {"predicateType": None},
    ],
)
def test_bad_statements_are_refused(changes: dict[str, object]) -> None:
    """Another type, no subject, a subject without digest, or another shape is no statement."""
    with pytest.raises(ShipwayError) as caught:
        statement.parse(payload(**changes))
    assert caught.value.id == "statement.invalid"


@given(st.binary(max_size=200) | JSON.map(msgspec.json.encode))
def test_untrusted_bytes(data: bytes) -> None:
    """Whatever the bytes are, they end in a statement or in a ShipwayError."""
    try:
        statement.parse(data)
    except ShipwayError:
        return


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"_type":' * 50_000, b"1" * 10_000, b"\xff"])
def test_hostile_bytes(data: bytes) -> None:
    """Deep nesting, huge numbers and broken text are refused like anything else."""
    with pytest.raises(ShipwayError):
        statement.parse(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'{"_type"', b'{"_type":"x","_type"'),
        (b'{"_type"', b'{"Subject":[],"_type"'),
        (b'{"digest"', b'{"Digest":{},"digest"'),
        (b'"predicate":{}', b'"predicate":{"a":1,"a":2}'),
    ],
)
def test_names_that_stand_twice(old: bytes, new: bytes) -> None:
    """What some reader would take for another statement is none."""
    assert old in payload()
    with pytest.raises(ShipwayError, match="twice") as caught:
        statement.parse(payload().replace(old, new))
    assert caught.value.id == "statement.invalid"


def test_names_of_a_predicate() -> None:
    """Names of a predicate that differ in case are different names, as those of variables are."""
    said = statement.parse(payload(predicate={"http_proxy": 1, "HTTP_PROXY": 2}))
    assert len(said.predicate) == 2


def test_subjects() -> None:
    """A subject counts by its SHA-256; others are never it."""
    said = statement.parse(payload(subject=[{"digest": {"gitCommit": "c" * 40}}]))
    assert not said.about(of(b"x"))
    assert Resource(digest={"sha256": "nonsense"}).sha256 is None


def test_times() -> None:
    """Times are written in UTC and read back with their zone; others are refused."""
    assert statement.timestamp(0.9) == "1970-01-01T00:00:00Z"
    assert statement.seconds("1970-01-01T01:00:00+01:00") == 0
    for text in ("soon", "1970-01-01T00:00:00"):
        with pytest.raises(ShipwayError, match="time"):
            statement.seconds(text)


def test_predicate_names() -> None:
    """Versioned SPDX, CycloneDX and OpenVEX URIs are the same kinds; unknown ones stay."""
    assert types.canonical("https://spdx.dev/Document/v2.3") == types.SBOM
    assert types.name("https://cyclonedx.org/bom/v1.6") == "sbom"
    assert types.name("https://openvex.dev/ns/v0.2.0") == "scan"
    assert types.name("https://example.com/x") == "https://example.com/x"
