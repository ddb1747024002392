"""Everything that evidence can turn out to be, each by its own name.

``walk``, ``history``, ``live`` and ``verdict`` find these; faces print ``answer.value`` as it
stands, and ``docs/evidence.md`` explains each.
"""

from __future__ import annotations

import enum

import msgspec


class Answer(enum.Enum):
    """A named answer; its value is what people read."""

    UNFINISHED = "deploy unfinished"
    """An intent without an outcome."""
    ABANDONED = "abandoned"
    """An intent that lost the swap of the head; nothing of it was applied."""
    FORKED = "history forked"
    """Two intents with one number, and both went on."""
    TRUNCATED = "history truncated"
    """A number is missing, or the head is older than what is known."""
    EDITED = "edited object"
    """A live object differs from its rendered bytes."""
    COPIED = "annotation copied from another object or cluster"
    """The annotations name an intent that does not speak of this object here."""
    BARE_POD = "bare pod"
    """A pod that nothing owns, and that no rendered set holds."""
    INJECTED = "injected container"
    """A pod runs more than its rendered template and the API server's defaults."""
    FOREIGN_IMAGE = "foreign image"
    """An image that the release does not hold and no lock lists."""
    MISSING = "missing link"
    """A link that is required, or that a signed link names, is not there."""
    ALTERED = "altered link"
    """Bytes are not what their digest or signature says."""
    NOT_ALLOWED = "signer not allowed for this link"
    """The signature is by a key that does not count for this kind of link here."""


class Finding(msgspec.Struct, frozen=True):
    """One answer about one thing."""

    answer: Answer
    subject: str
    """What it is about: a link, digest, object or container."""
    detail: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        tail = f": {self.detail}" if self.detail else ""
        return f"{self.answer.value} ({self.subject}){tail}"
