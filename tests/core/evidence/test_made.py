"""The statements of make: every field that a verifier or a person relies on."""

from __future__ import annotations

import msgspec
import pytest

from fakes.chain import BINARY, NOW, REPORT, SOURCE, Chain
from shipway.core.evidence import made, predicate
from shipway.core.evidence.made import EXTERNAL_PARAMETERS, Build
from shipway.core.golang.binary import Module, OutsideInput
from shipway.core.oci.digest import hex_of, of
from shipway.core.oci.image import Package
from shipway.errors import ShipwayError


def build(**changes: object) -> Build:
    """Return what a build link is made of."""
    chain = Chain()
    facts = Build(
        source=SOURCE,
        binary=BINARY,
        image=chain.image,
        published=chain.published,
        run="run-1",
        started=NOW - 10,
        finished=NOW,
        tools={"shipway": "0.1.0"},
    )
    return msgspec.structs.replace(facts, **changes)


def dependencies(facts: Build) -> list[dict[str, object]]:
    """Return the resolved dependencies of a build link."""
    said = made.provenance(facts).predicate
    found: list[dict[str, object]] = said["buildDefinition"]["resolvedDependencies"]
    return found


def test_provenance() -> None:
    """Provenance names builder, build type, all that a user can set, times and byproducts."""
    said = made.provenance(build()).predicate
    definition, details = said["buildDefinition"], said["runDetails"]
    assert definition["buildType"] == predicate.BUILD_TYPE
    assert set(definition["externalParameters"]) == EXTERNAL_PARAMETERS - {"debug"}
    assert definition["internalParameters"]["tools"] == {"go": "go1.27.3", "shipway": "0.1.0"}
    assert details["builder"] == {"id": predicate.BUILDER_LOCAL}
    assert details["metadata"]["invocationId"] == "run-1"
    assert [one["name"] for one in details["byproducts"]] == ["binary", "layer binary"]


def test_debug_build() -> None:
    """A build for debugging says so, of an index too, and names the debugger by digest."""
    debugger = Package("delve.test/dlv", "v1.0.0", "pkg:golang/delve.test/dlv", of(b"dlv"))
    image = msgspec.structs.replace(build().image, debugger=debugger)
    facts = build(image=image)
    for said in (
        made.provenance(facts).predicate,
        made.joined(made.Joined(index=of(b"index"), builds=(facts,))).predicate,
    ):
        assert said["buildDefinition"]["externalParameters"]["debug"] is True
    named = {one["name"]: one["digest"] for one in dependencies(facts) if "name" in one}
    assert named["delve.test/dlv v1.0.0"] == {"sha256": hex_of(of(b"dlv"))}
    unproved = msgspec.structs.replace(debugger, digest=None)
    other = build(image=msgspec.structs.replace(image, debugger=unproved))
    assert len(dependencies(other)) == len(dependencies(facts)) - 1


def test_clean_commit() -> None:
    """A clean commit is named as commit and tree, with its public remote."""
    found = dependencies(build())
    assert found[0] == {
        "digest": {"gitCommit": "c" * 40},
        "name": "commit",
        "uri": "git+https://example.com/shop.git",
    }
    assert found[1] == {"digest": {"gitTree": "d" * 40}, "name": "tree"}


def test_dirty_tree() -> None:
    """A dirty tree is never stated as a commit: the commit is only its base."""
    found = dependencies(build(source=msgspec.structs.replace(SOURCE, dirty=True)))
    assert found[0] == {"digest": {"gitTree": "d" * 40}, "name": "tree"}
    assert found[1] == {"digest": {"gitCommit": "c" * 40}, "name": "base commit"}


def test_no_commit() -> None:
    """Without a commit there is only a tree."""
    source = msgspec.structs.replace(SOURCE, commit="", dirty=True)
    kinds = [next(iter(one["digest"])) for one in dependencies(build(source=source))]
    assert "gitCommit" not in kinds


@pytest.mark.parametrize(
    ("remote", "uri"),
    [
        ("https://example.com/x.git", "git+https://example.com/x.git"),
        ("ssh://example.com/x.git", "git+ssh://example.com/x.git"),
        ("https://user@example.com/x.git", ""),
        ("/home/somebody/x", ""),
        ("file:///home/somebody/x", ""),
        ("", ""),
    ],
)
def test_remotes(remote: str, uri: str) -> None:
    """Only a remote that others can reach is named; a path or a user name never is."""
    assert made.public(remote) == uri


def test_modules() -> None:
    """Modules carry their Go directory hash in hex; a local replacement shows no path."""
    modules = (
        Module("example.com/a", "v1.0.0", "h1:" + "A" * 43 + "="),
        Module("example.com/b", "v1.0.0", replace=Module("example.com/c", "v2.0.0")),
        Module("example.com/d", "v1.0.0", replace=Module("../d")),
    )
    facts = build(binary=msgspec.structs.replace(BINARY, modules=modules, toolchain=None))
    found = [one for one in dependencies(facts) if str(one.get("uri")).startswith("pkg:")]
    assert found == [
        {"digest": {"dirHash1": "00" * 32}, "uri": "pkg:golang/example.com/a@v1.0.0"},
        {"uri": "pkg:golang/example.com/c@v2.0.0"},
        {"uri": "pkg:golang/example.com/d"},
    ]


def test_outside_inputs() -> None:
    """Files that the build read and the commit does not name stand there with their digest."""
    one = OutsideInput("web/ignored.txt", of(b"x"))
    facts = build(binary=msgspec.structs.replace(BINARY, inputs=(one,)))
    assert dependencies(facts)[-1] == {
        "digest": {"sha256": hex_of(of(b"x"))},
        "name": "web/ignored.txt",
    }


def test_tests() -> None:
    """A test link is about image and commit, with counts in one extension field."""
    said = made.tests(REPORT, SOURCE, of(b"image"))
    assert [next(iter(one.digest)) for one in said.subject] == ["sha256", "gitCommit"]
    assert said.predicate["result"] == "PASSED"
    assert said.predicate["passedTests"] == ["example.com/shop.TestA"]
    assert said.predicate["configuration"][0]["name"] == "go.mod"
    assert said.predicate[made.TEST_DETAILS]["coverage"] == 91.5


def test_sbom() -> None:
    """An SBOM is its predicate as it stands; what is no JSON object is refused."""
    assert made.sbom(b'{"a":1}', of(b"image")).predicate == {"a": 1}
    with pytest.raises(ShipwayError) as caught:
        made.sbom(b"[]", of(b"image"))
    assert caught.value.id == "sbom.invalid"


def test_signature() -> None:
    """An image signature has a digest, no name, and nothing to say (as cosign v3 writes it)."""
    said = made.signature(of(b"image"))
    assert said.predicate == {}
    assert said.subject[0].name == ""
