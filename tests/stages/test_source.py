"""The source stage, on a repository in memory."""

from __future__ import annotations

import pytest

from fakes.git import ROOT, MemoryGit, tree_of
from shipway.errors import ShipwayError
from shipway.stages import source
from shipway.stages.source import SourceRequest


@pytest.fixture
def git() -> MemoryGit:
    """Give a repository with one tagged commit."""
    made = MemoryGit()
    made.files["main.go"] = "package main"
    made.tags[made.commit_all(1_700_000_000)] = "v1.0.0"
    return made


def test_a_clean_commit(git: MemoryGit) -> None:
    """A clean commit is named by itself, its tree and its tag."""
    found = source.resolve(SourceRequest(ROOT), git=git)

    assert (found.root, found.commit, found.dirty) == (ROOT, git.commit, False)
    assert found.tree == tree_of({"main.go": "package main"})
    assert (found.version, found.branch, found.time) == ("v1.0.0", "main", 1_700_000_000)


def test_a_dirty_tree(git: MemoryGit) -> None:
    """A dirty tree is named by what lies there, never by its commit's tree."""
    git.files["new.go"] = "package main"
    found = source.resolve(SourceRequest(ROOT), git=git)

    assert (found.dirty, found.version) == (True, "v1.0.0-dirty")
    assert found.tree == tree_of(git.files)


def test_the_ci_names_the_branch(git: MemoryGit) -> None:
    """The CI's variables say the branch where it checked out a commit."""
    git.branch = ""
    found = source.resolve(SourceRequest(f"{ROOT}/cmd", {"CI_COMMIT_BRANCH": "dev"}), git=git)

    assert found.branch == "dev"
    assert "HEAD is detached" in found.remarks


def test_no_repository(git: MemoryGit) -> None:
    """Outside of a repository there is no source."""
    with pytest.raises(ShipwayError) as failure:
        source.resolve(SourceRequest("/elsewhere"), git=git)

    assert failure.value.id == "source.no-repository"
