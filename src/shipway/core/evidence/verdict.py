"""Verdicts: whether exactly these bytes may go to this environment, and why.

``decide`` is the policy applied to evidence; ``statement`` and ``read`` are its link (SLSA
verification summary v1). What acts on a verdict checks it again in ``recheck.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.evidence import rules
from shipway.core.evidence.answer import Finding  # noqa: TC001  msgspec reads types
from shipway.core.evidence.link import Edge  # noqa: TC001  msgspec reads types
from shipway.core.evidence.rules import Case, Reason  # noqa: TC001  msgspec reads types
from shipway.core.evidence.statement import Statement, resource, timestamp
from shipway.core.oci.digest import Digest, from_hex, hex_of
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.evidence.walk import Evidence

REASONS = f"{types.OWN}/verdict/v1"
"""Extension field of a verdict link: reasons per rule."""
UNEVALUATED = "SLSA_BUILD_LEVEL_UNEVALUATED"


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict about one release in one environment; a value, not an exception."""

    project: str
    environment: str
    release: Digest
    rendered: Digest
    images: tuple[Digest, ...]
    """Every image of the rendered set, ours and foreign."""
    policy_uri: str
    policy_digest: Digest
    reasons: tuple[Reason, ...]
    inputs: tuple[Edge, ...]
    """Every link that was judged: complete."""
    findings: tuple[Finding, ...] = ()
    """What else the walk saw; it weighs through the rules only."""
    time: float
    """Seconds since the epoch."""

    @property
    def passed(self) -> bool:
        """Return whether no rule failed."""
        return not any(one.outcome == rules.FAILED for one in self.reasons)

    def of(self, outcome: str) -> tuple[Reason, ...]:
        """Return the reasons of one outcome: ``failed``, ``pending``, ``waived``..."""
        return tuple(one for one in self.reasons if one.outcome == outcome)

    @property
    def subjects(self) -> frozenset[Digest]:
        """Return what the verdict is about: release, rendered set, images."""
        return frozenset({self.release, self.rendered, *self.images})


class _Extension(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    release: Digest
    rendered: Digest
    reasons: tuple[Reason, ...]


def decide(evidence: Evidence, case: Case, *, time: float) -> Verdict:
    """Return the verdict of ``case.policy`` on ``evidence``; a pure function of its arguments."""
    return Verdict(
        project=case.project,
        environment=case.environment,
        release=case.release,
        rendered=case.rendered,
        images=rules.all_images(case),
        policy_uri=case.policy.uri,
        policy_digest=case.policy.digest,
        reasons=rules.apply(evidence, case),
        inputs=rules.inputs(evidence, case),
        findings=evidence.findings,
        time=time,
    )


def resource_uri(project: str, environment: str) -> str:
    """Return the URI that names an environment of a project in a verdict."""
    return f"{types.OWN}/project/{project}/environment/{environment}"


def statement(verdict: Verdict) -> Statement:
    """Return the verdict link."""
    subjects = [
        resource(verdict.release, name="release"),
        resource(verdict.rendered, name="rendered"),
        *(resource(image, name="image") for image in verdict.images),
    ]
    inputs = [
        {"uri": edge.predicate_type, "digest": {"sha256": hex_of(edge.payload)}}
        for edge in verdict.inputs
    ]
    extension = _Extension(
        release=verdict.release, rendered=verdict.rendered, reasons=verdict.reasons
    )
    return Statement(
        subject=tuple(subjects),
        predicate_type=types.VERDICT,
        predicate={
            "verifier": {"id": types.VERIFIER},
            "timeVerified": timestamp(verdict.time),
            "resourceUri": resource_uri(verdict.project, verdict.environment),
            "policy": {
                "uri": verdict.policy_uri,
                "digest": {"sha256": hex_of(verdict.policy_digest)},
            },
            "inputAttestations": inputs,
            "verificationResult": "PASSED" if verdict.passed else "FAILED",
            "verifiedLevels": [UNEVALUATED] if verdict.passed else ["FAILED"],
            REASONS: msgspec.to_builtins(extension),
        },
    )


class _Policy(msgspec.Struct, frozen=True):
    uri: str
    digest: dict[str, str]


class _Verifier(msgspec.Struct, frozen=True):
    id: str


class Summary(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A verdict as read back from its link."""

    verifier: _Verifier
    time_verified: str
    resource_uri: str
    policy: _Policy
    verification_result: str
    verified_levels: tuple[str, ...]
    subjects: frozenset[Digest] = frozenset()
    reasons: tuple[Reason, ...] = ()

    @property
    def policy_digest(self) -> Digest:
        """Return the digest of the policy's bytes."""
        return from_hex(self.policy.digest.get("sha256", ""))


def read(said: Statement) -> Summary:
    """Return what a verdict link says.

    Raises:
        ShipwayError: ``statement.invalid`` (integrity) if it has another shape, or a subject
            without a SHA-256.
    """
    try:
        summary = msgspec.convert(said.predicate, Summary)
        extension = msgspec.convert(said.predicate.get(REASONS), _Extension | None)
    except (msgspec.ValidationError, ValueError, RecursionError) as cause:
        raise _invalid(str(cause)[:200]) from cause
    subjects = [subject.sha256 for subject in said.subject]
    if any(subject is None for subject in subjects):
        raise _invalid("a subject has no sha256")
    return msgspec.structs.replace(
        summary,
        subjects=frozenset(one for one in subjects if one is not None),
        reasons=extension.reasons if extension else (),
    )


def _invalid(why: str) -> ShipwayError:
    return ShipwayError(
        "statement.invalid",
        Kind.INTEGRITY,
        why,
        operation="reading",
        subject="the predicate of the verdict link",
    )
