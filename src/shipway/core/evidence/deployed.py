"""What the release and intent of a stamp lead to, as far as it is there and verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from shipway.core.evidence import shipped
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.shipped import Intent, Outcome, Rendering
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.evidence.link import Verified
    from shipway.core.evidence.walk import Evidence
    from shipway.core.oci.digest import Digest

T = TypeVar("T", bound=msgspec.Struct)


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What the stamp leads to, as far as it is there and verified."""

    intent_link: Verified
    intent: Intent
    outcome: Outcome | None
    outcome_link: Verified | None
    rendering: Rendering | None
    verdict_link: Verified | None


def follow(evidence: Evidence, named: tuple[Digest, Digest]) -> Deployed | Finding:
    """Return what the release and intent of a stamp lead to, or why they lead nowhere."""
    sealed, payload = named
    link = evidence.named(payload)
    if link is None or link.kind != "intent":
        return Finding(Answer.MISSING, f"intent {payload}", "the stamp names it")
    intent = _read(link, Intent)
    if intent is None:
        return Finding(Answer.ALTERED, f"intent {payload}", "it has another shape")
    if intent.release != sealed:
        return Finding(Answer.COPIED, f"intent {payload}", "it speaks of another release")
    ended, ended_link = _outcome(evidence, payload)
    return Deployed(
        intent_link=link,
        intent=intent,
        outcome=ended,
        outcome_link=ended_link,
        rendering=_rendering(evidence, intent),
        verdict_link=evidence.named(intent.verdict.payload),
    )


def _outcome(evidence: Evidence, intent: Digest) -> tuple[Outcome | None, Verified | None]:
    """Return the newest outcome of an intent: one that was interrupted may be closed later."""
    found: list[tuple[Outcome, Verified]] = []
    for link in evidence.links:
        ended = _read(link, Outcome) if link.kind == "outcome" else None
        if ended is not None and ended.intent.payload == intent:
            found.append((ended, link))
    return max(found, key=lambda one: one[0].finished_on, default=(None, None))


def _read(link: Verified, into: type[T]) -> T | None:
    try:
        return shipped.read(link.statement, into)
    except ShipwayError:
        return None


def _rendering(evidence: Evidence, intent: Intent) -> Rendering | None:
    link = evidence.named(intent.render.payload)
    return None if link is None or link.kind != "render" else _read(link, Rendering)
