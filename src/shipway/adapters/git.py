"""Git, read with everything that a repository could configure to run switched off.

Wiring makes one for the source and build stages. It never writes to the user's repository: a
snapshot has an index and an object folder of its own, in a temporary folder.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shipway import scope
from shipway.core.ports.git import Observation
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shipway.core.ports.process import Completed, Processes

_OVERRIDES = {
    "core.bigFileThreshold": "16m",
    "core.compression": "0",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.untrackedCache": "false",
    "core.sshCommand": "false",
    "core.pager": "cat",
    "diff.external": "",
    "gc.auto": "0",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "safe.directory": "*",
    "submodule.recurse": "false",
}
"""Ways for a repository to run a program or to reach the network (git-config(1)).

The first two keep big files out of memory: a snapshot is thrown away as soon as it has a name.
"""

_FIXED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_PASSED = ("HOME", "PATH", "XDG_CONFIG_HOME", "TMPDIR")
_FILTER = re.compile(r"filter\.(.+)\.(?:clean|smudge|process|required)\Z", re.DOTALL)
_UNUSUAL = re.compile(rb"\0(?:H 160000|[^H\0])[^\0]*")
"""In a list with a NUL before each entry; a pattern that begins with it is twenty times as fast."""
_PLACES = (
    "--is-bare-repository",
    "--is-shallow-repository",
    "--absolute-git-dir",
    "--git-common-dir",
    "--show-toplevel",
)
_FILES = ("ls-files", "-v", "-s", "-z", "--full-name", ":/")
_STATUS = ("status", "--porcelain=v2", "-z", "--branch", "--no-renames", "--ignore-submodules=all")
_ALL = "--untracked-files=all"
_CLEAR = ("update-index", "-z", "--no-assume-unchanged", "--no-skip-worktree", "--stdin")
_UPDATE = ("update-index", "-z", "--add", "--remove", "--replace", "--stdin")
_BEFORE_PATH = {"1": 8, "u": 10, "?": 1, "!": 1}
"""Fields before the path in each type of entry (git-status(1), porcelain format v2)."""


class _Layout(NamedTuple):
    """Where the parts of a working tree are."""

    root: str
    folder: str
    """Its own git folder, with HEAD and index."""
    common: str
    """The folder shared by all worktrees, with the objects."""
    shallow: bool


class GitRepositories:
    """The :class:`~shipway.core.ports.git.Git` of this machine."""

    def __init__(self, processes: Processes, variables: Mapping[str, str]) -> None:
        self._processes = processes
        self._env = {name: variables[name] for name in _PASSED if name in variables} | _FIXED
        self._layouts: dict[str, _Layout] = {}

    def observe(self, directory: str) -> Observation:
        """Look at the working tree that ``directory`` lies in; see the port."""
        if not os.path.isdir(directory):  # noqa: PTH112  as the other paths here
            raise _no_repository(directory, "there is no such folder")
        place, config, head, describe, files = scope.each(
            lambda command: self._git(directory, *command),
            (
                ("rev-parse", *_PLACES),
                ("config", "-z", "--list"),
                ("cat-file", "commit", "HEAD"),
                ("describe", "--tags", "--always"),
                _FILES,
            ),
        )
        layout = _layout(place, directory)
        self._layouts[layout.root] = layout
        settings = _settings(config.out)
        filters = _filters(settings)
        links, hidden = _unusual(files.out, layout.root)
        status = self._status(layout, filters, hidden)
        tree, time = _commit(head.out)
        commit, branch = _header(status.out, b"oid"), _header(status.out, b"head")
        changed, nested = _entries(status.out)
        return Observation(
            root=layout.root,
            commit="" if commit == "(initial)" else commit,
            tree=tree,
            time=time,
            branch="" if branch == "(detached)" else branch,
            describe=_line(describe.out),
            remote=settings.get("remote.origin.url", ""),
            shallow=layout.shallow,
            linked=layout.folder != layout.common,
            submodule="/.git/modules/" in layout.folder,
            links=tuple(sorted(links)),
            moved=self._moved(layout.root, links),
            nested=nested,
            filters=filters,
            hidden=hidden,
            changed=changed,
        )

    def snapshot(self, seen: Observation) -> str:
        """Return the tree id of the files as they are now; see the port."""
        layout = self._layouts.get(seen.root)
        if layout is None:
            layout = _layout(self._git(seen.root, "rev-parse", *_PLACES), seen.root)
        with _apart(layout) as env:
            if seen.hidden:
                hidden = _listed(seen.hidden)
                self._must(seen.root, *_CLEAR, env=env, stdin=hidden, filters=seen.filters)
            paths = _listed((*seen.changed, *seen.moved))
            self._must(seen.root, *_UPDATE, env=env, stdin=paths, filters=seen.filters)
            done = self._must(seen.root, "write-tree", env=env, filters=seen.filters)
            return _line(done.out)

    def unnamed(self, root: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Return those of ``paths`` that a snapshot does not name; see the port."""
        real = {path: _really(root, path) for path in paths}
        owners: dict[str, list[str]] = {}
        for path in dict.fromkeys(place for place in real.values() if place):
            owners.setdefault(_owner(root, path), []).append(path)
        found = self._ignored(root, owners.pop("", []))
        links, _ = _unusual(self._git(root, *_FILES).out if owners else b"", root)
        for owner, inside in owners.items():
            found |= self._foreign(root, owner, inside) if owner in links else set(inside)
        return tuple(path for path, place in real.items() if not place or place in found)

    def _ignored(self, root: str, paths: list[str]) -> set[str]:
        if not paths:
            return set()
        done = self._git(root, "check-ignore", "-z", "--stdin", stdin=_listed(paths))
        if done.code > 1:
            raise _unreadable(root, done)
        return {os.fsdecode(path) for path in done.out.split(b"\0") if path}

    def _foreign(self, root: str, link: str, paths: list[str]) -> set[str]:
        """Return those of ``paths`` in a submodule that its commit does not name."""
        inside = str(Path(root, link))
        own = {path.removeprefix(link + "/"): path for path in paths}
        changed, _ = _entries(self._inside(inside).out)
        bad = {*changed, *self.unnamed(inside, tuple(own))}
        return {path for name, path in own.items() if name in bad}

    def _moved(self, root: str, links: Mapping[str, str]) -> tuple[str, ...]:
        """Return the checked-out submodules that are not exactly the commit recorded."""
        return tuple(link for link in sorted(links) if self._is_moved(root, link, links[link]))

    def _is_moved(self, root: str, link: str, commit: str) -> bool:
        folder = Path(root, link)
        if not (folder / ".git").exists():
            return False
        status = self._inside(str(folder)).out
        links, _ = _unusual(self._git(str(folder), *_FILES).out, str(folder))
        clean = _header(status, b"oid") == commit and not any(_entries(status))
        return not clean or bool(self._moved(str(folder), links))

    def _inside(self, folder: str) -> Completed:
        """Return the status of a submodule, whose own configuration runs nothing either."""
        filters = _filters(_settings(self._git(folder, "config", "-z", "--list").out))
        return self._must(folder, *_STATUS, _ALL, filters=filters)

    def _status(self, layout: _Layout, filters: Sequence[str], hidden: Sequence[str]) -> Completed:
        """Return the status, looking also at files that the index says not to look at."""
        if not hidden:
            return self._must(layout.root, *_STATUS, _ALL, filters=filters)
        with _apart(layout) as env:
            self._must(layout.root, *_CLEAR, env=env, stdin=_listed(hidden), filters=filters)
            return self._must(layout.root, *_STATUS, _ALL, env=env, filters=filters)

    def _must(
        self,
        directory: str,
        *command: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        filters: Sequence[str] = (),
    ) -> Completed:
        done = self._git(directory, *command, env=env, stdin=stdin, filters=filters)
        if done.code:
            raise _unreadable(directory, done)
        return done

    def _git(
        self,
        directory: str,
        *command: str,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        filters: Sequence[str] = (),
    ) -> Completed:
        settings = _environment(_OVERRIDES | _disarmed(filters))
        return self._processes.run(
            ("git", "--no-pager", *command),
            env={**self._env, **settings, **(env or {})},
            cwd=directory,
            stdin=stdin,
        )


