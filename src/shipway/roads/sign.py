"""Sign: say of what lies in a registry that it is ours, without a key of one's own.

The CLI calls :func:`sign` through wiring. Of an image for several platforms the index is signed and
each manifest in it, as ``cosign sign --recursive`` does; ``cosign verify`` reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import made, statement
from shipway.core.oci import reference as references
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.oci.manifest import INDEXES, parse_index
from shipway.core.run.events import Unit
from shipway.run import Run
from shipway.stages import attest
from shipway.stages.attest import AttestRequest, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.evidence.link import Link
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.reference import Reference
    from shipway.core.ports.hands import Hands
    from shipway.core.run.events import Event


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """What was signed, and the manifests of the signatures."""

    repository: str
    signatures: dict[Digest, Digest]
    """The signature of each manifest: subject to link, in the order of the index."""

    def lines(self) -> Iterator[str]:
        """Yield a line for each."""
        for subject, link in self.signatures.items():
            yield f"{self.repository}@{subject} signed by {link}"


def sign(text: str, *, hands: Hands, emit: Callable[[Event], None]) -> Signed:
    """Sign what a reference stands for in its registry.

    Raises:
        ShipwayError: ``reference.invalid`` (usage), ``registry.*``, and those of
            ``core.ports.signer.Sealer``; then nothing is in the registry or the store.
    """
    named = references.parse(text)
    with Run("sign", runs=hands.runs, clock=hands.clock, emit=emit) as run:
        subjects = _subjects(named, hands)
        said = tuple(
            Said(payload=statement.encode(made.signature(one.digest)), subject=one)
            for one in subjects
        )
        links: tuple[Link, ...] = run.step(
            attest.sign,
            Unit(),
            AttestRequest(statements=said, repository=named.repository),
            summary=lambda links: f"{len(links)} signatures",
            signer=hands.sealer(),
            content=hands.content,
            registry=hands.registry,
            clock=hands.clock,
            links=hands.links,
            there=run.syncing(),
        )
    found = {link.subject: link.manifest.digest for link in links}
    return Signed(repository=named.repository, signatures=found)


def _subjects(named: Reference, hands: Hands) -> tuple[Descriptor, ...]:
    """Return the manifest that a reference stands for, and those that it lists."""
    found, data = hands.registry.pull_manifest(named.repository, named.target)
    if found.media_type not in INDEXES:
        return (found,)
    return (found, *parse_index(data).manifests)
