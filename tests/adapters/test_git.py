"""Real repositories: the peculiar ones, and the ones that would run something."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from fakes.repository import Repository
from shipway.adapters.git import GitRepositories
from shipway.adapters.process import SystemProcesses
from shipway.errors import ShipwayError

GIT = GitRepositories(SystemProcesses(), os.environ)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give a repository with one commit of one file."""
    made = Repository(tmp_path.resolve() / "repository")
    made.write("a", "1")
    made.commit()
    return made


def test_detached(repository: Repository) -> None:
    """A detached HEAD has no branch."""
    repository.git("checkout", "--quiet", "--detach")

    assert GIT.observe(str(repository.root)).branch == ""


def test_an_edit_in_the_very_moment_of_git_add(repository: Repository) -> None:
    """A file of the same size and times as the index has of it is read again, as git does."""
    repository.git("config", "core.trustctime", "false")
    edited, index = repository.root / "a", repository.root / ".git" / "index"
    moment = 1_600_000_000_000_000_000
    edited.write_text("3")
    os.utime(edited, ns=(moment, moment))
    repository.commit()
    edited.write_text("2")
    for path in (edited, index):
        os.utime(path, ns=(moment, moment))
    seen = GIT.observe(str(repository.root))

    assert seen.changed == ("a",)
    assert GIT.snapshot(seen) != seen.tree


def test_shallow_clone(repository: Repository, tmp_path: Path) -> None:
    """A shallow clone without tags says so, and is described by its commit."""
    repository.git("tag", "v1")
    repository.write("a", "2")
    commit = repository.commit()
    clone = tmp_path.resolve() / "clone"
    repository.git(
        "clone", "--quiet", "--depth=1", "--no-tags", f"file://{repository.root}", str(clone)
    )
    seen = GIT.observe(str(clone))

    assert seen.shallow
    assert (seen.commit, seen.describe) == (commit, commit[:7])


def test_linked_worktree(repository: Repository, tmp_path: Path) -> None:
    """A linked worktree is read with its own HEAD and index, its snapshot too."""
    linked = tmp_path.resolve() / "linked"
    repository.git("worktree", "add", "--quiet", "-b", "side", str(linked))
    (linked / "b").write_text("2")
    seen = GIT.observe(str(linked))

    assert (seen.root, seen.branch, seen.linked) == (str(linked), "side", True)
    assert seen.changed == ("b",)
    assert len(GIT.snapshot(seen)) == 40


def test_from_a_folder_below(repository: Repository) -> None:
    """Any folder of the working tree leads to its top; paths are relative to that."""
    repository.write("d/e/f", "x")
    seen = GIT.observe(str(repository.root / "d/e"))

    assert seen.root == str(repository.root)
    assert seen.changed == ("d/e/f",)


@pytest.mark.parametrize("bare", [True, False])
def test_bare_repositories_and_git_folders(
    repository: Repository, tmp_path: Path, bare: bool
) -> None:
    """A bare repository, and the inside of .git, have no working tree to build."""
    place = repository.root / ".git"
    if bare:
        place = tmp_path / "bare"
        repository.git("clone", "--quiet", "--bare", str(repository.root), str(place))
    with pytest.raises(ShipwayError) as failure:
        GIT.observe(str(place))

    assert failure.value.id == "source.no-repository"


def test_a_folder_that_is_not_there(repository: Repository) -> None:
    """A folder that does not exist is named."""
    with pytest.raises(ShipwayError) as failure:
        GIT.observe(str(repository.root / "nowhere"))

    assert failure.value.id == "source.no-repository"


def test_a_repository_of_another_account(repository: Repository) -> None:
    """A tree that another account owns can be read, since none of its configuration runs."""
    if os.getuid() == 0:
        for path in [repository.root, *repository.root.rglob("*")]:
            os.chown(path, 12345, 12345, follow_symlinks=False)

    assert GIT.observe(str(repository.root)).changed == ()


def test_the_remote_is_seen(repository: Repository) -> None:
    """The URL of origin is what the configuration says."""
    repository.git("remote", "add", "origin", "https://user:pw@example.com/x.git")

    assert GIT.observe(str(repository.root)).remote == "https://user:pw@example.com/x.git"


