"""An entry of a transparency log (Rekor v1 and v2), and what shows that it is in the log.

``body`` says what its content is about. Here are the two ways in which the log answers for it: a
promise with a time (v1 only), and a proof that leads to a signed checkpoint.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from shipway.core.sigstore import algorithm, checkpoint, merkle
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.sigstore.trustedroot import Log

_NEWER = frozenset({("hashedrekord", "0.0.2"), ("dsse", "0.0.2")})


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """An inclusion proof."""

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str
    """Empty where there is none."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as a bundle carries it."""

    index: int
    log: bytes
    """Id of the log."""
    kind: str
    version: str
    time: int
    """When the log took it, seconds since the epoch; 0 in v2, which does not say."""
    promise: bytes | None = None
    proof: Proof | None = None
    body: bytes

    @property
    def newer(self) -> bool:
        """Return whether its kind is one of Rekor v2, which gives no time and no promise."""
        return (self.kind, self.version) in _NEWER


def included(entry: Entry) -> str:
    """Return what shows that the entry is in a tree with the proof's root.

    Raises:
        ShipwayError: ``bundle.inclusion`` (integrity).
    """
    proof = entry.proof
    if proof is None:
        raise _refused("bundle.inclusion", "it has no inclusion proof")
    root = merkle.root_of(entry.body, proof.index, proof.size, proof.hashes)
    if root != proof.root:
        raise _refused("bundle.inclusion", "the proof does not lead to its root")
    if entry.newer and entry.index != proof.index:
        raise _refused("bundle.inclusion", "entry and proof give different indexes")
    return f"leaf {proof.index} of {proof.size}"


def witnessed(entry: Entry, log: Log) -> str:
    """Return what shows that the log signed the tree that the proof leads to.

    Raises:
        ShipwayError: ``bundle.checkpoint`` (integrity).
    """
    proof = entry.proof
    if proof is None or not proof.checkpoint:
        raise _refused("bundle.checkpoint", "it has no checkpoint")
    found = checkpoint.parse(proof.checkpoint)
    if (found.size, found.root) != (proof.size, proof.root):
        raise _refused("bundle.checkpoint", "it is not the one of the proof's tree")
    return checkpoint.check(found, log)


def promised(entry: Entry, log: Log) -> str:
    """Return what shows that the log itself gave index and time (signed entry timestamp, v1).

    Raises:
        ShipwayError: ``bundle.promise`` (integrity); an entry of v2 must not have one.
    """
    if entry.newer:
        if entry.promise is not None or entry.time:
            raise _refused("bundle.promise", "an entry of Rekor v2 has no promise and no time")
        return "none in Rekor v2"
    if entry.promise is None or not entry.time:
        raise _refused("bundle.promise", "it has no signed entry timestamp")
    signed = {
        "body": base64.b64encode(entry.body).decode(),
        "integratedTime": entry.time,
        "logID": entry.log.hex(),
        "logIndex": entry.index,
    }
    message = msgspec.json.encode(signed, order="deterministic")
    if not algorithm.verifies(algorithm.load(log.key), entry.promise, message):
        raise _refused("bundle.promise", "the signed entry timestamp does not verify")
    return f"index {entry.index}, time {entry.time}"


def _refused(error: str, why: str) -> ShipwayError:
    return ShipwayError(error, Kind.INTEGRITY, why)
