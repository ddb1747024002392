"""Destination: one environment on one cluster, and whose word counts there.

Roads that deliver, restore or look pass it on; it is a value and reaches nothing by itself.
"""

from __future__ import annotations

import msgspec

from shipway.core.evidence.policy import built_in
from shipway.core.evidence.tracing import Asked
from shipway.core.evidence.trust import Trust  # noqa: TC001  msgspec reads types
from shipway.core.kube.health.custom import Rule  # noqa: TC001  msgspec reads types
from shipway.core.project.guess import dns_label
from shipway.roads.history import HistoryRequest


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where a release goes."""

    project: str
    environment: str
    context: str
    """The kubeconfig context."""
    evidence: str
    """Repository of the environment's evidence, ``HOST[:PORT]/NAME``."""
    trust: Trust
    namespaces: tuple[str, ...] = ()
    rollout: str = "stop-at-first"
    """What becomes of the environment's other targets where one fails."""
    health: tuple[Rule, ...] = ()
    """The configuration's own rules for the gate."""

    @property
    def target(self) -> str:
        """Return the target's name in tags and in the head."""
        return dns_label(self.context)

    @property
    def asked(self) -> Asked:
        """Return what a trace is judged by here."""
        return Asked(
            project=self.project,
            environment=self.environment,
            protected=self.trust.protected,
            policy=built_in(),
        )

    def history(self, newest: int = 20) -> HistoryRequest:
        """Return the request for this destination's history."""
        return HistoryRequest(
            project=self.project,
            environment=self.environment,
            target=self.target,
            repository=self.evidence,
            trust=self.trust,
            newest=newest,
        )
