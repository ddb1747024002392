"""Inclusion in a Merkle tree (RFC 9162, 2.1)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def root_of(leaf: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes | None:
    """Return the root of the tree of ``size`` with ``leaf`` at ``index``, by an inclusion proof.

    None where the proof has another length than such a tree asks for (RFC 9162, 2.1.3.2).
    """
    if index >= size:
        return None
    found = hashlib.sha256(b"\x00" + leaf).digest()
    node, last = index, size - 1
    for sibling in hashes:
        if last == 0:
            return None
        if node & 1 or node == last:
            found = _parent(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = _parent(found, sibling)
        node, last = node >> 1, last >> 1
    return found if last == 0 else None


def _parent(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
