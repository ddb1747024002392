"""A revision as something that links can be about: a commit, or the tree of a dirty one.

A run that made no image leaves its links here, in the local store. Git names revisions by another
digest than OCI, so a revision gets an artifact of its own: a few bytes that follow from the id
alone, and never leave this machine. Whoever knows the id can make them again and find the links.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import artifact
from shipway.core.evidence.made import revision
from shipway.core.oci.descriptor import MANIFEST, Descriptor, describe

if TYPE_CHECKING:
    from shipway.core.project.source import Source

MEDIA_TYPE = "application/vnd.shipway.revision.v1+json"
COMMIT, TREE = "gitCommit", "gitTree"
_ID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """What was built or tested, by the name that in-toto has for it."""

    algorithm: str
    """``gitCommit`` or ``gitTree``."""
    id: str
    """Git's object id, in hex."""

    @property
    def layer(self) -> bytes:
        """Return the bytes of the artifact's one layer."""
        return msgspec.json.encode({"schema": 1, self.algorithm: self.id})

    @property
    def manifest(self) -> bytes:
        """Return the bytes of the manifest that links refer to."""
        return artifact.encode(describe(self.layer, MEDIA_TYPE), artifact_type=MEDIA_TYPE)

    @property
    def descriptor(self) -> Descriptor:
        """Return the manifest's descriptor."""
        return describe(self.manifest, MANIFEST)


def of(source: Source) -> Revision:
    """Return what a source is: its commit, or for a dirty tree the tree."""
    ((algorithm, found),) = revision(source).digest.items()
    return Revision(algorithm=algorithm, id=found)


def named(text: str) -> tuple[Revision, ...]:
    """Return what a full object id may name, commit before tree; nothing for any other text."""
    if not _ID.match(text):
        return ()
    return tuple(Revision(algorithm=one, id=text) for one in (COMMIT, TREE))