@contextlib.contextmanager
def _apart(layout: _Layout) -> Iterator[dict[str, str]]:
    """Yield the environment of an index and an object folder that are not the user's."""
    with tempfile.TemporaryDirectory(prefix="shipway-git-") as folder:
        index, objects = Path(folder, "index"), Path(folder, "objects")
        objects.mkdir()
        with contextlib.suppress(FileNotFoundError):  # a repository without a commit has no index
            shutil.copy2(Path(layout.folder, "index"), index)
        yield {
            "GIT_INDEX_FILE": str(index),
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{Path(layout.common, "objects")}"',
        }


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return configuration as variables, which no quoting can break (git-config(1))."""
    found = {"GIT_CONFIG_COUNT": str(len(settings))}
    for place, (key, value) in enumerate(settings.items()):
        found |= {f"GIT_CONFIG_KEY_{place}": key, f"GIT_CONFIG_VALUE_{place}": value}
    return found


def _disarmed(filters: Sequence[str]) -> dict[str, str]:
    """Return the configuration under which none of ``filters`` runs or is missed."""
    found: dict[str, str] = {}
    for name in filters:
        found |= {f"filter.{name}.{verb}": "" for verb in ("clean", "smudge", "process")}
        found[f"filter.{name}.required"] = "false"
    return found


def _layout(done: Completed, directory: str) -> _Layout:
    """Return where things are.

    Raises:
        ShipwayError: ``source.no-repository``.
    """
    lines = os.fsdecode(done.out).splitlines()
    if done.code or len(lines) < len(_PLACES) or lines[0] == "true":
        raise _no_repository(directory, "it lies in no working tree of a git repository")
    _, shallow, folder, common, root = lines
    common = os.path.realpath(os.path.join(directory, common))  # noqa: PTH118
    return _Layout(root, os.path.realpath(folder), common, shallow == "true")


def _no_repository(directory: str, message: str) -> ShipwayError:
    return ShipwayError(
        "source.no-repository",
        Kind.NOT_FOUND,
        message,
        operation="reading the source",
        subject=directory,
        hint="run `git init && git add . && git commit` there, or name another folder",
    )


def _unreadable(directory: str, done: Completed) -> ShipwayError:
    return ShipwayError(
        "source.unreadable",
        Kind.INTEGRITY,
        _line(done.err[-2000:]) or f"git ended with {done.code}",
        operation="reading the source",
        subject=directory,
        hint="`git fsck` and `git status` say more",
    )


def _settings(listed: bytes) -> dict[str, str]:
    """Return ``git config -z --list`` as a mapping; the last word counts."""
    entries = (os.fsdecode(entry).partition("\n") for entry in listed.split(b"\0") if entry)
    return {key: value for key, _, value in entries}


def _filters(settings: Mapping[str, str]) -> tuple[str, ...]:
    found = (_FILTER.match(key) for key in settings)
    return tuple(sorted({match[1] for match in found if match}))


def _unusual(listed: bytes, root: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return submodules (path to commit) and files present that the index hides from status."""
    links, hidden = {}, []
    for match in _UNUSUAL.finditer(b"\0" + listed):
        fields, _, name = match[0][1:].partition(b"\t")
        path = os.fsdecode(name)
        _, mode, commit, _ = os.fsdecode(fields).split(" ")
        if mode == "160000":
            links[path] = commit
        elif fields[:1] in b"hsS" and os.path.lexists(Path(root, path)):
            hidden.append(path)
    return links, tuple(hidden)