@pytest.fixture
def parent(repository: Repository, tmp_path: Path) -> Repository:
    """Give a repository that has the first one as its submodule ``sub``."""
    made = Repository(tmp_path.resolve() / "parent")
    made.write(".gitignore", "*.tmp\n")
    made.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(repository.root),
        "sub",
    )
    made.commit()
    return made


def test_submodules(parent: Repository) -> None:
    """A submodule at its recorded commit is clean, and its tracked files are named."""
    seen = GIT.observe(str(parent.root))

    assert (seen.links, seen.moved, seen.changed) == (("sub",), (), ())
    assert GIT.unnamed(str(parent.root), ("sub/a",)) == ()
    assert GIT.observe(str(parent.root / "sub")).submodule


def test_changes_in_submodules(parent: Repository) -> None:
    """Changes in a submodule make the tree dirty, and the changed files unnamed."""
    (parent.root / "sub/a").write_text("2")
    (parent.root / "sub/new").write_text("2")
    seen = GIT.observe(str(parent.root))

    assert seen.moved == ("sub",)
    assert GIT.unnamed(str(parent.root), ("sub/a", "sub/new")) == ("sub/a", "sub/new")
    assert GIT.snapshot(seen) == seen.tree


def test_a_submodule_at_another_commit(parent: Repository) -> None:
    """A submodule at another commit makes the tree dirty; the snapshot names that commit."""
    inside = Repository(parent.root / "sub", make=False)
    inside.write("a", "2")
    inside.commit()
    seen = GIT.observe(str(parent.root))

    assert seen.moved == ("sub",)
    assert GIT.snapshot(seen) != seen.tree


def test_a_submodule_that_is_not_there(parent: Repository) -> None:
    """A submodule that was not checked out is no change."""
    parent.git("submodule", "--quiet", "deinit", "--force", "sub")

    assert GIT.observe(str(parent.root)).moved == ()


def test_untracked_repositories(repository: Repository) -> None:
    """An untracked repository inside is outside of the tree, and its files are unnamed."""
    inner = Repository(repository.root / "vendored")
    inner.write("x", "1")
    inner.commit()
    seen = GIT.observe(str(repository.root))

    assert (seen.nested, seen.changed) == (("vendored/",), ())
    assert GIT.snapshot(seen) == seen.tree
    assert GIT.unnamed(str(repository.root), ("a", "vendored/x")) == ("vendored/x",)


def test_files_that_the_index_hides(repository: Repository) -> None:
    """An edit of a file marked assume-unchanged is seen all the same, and is in the snapshot."""
    repository.git("update-index", "--assume-unchanged", "a")
    repository.write("a", "2")
    seen = GIT.observe(str(repository.root))

    assert seen.changed == ("a",)
    assert GIT.snapshot(seen) != seen.tree
    assert repository.git("ls-files", "-v") == "h a"


def test_names_of_any_bytes(repository: Repository) -> None:
    """Names that are no UTF-8, or hold spaces and newlines, are seen and snapshot."""
    Path(os.fsdecode(os.fsencode(repository.root) + b"/\xff new\nline")).write_text("x")
    seen = GIT.observe(str(repository.root))

    assert [os.fsencode(path) for path in seen.changed] == [b"\xff new\nline"]
    assert GIT.snapshot(seen) != seen.tree


def test_the_users_repository_is_not_written(repository: Repository) -> None:
    """Observing and snapshotting change no file of the user's repository."""

    def state() -> dict[str, tuple[int, int]]:
        files = [path for path in repository.root.rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in files}

    repository.write("a", "2")
    repository.write("b", "2")
    before = state()
    GIT.snapshot(GIT.observe(str(repository.root)))

    assert state() == before


def test_a_broken_repository_is_unreadable(repository: Repository) -> None:
    """Where git cannot go on, its last word is in the error."""
    repository.root.joinpath(".git/index").write_bytes(b"DIRC broken")
    with pytest.raises(ShipwayError) as failure:
        GIT.observe(str(repository.root))

    assert failure.value.id == "source.unreadable"
    with pytest.raises(ShipwayError):
        GIT.unnamed(str(repository.root), ("a",))


