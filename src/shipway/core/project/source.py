"""The commit or tree that a run is about, and how its names are decided.

The source stage and tests call it; it decides from what git and the CI's variables said and
never looks at either itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.patterns import late

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.ports.git import Observation


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is built: a clean commit, or a dirty tree on top of one.

    ``root`` is an absolute path on this machine and never leaves it.
    """

    root: str
    commit: str = ""
    """Full id of HEAD; for a dirty tree only its base; empty without a commit."""
    tree: str
    """Git tree id of exactly what is built: tracked and untracked, not ignored files."""
    dirty: bool
    branch: str = ""
    version: str
    """``git describe --tags --always --dirty``, or ``0.0.0+TREE`` without a commit."""
    time: int = 0
    """The commit's time, seconds since the epoch; 0 without a commit."""
    remote: str = ""
    """The origin's URL without credentials; empty without one."""
    remarks: tuple[str, ...] = ()
    """Stated behaviour that applied (shallow clone, no tags, submodules...)."""


BRANCH_VARIABLES = (
    "GITHUB_HEAD_REF",
    "GITHUB_REF_NAME",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_COMMIT_BRANCH",
    "BITBUCKET_BRANCH",
    "BUILDKITE_BRANCH",
    "CIRCLE_BRANCH",
    "DRONE_SOURCE_BRANCH",
    "DRONE_BRANCH",
    "TRAVIS_PULL_REQUEST_BRANCH",
    "TRAVIS_BRANCH",
    "BUILD_SOURCEBRANCH",
    "CHANGE_BRANCH",
    "BRANCH_NAME",
    "GIT_BRANCH",
)
"""Where CI systems say which branch they check out (detached), most telling first."""

_USERINFO = late(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/@]*@")
_SCP = late(r"[^/@:]+:[^/@]*@")
_ABBREVIATED = late(r"[0-9a-f]{4,64}\Z")


def branch_of(variables: Mapping[str, str], branch: str) -> str:
    """Return the branch: the CI's word before git's, empty where nobody knows one."""
    for name in BRANCH_VARIABLES:
        value = variables.get(name, "").removeprefix("refs/heads/").removeprefix("origin/")
        if not value or value.startswith("refs/"):
            continue
        if name == "GITHUB_REF_NAME" and variables.get("GITHUB_REF_TYPE", "branch") != "branch":
            continue
        return value
    return branch


def tag_of(variables: Mapping[str, str]) -> str:
    """Return the tag that the CI says it builds; empty where it builds none."""
    if variables.get("GITHUB_REF_TYPE") == "tag":
        return variables.get("GITHUB_REF_NAME", "")
    return variables.get("CI_COMMIT_TAG", "")


def is_tagless(describe: str) -> bool:
    """Return whether ``git describe`` knew no tag and fell back to the commit's id."""
    return bool(_ABBREVIATED.match(describe))


def version_of(seen: Observation, variables: Mapping[str, str], tree: str, *, dirty: bool) -> str:
    """Return the version: describe's word, the CI's tag where tags are missing, or the tree."""
    if not seen.commit:
        return f"0.0.0+{tree[:12]}"
    tag = tag_of(variables)
    version = tag if tag and is_tagless(seen.describe) else seen.describe
    return f"{version}-dirty" if dirty else version


def without_credentials(url: str) -> str:
    """Return a remote's URL without user names and passwords; local paths are dropped."""
    if "://" in url:
        return "" if url.startswith("file:") else _USERINFO.sub(r"\g<scheme>", url)
    if ":" not in url.split("/", 1)[0]:
        return ""
    return _SCP.sub("", url)


def remarks_of(seen: Observation) -> tuple[str, ...]:
    """Return the stated behaviours that apply to what was seen, each as one sentence."""
    found = {
        "no commit yet: the tree itself is the source, its version is 0.0.0+TREE": not seen.commit,
        "shallow clone: older tags cannot be seen": seen.shallow,
        "no tag: the version is the commit's id": is_tagless(seen.describe),
        "HEAD is detached": bool(seen.commit) and not seen.branch,
        "linked worktree: its own HEAD and index count": seen.linked,
        "a submodule by itself: its superproject is not looked at": seen.submodule,
        f"submodules are named by their commits: {_named(seen.links)}": bool(seen.links),
        f"submodules with changes make the tree dirty: {_named(seen.moved)}": bool(seen.moved),
        f"untracked repositories are outside of the tree: {_named(seen.nested)}": bool(seen.nested),
        f"content filters are never run: {_named(seen.filters)}": bool(seen.filters),
    }
    return tuple(remark for remark, applies in found.items() if applies)


def source_of(seen: Observation, variables: Mapping[str, str], snapshot: str) -> Source:
    """Return the source; ``snapshot`` is the tree of the files as they are, empty where clean."""
    dirty = is_dirty(seen)
    tree = snapshot or seen.tree
    return Source(
        root=seen.root,
        commit=seen.commit,
        tree=tree,
        dirty=dirty,
        branch=_readable(branch_of(variables, seen.branch)),
        version=_readable(version_of(seen, variables, tree, dirty=dirty)),
        time=seen.time,
        remote=_readable(without_credentials(seen.remote)),
        remarks=tuple(_readable(remark) for remark in remarks_of(seen)),
    )


def is_dirty(seen: Observation) -> bool:
    """Return whether what lies there is not exactly a commit."""
    return not seen.commit or bool(seen.changed or seen.moved or seen.nested)


def _readable(text: str) -> str:
    """Return text whose undecodable bytes are marked: records and links are UTF-8."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _named(paths: tuple[str, ...], most: int = 5) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more
