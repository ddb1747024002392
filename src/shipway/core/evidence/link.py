"""A link: one signed statement, where it is kept, and what is known once it was checked."""

from __future__ import annotations

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.evidence.statement import Statement  # noqa: TC001  msgspec reads types
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types


class Edge(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How one link names another: by the digest of its payload."""

    predicate_type: str
    payload: Digest
    manifest: Digest
    """Of the OCI manifest that carried it; an unsigned hint for fetching."""


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A signed in-toto statement in a Sigstore bundle, kept as an OCI referrer.

    Its identity is ``payload``: the digest of the DSSE payload bytes as signed.
    """

    predicate_type: str
    payload: Digest
    bundle: Descriptor
    """The bundle JSON itself (media type of the bundle), in the store under its digest."""
    manifest: Descriptor
    """The OCI artifact manifest that carries the bundle; an unsigned hint."""
    subject: Digest
    """The manifest it refers to (an image or a release)."""
    repository: str = ""
    """Where it was pushed; empty while it is only in the store."""

    @property
    def edge(self) -> Edge:
        """Return how another link names this one."""
        return Edge(
            predicate_type=self.predicate_type, payload=self.payload, manifest=self.manifest.digest
        )


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """A link whose signature, signer, role and subject were checked."""

    statement: Statement
    edge: Edge
    subject: Digest
    """The manifest it is attached to."""
    repository: str
    signer: str
    """Fingerprint of the key."""
    bundle: Digest

    @property
    def kind(self) -> str:
        """Return the short name of what it says."""
        return types.name(self.edge.predicate_type)
