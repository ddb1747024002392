"""What a link can say: the predicate types and their short names.

Everyone who makes, lists or judges links takes the URIs from here. Own types are absolute,
versioned URIs under :data:`OWN`; ``docs/evidence.md`` specifies them.
"""

from __future__ import annotations

OWN = "https://shipway.dev"
"""The one constant under which every type of our own lives."""

TEST = "https://in-toto.io/attestation/test-result/v0.1"
BUILD = "https://slsa.dev/provenance/v1"
SBOM = "https://spdx.dev/Document"
CYCLONEDX = "https://cyclonedx.org/bom"
SCAN = "https://cosign.sigstore.dev/attestation/vuln/v1"
VEX = "https://openvex.dev/ns"
SIGNATURE = "https://sigstore.dev/cosign/sign/v1"
RELEASE = "https://in-toto.io/attestation/release/v0.1"
VERDICT = "https://slsa.dev/verification_summary/v1"
RENDER = f"{OWN}/render/v1"
INTENT = f"{OWN}/intent/v1"
OUTCOME = f"{OWN}/outcome/v1"

BUILD_TYPE = f"{OWN}/build/go/v1"
"""``buildType`` of the provenance that Shipway writes."""
BUILDER_LOCAL = f"{OWN}/builder/local/v1"
"""The one builder id of builds on a person's own machine."""
VERIFIER = f"{OWN}/verifier/v1"

_NAMES = {
    TEST: "test",
    BUILD: "build",
    SBOM: "sbom",
    CYCLONEDX: "sbom",
    SCAN: "scan",
    VEX: "scan",
    SIGNATURE: "signature",
    RELEASE: "release",
    RENDER: "render",
    VERDICT: "verdict",
    INTENT: "intent",
    OUTCOME: "outcome",
}
_VERSIONED = (SBOM, CYCLONEDX, VEX)


def canonical(uri: str) -> str:
    """Return the form of ``uri`` that the constants use.

    SPDX, CycloneDX and OpenVEX are also written with a version behind them
    (``https://spdx.dev/Document/v2.3``); any other URI is returned as it is.
    """
    for known in _VERSIONED:
        if uri.startswith(f"{known}/"):
            return known
    return uri


def name(uri: str) -> str:
    """Return the short name of a predicate type (``build``), or the URI of an unknown one."""
    return _NAMES.get(canonical(uri), uri)
