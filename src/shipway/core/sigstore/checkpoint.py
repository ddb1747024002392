"""A log's checkpoint: its size and root at one time, signed (C2SP tlog-checkpoint, signed-note)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from shipway.core.sigstore import algorithm
from shipway.core.wire import unbase64
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.sigstore.trustedroot import Log

_ID = "bundle.checkpoint"
_HINT = 4
_LINES = 3
_ROOT = 32
_LIMIT = 16 << 10
_ED25519 = 0x01


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a log says of itself, and who signed that."""

    origin: str
    size: int
    root: bytes
    signed: bytes
    signatures: tuple[tuple[str, bytes, bytes], ...]
    """Name, hint of the key (4 bytes), signature; those of unknown witnesses too."""


def parse(text: str) -> Checkpoint:
    """Return the checkpoint in ``text``.

    Raises:
        ShipwayError: ``bundle.checkpoint`` (integrity).
    """
    body, blank, rest = text.partition("\n\n")
    lines = body.split("\n")
    if len(text) > _LIMIT or not blank or len(lines) < _LINES or not rest.endswith("\n"):
        raise _refused("it is no signed note")
    origin, size, root = lines[:_LINES]
    if not size.isascii() or not size.isdigit() or size != str(int(size[:20])):
        raise _refused(f"it gives the size {size[:40]!r}")
    found = _bytes(root)
    if not origin or len(found) != _ROOT:
        raise _refused("it has no origin or no root")
    return Checkpoint(
        origin=origin,
        size=int(size),
        root=found,
        signed=f"{body}\n".encode(),
        signatures=tuple(_signature(line) for line in rest[:-1].split("\n")),
    )


def check(found: Checkpoint, log: Log) -> str:
    """Return what shows that ``log`` signed it.

    The name on the signature is the origin; logs of one server and many trees (Rekor v1) write
    ``NAME - TREE`` as the origin. Where the log's id is made of name and key (C2SP signed-note),
    the name must be the one that it was made of.

    Raises:
        ShipwayError: ``bundle.checkpoint`` (integrity).
    """
    key = algorithm.load(log.key)
    plain = hashlib.sha256(log.key).digest() == log.id
    tried = False
    for name, hint, signature in found.signatures:
        if hint != log.id[:_HINT] or name not in {found.origin, found.origin.partition(" - ")[0]}:
            continue
        if not plain and algorithm.name(key) == "Ed25519" and _named(name, log.key) != log.id:
            continue
        tried = True
        if algorithm.verifies(key, signature, found.signed):
            return f"size {found.size}, signed by {name} ({log.id.hex()[:8]})"
    if tried:
        raise _refused("the signature of the log does not verify")
    raise _refused(f"the log {log.id.hex()[:8]} has not signed it in the name of its origin")


def _named(name: str, key: bytes) -> bytes:
    """Return the id of an Ed25519 key (C2SP signed-note); the last 32 bytes of its DER are it."""
    raw = key[-32:]
    return hashlib.sha256(name.encode() + b"\n" + bytes((_ED25519,)) + raw).digest()


def _signature(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, text = rest.rpartition(" ")
    data = _bytes(text)
    if dash != "\u2014" or not name or len(data) <= _HINT:
        raise _refused("a line of signature is none")
    return name, data[:_HINT], data[_HINT:]


def _bytes(text: str) -> bytes:
    return unbase64(text, error=_ID, subject="a checkpoint")


def _refused(why: str) -> ShipwayError:
    return ShipwayError(_ID, Kind.INTEGRITY, why)
