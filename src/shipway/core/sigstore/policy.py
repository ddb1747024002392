"""What is asked of a bundle, beside what the trusted root asks for."""

from __future__ import annotations

import re

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.evidence.key import PublicKey  # noqa: TC001  msgspec reads types
from shipway.core.evidence.statement import MEDIA_TYPE
from shipway.errors import Kind, ShipwayError


class Wanted(msgspec.Struct, frozen=True):
    """A text, or a pattern that the whole text must match."""

    text: str
    pattern: bool = False

    def matches(self, found: str) -> bool:
        """Return whether ``found`` is what is wanted.

        Raises:
            ShipwayError: ``bundle.pattern`` (usage) if the pattern is none.
        """
        if not self.pattern:
            return found == self.text
        try:
            return re.fullmatch(self.text, found) is not None
        except re.error as cause:
            raise ShipwayError(
                "bundle.pattern", Kind.USAGE, str(cause), operation="reading", subject=self.text
            ) from cause


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """Who must have signed, and what.

    Either ``key``, or ``identity`` and ``issuer``.
    """

    key: PublicKey | None = None
    identity: Wanted = Wanted("")
    issuer: Wanted = Wanted("")
    payload_type: str = MEDIA_TYPE
    predicate_type: str = ""
    """Of an attestation; empty asks for none in particular."""
    timestamp: bool = False
    """A timestamp is asked for where a log's own time would do."""

    def says(self, predicate_type: str) -> bool:
        """Return whether an attestation says what is asked for."""
        return types.canonical(predicate_type) == types.canonical(self.predicate_type)
