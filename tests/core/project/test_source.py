"""How branch, version and remarks of a source are decided."""

from __future__ import annotations

import pytest

from shipway.core.ports.git import Observation
from shipway.core.project import source

SEEN = Observation(
    root="/w", commit="c" * 40, tree="t" * 40, time=9, branch="main", describe="v1.2.3"
)


@pytest.mark.parametrize(
    ("variables", "branch"),
    [
        ({}, "main"),
        ({"GITHUB_HEAD_REF": "fix", "GITHUB_REF_NAME": "7/merge"}, "fix"),
        ({"GITHUB_HEAD_REF": "", "GITHUB_REF_NAME": "dev"}, "dev"),
        ({"GITHUB_REF_NAME": "v1", "GITHUB_REF_TYPE": "tag"}, "main"),
        ({"CI_COMMIT_BRANCH": "dev"}, "dev"),
        ({"CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "mr", "CI_COMMIT_BRANCH": "x"}, "mr"),
        ({"BUILD_SOURCEBRANCH": "refs/heads/azure"}, "azure"),
        ({"BUILD_SOURCEBRANCH": "refs/pull/1/merge"}, "main"),
        ({"GIT_BRANCH": "origin/jenkins"}, "jenkins"),
    ],
)
def test_the_ci_knows_the_branch_before_git(variables: dict[str, str], branch: str) -> None:
    """CI variables come before git, which says HEAD where the CI checked out a commit."""
    assert source.branch_of(variables, "main") == branch


def test_a_clean_commit() -> None:
    """A clean commit is its own tree and version, without remarks."""
    found = source.source_of(SEEN, {}, "")

    assert (found.commit, found.tree, found.dirty) == ("c" * 40, "t" * 40, False)
    assert (found.version, found.branch, found.time) == ("v1.2.3", "main", 9)
    assert found.remarks == ()


def test_a_dirty_tree() -> None:
    """A dirty tree is named by its snapshot; the commit is only its base."""
    seen = Observation(root="/w", commit="c", tree="t", describe="v1", branch="b", changed=("a",))
    found = source.source_of(seen, {}, "s")

    assert (found.tree, found.dirty, found.version) == ("s", True, "v1-dirty")


def test_names_that_are_no_utf8() -> None:
    """Names in other encodings are marked, since what is signed is UTF-8."""
    seen = Observation(
        root="/w", commit="c", tree="t", describe="v1", branch="f\udcff", moved=("\udcfe",)
    )
    found = source.source_of(seen, {}, "s")

    assert found.branch == "f\ufffd"
    assert "\ufffd" in found.remarks[-1]


def test_no_commit() -> None:
    """Without a commit the tree is the version, and it is dirty."""
    found = source.source_of(Observation(root="/w", branch="main"), {}, "f" * 40)

    assert (found.commit, found.dirty, found.version) == ("", True, "0.0.0+ffffffffffff")
    assert found.remarks[0].startswith("no commit yet")


@pytest.mark.parametrize(
    "variables",
    [{"GITHUB_REF_TYPE": "tag", "GITHUB_REF_NAME": "v2"}, {"CI_COMMIT_TAG": "v2"}],
)
def test_the_ci_knows_the_tag_of_a_shallow_clone(variables: dict[str, str]) -> None:
    """Where git sees no tag, the tag that the CI builds is the version."""
    seen = Observation(root="/w", commit="c", tree="t", describe="abcdef1", shallow=True)

    assert source.source_of(seen, variables, "").version == "v2"
    assert source.source_of(seen, {}, "").version == "abcdef1"
    assert source.source_of(SEEN, variables, "").version == "v1.2.3"


def test_every_peculiarity_is_said() -> None:
    """Each stated behaviour that applied is one remark."""
    seen = Observation(
        root="/w", commit="c", tree="t", describe="abcdef1", shallow=True, linked=True,
        submodule=True, links=("a", "b", "c", "d", "e", "f"), moved=("a",), nested=("n/",),
        filters=("lfs",),
    )  # fmt: skip

    assert source.source_of(seen, {}, "s").remarks == (
        "shallow clone: older tags cannot be seen",
        "no tag: the version is the commit's id",
        "HEAD is detached",
        "linked worktree: its own HEAD and index count",
        "a submodule by itself: its superproject is not looked at",
        "submodules are named by their commits: a, b, c, d, e and 1 more",
        "submodules with changes make the tree dirty: a",
        "untracked repositories are outside of the tree: n/",
        "content filters are never run: lfs",
    )


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:token@example.com/a/b.git", "https://example.com/a/b.git"),
        ("https://example.com/a/b@c", "https://example.com/a/b@c"),
        ("ssh://git@example.com/a.git", "ssh://example.com/a.git"),
        ("git@example.com:a/b.git", "git@example.com:a/b.git"),
        ("user:pw@example.com:a/b.git", "example.com:a/b.git"),
        ("file:///home/me/x", ""),
        ("/home/me/x", ""),
        ("../x", ""),
        ("", ""),
    ],
)
def test_a_remote_is_shown_without_credentials(url: str, shown: str) -> None:
    """Neither passwords nor local paths leave in the remote's URL."""
    assert source.without_credentials(url) == shown
