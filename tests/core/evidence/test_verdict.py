"""Predicates that anybody may have signed: they are read, or refused by a ShipwayError."""

from __future__ import annotations

import contextlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.evidence import shipped, steps, verdict
from shipway.core.evidence.link import Edge, Verified
from shipway.core.evidence.shipped import Intent, Outcome, Rendering
from shipway.core.evidence.statement import Statement, resource
from shipway.core.evidence.walk import Evidence
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = [
    "verifier", "timeVerified", "resourceUri", "policy", "verificationResult", "verifiedLevels",
    verdict.REASONS, "sequence", "objects", "release", "rendered", "render", "verdict", "intent",
    "runDetails", "buildDefinition", "result",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_untrusted_predicates(predicate: dict[str, object]) -> None:
    """Verdicts, renders, intents and outcomes of any shape end in a value or a ShipwayError."""
    said = Statement(
        subject=(resource(of(b"x")),), predicate_type="https://example.com", predicate=predicate
    )
    with contextlib.suppress(ShipwayError):
        verdict.read(said)
    for record in (Intent, Outcome, Rendering):
        with contextlib.suppress(ShipwayError):
            shipped.read(said, record)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), st.lists(JSON, max_size=3))
def test_untrusted_provenance(predicate: dict[str, object], dependencies: list[object]) -> None:
    """Provenance of any shape can be shown."""
    if isinstance(predicate.get("buildDefinition"), dict):
        predicate["buildDefinition"] = {"resolvedDependencies": dependencies}
    uri = "https://slsa.dev/provenance/v1"
    link = Verified(
        statement=Statement(subject=(resource(of(b"x")),), predicate_type=uri, predicate=predicate),
        edge=Edge(predicate_type=uri, payload=of(b"p"), manifest=of(b"m")),
        subject=of(b"x"),
        repository="",
        signer="",
        bundle=of(b"b"),
    )
    found = list(steps.link_steps(Evidence(links=(link,)), of(b"x")))
    assert found[0].name == "build"
    assert msgspec.json.encode(found)
