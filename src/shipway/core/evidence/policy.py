"""The policy that ships with Shipway: what must be there, and in which role it is signed.

The bytes below are the policy; verdicts name them by URI and digest. Roles list predicate types;
which keys hold which roles is the caller's trust (``trust.py``), never part of a policy that
travels with a release. Policies only ever ask for something to be present.
"""

from __future__ import annotations

import functools

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.oci.digest import Digest, of
from shipway.core.wire import decode

URI = f"{types.OWN}/policy/built-in/v1"

BUILT_IN = b"""{
  "schema": 1,
  "uri": "https://shipway.dev/policy/built-in/v1",
  "roles": {
    "tester": ["https://in-toto.io/attestation/test-result/v0.1"],
    "builder": [
      "https://slsa.dev/provenance/v1",
      "https://spdx.dev/Document",
      "https://cyclonedx.org/bom",
      "https://sigstore.dev/cosign/sign/v1"
    ],
    "scanner": [
      "https://cosign.sigstore.dev/attestation/vuln/v1",
      "https://openvex.dev/ns"
    ],
    "releaser": ["https://in-toto.io/attestation/release/v0.1"],
    "verifier": ["https://slsa.dev/verification_summary/v1"],
    "deployer": [
      "https://shipway.dev/render/v1",
      "https://shipway.dev/intent/v1",
      "https://shipway.dev/outcome/v1"
    ]
  },
  "builders": ["https://shipway.dev/builder/local/v1"],
  "buildTypes": ["https://shipway.dev/build/go/v1"],
  "verifiers": ["https://shipway.dev/verifier/v1"],
  "image": ["signature", "build", "sbom", "test"],
  "release": ["release", "render"],
  "pendingTests": "unprotected",
  "scan": "not asked",
  "verdictSeconds": 900
}
"""


class Policy(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What a verdict is made under."""

    schema: int
    uri: str
    roles: dict[str, tuple[str, ...]]
    """Role to the predicate types that its holders may sign."""
    builders: tuple[str, ...]
    build_types: tuple[str, ...]
    verifiers: tuple[str, ...]
    image: tuple[str, ...]
    """Short names of the links that every image of ours must have."""
    release: tuple[str, ...]
    """Short names of the links that the release must have."""
    pending_tests: str
    """Where a release may go whose tests did not end: ``unprotected`` or ``never``."""
    scan: str
    verdict_seconds: int
    """For how long a verdict may be acted upon."""

    def roles_for(self, predicate_type: str) -> tuple[str, ...]:
        """Return the roles whose holders may sign ``predicate_type``."""
        wanted = types.canonical(predicate_type)
        return tuple(role for role, allowed in self.roles.items() if wanted in allowed)


class Named(msgspec.Struct, frozen=True):
    """A policy and the digest of its bytes."""

    policy: Policy
    digest: Digest

    @property
    def uri(self) -> str:
        """Return the URI that the policy gives itself."""
        return self.policy.uri


def parse(data: bytes) -> Named:
    """Return the policy in ``data``.

    Raises:
        ShipwayError: ``policy.invalid`` (integrity) for an unknown or missing field.
    """
    policy = decode(data, Policy, error="policy.invalid", subject="a policy")
    return Named(policy, of(data))


@functools.cache
def built_in() -> Named:
    """Return the policy that ships with this version."""
    return parse(BUILT_IN)