def bait(folder: Path) -> tuple[str, Path]:
    """Return a program that leaves a mark, and the mark."""
    mark = folder / "mark"
    program = folder / "bait"
    program.write_text(f"#!/bin/sh\necho $0 $@ >> {mark}\ncat\n")
    program.chmod(stat.S_IRWXU)
    return str(program), mark


def booby_trap(repository: Repository, program: str) -> None:
    """Configure everything by which a repository could have a program run."""
    for key in (
        "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass",
        "core.gitProxy", "core.alternateRefsCommand", "diff.external", "diff.x.textconv",
        "diff.x.command", "filter.x.clean", "filter.x.smudge", "filter.x.process",
        "filter.y.clean", "merge.x.driver", "gpg.program", "gpg.ssh.program", "sequence.editor",
        "credential.helper", "uploadpack.packObjectsHook", "alias.status", "alias.describe",
        "pager.status", "interactive.diffFilter", "trailer.x.command",
    ):  # fmt: skip
        repository.git("config", key, program)
    repository.git("config", "filter.x.required", "true")
    repository.git("config", "filter.y.required", "true")
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "remote.origin.url", f"ext::{program}")
    repository.git("config", "remote.origin.promisor", "true")
    hooks = Path(repository.git("rev-parse", "--absolute-git-dir"), "hooks")
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "pre-commit", "post-checkout", "fsmonitor-watchman"):
        (hooks / name).symlink_to(program)


def test_a_repository_runs_nothing(repository: Repository, tmp_path: Path) -> None:
    """Filters, hooks, monitors, helpers: nothing that a repository configures is ever run."""
    program, mark = bait(tmp_path)
    repository.write(".gitattributes", "* filter=x diff=x\nb filter=y\n")
    repository.write("b", "1")
    repository.write("included", f"[core]\n\tfsmonitor = {program}\n")
    repository.git("add", "--all")
    repository.commit()
    booby_trap(repository, program)
    repository.git("config", "include.path", "../included")
    mark.unlink(missing_ok=True)
    time.sleep(0.02)
    repository.write("a", "2")
    repository.write("b", "2")
    repository.write("c", "2")
    seen = GIT.observe(str(repository.root))
    GIT.snapshot(seen)
    GIT.unnamed(str(repository.root), ("a", "b", "c"))

    assert seen.filters == ("x", "y")
    assert seen.changed == ("a", "b", "c")
    assert not mark.exists()


def test_a_submodule_runs_nothing(parent: Repository, tmp_path: Path) -> None:
    """What a submodule configures is never run either."""
    program, mark = bait(tmp_path)
    inside = Repository(parent.root / "sub", make=False)
    booby_trap(inside, program)
    mark.unlink(missing_ok=True)
    time.sleep(0.02)
    inside.write(".gitattributes", "* filter=x\n")
    inside.write("a", "2")
    seen = GIT.observe(str(parent.root))
    GIT.snapshot(seen)
    GIT.unnamed(str(parent.root), ("sub/a",))

    assert seen.moved == ("sub",)
    assert not mark.exists()


def test_the_bait_bites(repository: Repository, tmp_path: Path) -> None:
    """The trap of these tests is a real one: plain git does run it."""
    program, mark = bait(tmp_path)
    repository.git("config", "core.fsmonitor", program)
    repository.git("status")

    assert mark.exists()


def test_a_missing_object_is_not_fetched(repository: Repository, tmp_path: Path) -> None:
    """A partial clone never reaches for its remote."""
    program, mark = bait(tmp_path)
    booby_trap(repository, program)
    repository.git("config", "core.repositoryFormatVersion", "1")
    repository.git("config", "extensions.partialClone", "origin")
    mark.unlink(missing_ok=True)
    tree = repository.git("rev-parse", "HEAD^{tree}")
    (repository.root / ".git/objects" / tree[:2] / tree[2:]).unlink()
    with pytest.raises(ShipwayError):
        GIT.snapshot(GIT.observe(str(repository.root)))

    assert not mark.exists()
