"""The source stage, on a repository in memory."""

from __future__ import annotations

import pytest

from fakes.git import ROOT, MemoryGit, tree_of
from shipway.errors import Failures, Kind, ShipwayError
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


@pytest.mark.parametrize("dirty", [False, True])
@pytest.mark.parametrize("what", ["edit", "new", "commit", "revert"])
def test_a_source_that_moved(git: MemoryGit, what: str, dirty: bool) -> None:
    """Another commit, or other files than when it was resolved, is a conflict; ignored ones not."""
    git.ignored.add("ignored.go")
    if dirty:
        git.files["main.go"] = "package main // dirty"
    found = source.resolve(SourceRequest(ROOT), git=git)
    git.files["ignored.go"] = "package main"
    source.unmoved(found, git=git)
    if what == "edit":
        git.files["main.go"] = "package main // edited"
    elif what == "new":
        git.files["new.go"] = "package main"
    elif what == "commit":
        git.commit_all(1_800_000_000)
    else:
        git.files["main.go"] = "package main" if dirty else ""

    with pytest.raises(ShipwayError) as failure:
        source.unmoved(found, git=git)

    assert (failure.value.id, failure.value.kind) == ("build.moving", Kind.CONFLICT)
    assert ("main.go" in failure.value.message) == (not dirty and what in {"edit", "revert"})
    assert source.is_moving(failure.value)
    assert source.is_moving(Failures((ShipwayError("x.y", Kind.CONFIG, "x"), failure.value)))
    assert not source.is_moving(ShipwayError("x.y", Kind.CONFIG, "x"))