def _commit(raw: bytes) -> tuple[str, int]:
    """Return the tree and the committer's time of a raw commit; nothing of an empty one."""
    tree = re.search(rb"\Atree ([0-9a-f]+)\n", raw)
    time = re.search(rb"^committer .* (\d+) [+-]\d+$", raw.partition(b"\n\n")[0], re.MULTILINE)
    return os.fsdecode(tree[1]) if tree else "", int(time[1]) if time else 0


def _header(status: bytes, name: bytes) -> str:
    match = re.search(rb"(?:\A|\0)# branch\." + name + rb" ([^\0]*)", status)
    return os.fsdecode(match[1]) if match else ""


def _entries(status: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return changed paths, and untracked folders that are repositories of their own."""
    paths = []
    for entry in status.split(b"\0"):
        kind = os.fsdecode(entry[:1])
        if kind in _BEFORE_PATH:
            paths.append(os.fsdecode(entry.split(b" ", _BEFORE_PATH[kind])[-1]))
    nested = tuple(path for path in paths if path.endswith("/"))
    return tuple(sorted({path for path in paths if not path.endswith("/")})), nested


def _really(root: str, path: str) -> str:
    """Return where a path leads below ``root``, links followed; empty where that is outside."""
    top = os.path.realpath(root)
    place = os.path.realpath(os.path.join(top, path))  # noqa: PTH118
    return os.path.relpath(place, top) if place.startswith(f"{top}/") else ""


def _owner(root: str, path: str) -> str:
    """Return the innermost folder above ``path``, under ``root``, that is a repository itself."""
    parents = [str(parent) for parent in Path(path).parents][:-1]
    return next((at for at in parents[::-1] if os.path.lexists(Path(root, at, ".git"))), "")


def _listed(paths: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def _line(text: bytes) -> str:
    return os.fsdecode(text).strip()
