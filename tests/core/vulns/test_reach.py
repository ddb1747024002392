"""What runs by its SBOMs, and what is known of that."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.chain import SOURCE, Chain
from fakes.vulnerable import CVE, ID, LEAKY, entry
from shipway.core.evidence import predicate, statement
from shipway.core.evidence.link import Edge, Verified
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.release import Contents, Service
from shipway.core.evidence.walk import Evidence, Walk
from shipway.core.oci.digest import of
from shipway.core.vulns import bill, osv
from shipway.core.vulns.bill import Part
from shipway.core.vulns.reach import Index, Match
from shipway.stages.verify import RegistrySource, drive

CYCLONE = {
    "components": [
        {"purl": "pkg:golang/example.com/a@v1.0.0%2Bincompatible?type=module#pkg"},
        {"purl": "pkg:deb/debian/libc6@2.36"},
        {"name": "bare"},
        "nonsense",
    ]
}


def spdx(purl: object) -> dict[str, Any]:
    """Return a document of one package."""
    reference = {"referenceType": "purl", "referenceLocator": purl}
    return {"packages": [{"externalRefs": [{"referenceType": "cpe"}, reference]}]}


def test_modules_are_read_from_both_formats() -> None:
    """By their purls, decoded; other packages are left alone, and so is nonsense."""
    documents = (CYCLONE, spdx("pkg:golang/stdlib@1.27.3"), spdx(3), {"packages": "none"})

    assert bill.modules(documents) == (
        ("example.com/a", "v1.0.0+incompatible"),
        ("stdlib", "1.27.3"),
    )


@given(
    st.recursive(
        st.none() | st.text(max_size=5),
        lambda at: (
            st.lists(at)
            | st.dictionaries(
                st.sampled_from(["packages", "components", "externalRefs", "purl"]), at
            )
        ),
    )
)
def test_any_document_is_read(value: Any) -> None:
    """Nothing but packages comes of it, whatever its shape."""
    document = value if isinstance(value, dict) else {"packages": value}
    assert isinstance(bill.modules([document]), tuple)


def test_a_bill_is_made_of_verified_links() -> None:
    """Services with their images, commit and signer; without an SBOM that counts it is unknown."""
    chain = Chain().whole()
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.release(chain.evidence, chain.release.digest)
    evidence = drive(walk, RegistrySource(chain.registry))
    found = bill.of(evidence, chain.release.digest, chain.evidence)
    (part,) = found.parts

    assert part.known
    assert part.images == (chain.published.manifest.digest,)
    assert part.repository == chain.web
    assert part.commit == SOURCE.commit
    assert part.signer == chain.signer.fingerprint
    assert found.modules == frozenset()

    bare = Evidence(releases=evidence.releases)
    (part,) = bill.of(bare, chain.release.digest, chain.evidence).parts
    assert (part.known, part.commit, part.signer, part.modules) == (False, "", "", ())
    assert bill.of(bare, of(b"other"), "r.test/x").parts == ()


def test_a_build_may_name_no_commit() -> None:
    """Then its tree is named, and nothing where it names neither."""
    chain = Chain()
    link = Verified(
        statement=statement.Statement(
            subject=(), predicate_type="", predicate={"buildDefinition": definition()}
        ),
        edge=Edge(predicate_type=predicate.BUILD, payload=of(b"p"), manifest=of(b"m")),
        subject=chain.published.manifest.digest,
        repository=chain.web,
        signer="SHA256:me",
        bundle=of(b"b"),
    )
    service = Service(
        name="web", repository="web", image=link.subject, size=1, media_type="m", links=()
    )
    contents = Contents(
        project="shop", version="v1", channel="dev", tests="off", services=(service,)
    )
    release = of(b"release")

    def commit(said: dict[str, Any]) -> str:
        told = msgspec.structs.replace(link.statement, predicate=said)
        links = (msgspec.structs.replace(link, statement=told),)
        (one,) = bill.of(Evidence(links=links, releases={release: contents}), release, "").parts
        return one.commit

    assert commit({"buildDefinition": definition({"gitTree": "t" * 40})}) == f"tree {'t' * 40}"
    assert commit({"buildDefinition": definition({"gitCommit": 3})}) == ""
    assert commit({"buildDefinition": 3}) == ""


def definition(digest: object = None) -> dict[str, Any]:
    """Return a build definition with one dependency."""
    return {"resolvedDependencies": [{"digest": digest}, "nonsense"]}


def part(*modules: tuple[str, str]) -> Part:
    """Return a service of these modules."""
    return Part(service="web", repository="r.test/web", images=(of(b"i"),), modules=modules)


@pytest.mark.parametrize("version", ["v1.0.0", "v1.2.0"])
def test_a_service_matches_what_is_known_of_its_versions(version: str) -> None:
    """With the fix; a version that is fixed matches nothing, and neither does another module."""
    index = Index([osv.read(json.dumps(entry()).encode())])
    match = Match(
        id=ID,
        aliases=(CVE,),
        summary=f"Leak in {LEAKY}",
        module=LEAKY,
        version="v1.0.0",
        fixed="1.2.0",
    )
    expected = (match,) if version == "v1.0.0" else ()

    assert index.matches(part((LEAKY, version), ("example.com/b", "v1.0.0"))) == expected
    assert index.matches(part((LEAKY, version))) == expected
