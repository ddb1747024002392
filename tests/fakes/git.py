"""A repository in memory, with git's own object ids."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shipway.core.ports.git import Observation
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = "/src/repository"


class MemoryGit:
    """Files, an ignore list and commits; ``files`` may be changed between calls."""

    def __init__(self, root: str = ROOT) -> None:
        self.root = root
        self.files: dict[str, str] = {}
        self.ignored: set[str] = set()
        self.time = 0
        self.branch = "main"
        self.commit = ""
        self.tags: dict[str, str] = {}
        self._committed: dict[str, str] = {}

    def commit_all(self, time: int) -> str:
        """Make a commit of all files that are not ignored."""
        self.time = time
        self._committed = self._named()
        body = f"tree {tree_of(self._committed)}\nparent {self.commit} {time}"
        self.commit = _id("commit", body.encode())
        return self.commit

    def observe(self, directory: str) -> Observation:
        """Say what lies there."""
        if directory != self.root and not directory.startswith(f"{self.root}/"):
            raise ShipwayError("source.no-repository", Kind.NOT_FOUND, "none", subject=directory)
        now = self._named()
        changed = {
            path for path in {*now, *self._committed} if now.get(path) != self._committed.get(path)
        }
        return Observation(
            root=self.root,
            commit=self.commit,
            tree=tree_of(self._committed) if self.commit else "",
            time=self.time,
            branch=self.branch,
            describe=self.tags.get(self.commit, self.commit[:7]),
            changed=tuple(sorted(changed)),
        )

    def snapshot(self, seen: Observation) -> str:
        """Return the tree of the files as they are."""
        assert seen.root == self.root
        return tree_of(self._named())

    def unnamed(self, root: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the ignored ones that were not committed before."""
        assert root == self.root
        return tuple(path for path in paths if path in self.ignored - set(self._committed))

    def _named(self) -> dict[str, str]:
        return {
            path: text
            for path, text in self.files.items()
            if path not in self.ignored or path in self._committed
        }


def tree_of(files: Mapping[str, str]) -> str:
    """Return git's tree id of plain files (git-hash-object(1), git-mktree(1))."""
    entries: dict[str, tuple[bytes, str]] = {}
    below: dict[str, dict[str, str]] = {}
    for path, text in files.items():
        head, slash, rest = path.partition("/")
        if slash:
            below.setdefault(head, {})[rest] = text
        else:
            entries[head] = (b"100644", _id("blob", text.encode()))
    for head, inside in below.items():
        entries[f"{head}/"] = (b"40000", tree_of(inside))
    rows = (
        mode + b" " + name.removesuffix("/").encode() + b"\0" + bytes.fromhex(identity)
        for name, (mode, identity) in sorted(entries.items())
    )
    return _id("tree", b"".join(rows))


def _id(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data).hexdigest()  # noqa: S324  git's
