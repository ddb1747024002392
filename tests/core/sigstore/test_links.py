"""Links that Shipway signs are bundles that the verifier of bundles takes, by the same key."""

from __future__ import annotations

from fakes.signer import MemorySigner
from shipway.core.evidence import bundle as links
from shipway.core.evidence import predicate, statement
from shipway.core.evidence.envelope import Envelope
from shipway.core.oci.digest import of
from shipway.core.sigstore import artifact, bundle
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.judgement import Outcome
from shipway.core.sigstore.policy import Policy


def test_a_link() -> None:
    """A signature link of ours holds for its image by our key, and by no other."""
    signer, image = MemorySigner(), of(b"image")
    said = statement.Statement(
        subject=(statement.resource(image),), predicate_type=predicate.SIGNATURE, predicate={}
    )
    payload = statement.encode(said)
    bare = Envelope(payload=payload, signatures=())
    signed = Envelope(payload=payload, signatures=(signer.sign(bare.signed),))
    data = links.encode(links.Bundle(envelope=signed, hint=signer.public_key.hint))
    about = artifact.named(image)
    assert about is not None

    by_us, by_another = (
        judge(
            bundle.parse(data),
            policy=Policy(key=one.public_key, predicate_type=predicate.SIGNATURE),
            root=None,
            artifact=about,
        )
        for one in (signer, MemorySigner(2))
    )
    assert by_us.ok
    failed = [one.id for one in by_another.rows if one.outcome is Outcome.FAILED]
    assert failed == ["bundle.signature"]
