"""Looking at a verdict once more, right before acting on it.

``stages.deploy`` calls this with the bytes of the verdict's bundle and exactly what it is about to
send. A deploy asks for signer, role, verifier, environment, policy, subjects and age; a rollback
asks for integrity instead of age and policy, and that a passed outcome of this history stood on it.
"""

from __future__ import annotations

import msgspec

from shipway.core.evidence import bundle as bundles
from shipway.core.evidence import predicate as types
from shipway.core.evidence import shipped, statement, trust, verdict
from shipway.core.evidence.answer import Finding
from shipway.core.evidence.link import Verified  # noqa: TC001  msgspec reads types
from shipway.core.evidence.policy import Named  # noqa: TC001  msgspec reads types
from shipway.core.evidence.trust import Trust  # noqa: TC001  msgspec reads types
from shipway.core.evidence.verdict import Summary  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

_SKEW = 60.0
"""Seconds that a verdict may lie in the future."""


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly what is about to be applied."""

    project: str
    environment: str
    release: Digest
    rendered: Digest
    images: tuple[Digest, ...]

    @property
    def subjects(self) -> frozenset[Digest]:
        """Return what a verdict must be about, no more and no less."""
        return frozenset({self.release, self.rendered, *self.images})


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """The deploy that a rollback puts back: its verified intent and outcome."""

    intent: Verified
    outcome: Verified


def deploy(bundle: bytes, sending: Sending, *, trust: Trust, policy: Named, now: float) -> Summary:
    """Return the verdict in ``bundle`` if it allows ``sending`` now.

    Raises:
        ShipwayError: ``deploy.unverified`` (rejected) with every reason why it does not, or an
            integrity error if the bundle cannot be read.
    """
    summary, _ = _opened(bundle, trust, policy)
    problems = _problems(summary, sending, policy)
    if summary.policy_digest != policy.digest:
        problems.append(f"it was made under policy {summary.policy_digest}")
    age = now - statement.seconds(summary.time_verified)
    if not -_SKEW <= age <= policy.policy.verdict_seconds:
        limit = policy.policy.verdict_seconds
        problems.append(f"it is {age:.0f} s old, and {limit} s are allowed")
    return _unless(problems, summary, sending)


def rollback(
    bundle: bytes, sending: Sending, *, trust: Trust, policy: Named, restored: Restored
) -> Summary:
    """Return the original verdict in ``bundle`` if ``sending`` is what it once let in.

    Age and current policy are not asked; integrity, signer, subjects and a passed outcome are.

    Raises:
        ShipwayError: as :func:`deploy`.
    """
    summary, payload = _opened(bundle, trust, policy)
    problems = _problems(summary, sending, policy)
    intent = shipped.read(restored.intent.statement, shipped.Intent)
    outcome = shipped.read(restored.outcome.statement, shipped.Outcome)
    if outcome.intent.payload != restored.intent.edge.payload:
        problems.append("the outcome is that of another intent")
    if outcome.result != "passed":
        problems.append(f"the outcome of its deploy was {outcome.result}")
    if intent.verdict.payload != payload:
        problems.append("the deploy that is put back stood on another verdict")
    if (intent.project, intent.environment) != (sending.project, sending.environment):
        problems.append(f"that deploy went to {intent.project}/{intent.environment}")
    return _unless(problems, summary, sending)


def _opened(bundle: bytes, trusted: Trust, policy: Named) -> tuple[Summary, Digest]:
    found = bundles.parse(bundle)
    said = statement.parse(found.envelope.payload)
    kind = types.canonical(said.predicate_type)
    if kind != types.VERDICT:
        raise _unverified(f"a {said.kind} link is no verdict", "")
    who = trust.judge(found, kind, trust=trusted, policy=policy.policy, subject="verdict")
    if isinstance(who, Finding):
        raise _unverified(str(who), "")
    return verdict.read(said), found.envelope.identity


def _problems(summary: Summary, sending: Sending, policy: Named) -> list[str]:
    problems = []
    if summary.verifier.id not in policy.policy.verifiers:
        problems.append(f"verifier {summary.verifier.id} is not one of the policy's")
    if summary.verification_result != "PASSED":
        problems.append(f"its result is {summary.verification_result}")
    if summary.resource_uri != verdict.resource_uri(sending.project, sending.environment):
        problems.append(f"it is about {summary.resource_uri}")
    if summary.subjects != sending.subjects:
        problems.append("its subjects are not exactly what would be applied")
    return problems


def _unless(problems: list[str], summary: Summary, sending: Sending) -> Summary:
    if problems:
        raise _unverified("; ".join(problems), sending.release)
    return summary


def _unverified(why: str, subject: str) -> ShipwayError:
    return ShipwayError(
        "deploy.unverified",
        Kind.REJECTED,
        why,
        operation="checking the verdict about",
        subject=subject or "the release",
        hint="run `shipway up` again: it makes a new verdict",
    )
