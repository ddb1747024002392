"""Revisions as what links are about: bytes that follow from the id alone."""

from __future__ import annotations

import json

import msgspec
import pytest

from shipway.core.evidence import artifact, revision, tracing
from shipway.core.evidence import predicate as types
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.link import Edge, Verified
from shipway.core.evidence.revision import Revision
from shipway.core.evidence.statement import Statement, resource
from shipway.core.evidence.walk import Evidence
from shipway.core.oci.digest import of
from shipway.core.project.source import Source

COMMIT, TREE = "c" * 40, "7" * 40
CLEAN = Source(
    root="/src", commit=COMMIT, tree=TREE, branch="main", version="v1", dirty=False, time=1,
    remote="",
)  # fmt: skip


def test_a_clean_tree_is_its_commit() -> None:
    """What was built of a commit is named by it, what was built of changes by their tree."""
    dirty = msgspec.structs.replace(CLEAN, dirty=True)
    assert revision.of(CLEAN) == Revision(algorithm="gitCommit", id=COMMIT)
    assert revision.of(dirty) == Revision(algorithm="gitTree", id=TREE)


def test_its_artifact_follows_from_the_id() -> None:
    """The manifest names its one layer, and is the same one wherever it is made."""
    one = Revision(algorithm="gitCommit", id=COMMIT)
    found = artifact.parse(one.manifest)
    assert found.artifact_type == revision.MEDIA_TYPE
    assert artifact.only_layer(found).digest == of(one.layer)
    assert json.loads(one.layer) == {"schema": 1, "gitCommit": COMMIT}
    assert one.descriptor.digest == of(Revision(algorithm="gitCommit", id=COMMIT).manifest)
    assert one.descriptor != Revision(algorithm="gitTree", id=COMMIT).descriptor


@pytest.mark.parametrize("text", [COMMIT, "a" * 64])
def test_a_full_id_names_a_commit_or_a_tree(text: str) -> None:
    """Nobody can tell an id of one from that of the other."""
    assert [one.algorithm for one in revision.named(text)] == ["gitCommit", "gitTree"]


@pytest.mark.parametrize("text", ["", COMMIT[:7], COMMIT.upper(), f"{COMMIT}\n", "main", "a" * 50])
def test_anything_else_names_none(text: str) -> None:
    """Only full ids are taken: short ones may become ambiguous."""
    assert revision.named(text) == ()


def test_what_is_known_of_a_revision() -> None:
    """Its trace is the links about it; a link that does not hold breaks it by its own name."""
    one = Revision(algorithm="gitTree", id=TREE)
    said = Statement(subject=(resource(of(b"x")),), predicate_type=types.TEST, predicate={})
    edge = Edge(predicate_type=types.TEST, payload=of(b"p"), manifest=of(b"m"))
    link = Verified(
        statement=said, edge=edge, subject=one.descriptor.digest, repository="", signer="me",
        bundle=of(b"b"),
    )  # fmt: skip
    whole = tracing.revision(Evidence(links=(link,)), one)
    assert [(step.name, step.state) for step in whole.steps] == [
        ("tree", "derived"), ("test", "verified"),
    ]  # fmt: skip
    assert whole.ok
    finding = Finding(Answer.ALTERED, "test link", "other bytes")
    bent = tracing.revision(Evidence(findings=(finding,)), one)
    assert (bent.ok, bent.findings) == (False, (finding,))
