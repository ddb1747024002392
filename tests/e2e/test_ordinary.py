"""The whole road as an ordinary account with sudo; where the tests run as one, as that one."""

from __future__ import annotations

import os
import pwd
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.world import SHARED, World, served, whole
from fakes import ordinary
from shipway.adapters.engines.account import cache_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster


class Ordinary(World):
    """The folders of an account that owns nothing but its home."""

    def __init__(self, account: str, world: World) -> None:
        self.uid = pwd.getpwnam(account).pw_uid
        home = pwd.getpwnam(account).pw_dir if os.geteuid() == 0 else None
        folder = Path(tempfile.mkdtemp(prefix="shipway-", dir=home))
        super().__init__(folder, world.kubectl_path, world.cluster)
        self.become = ordinary.become(account)
        self.python = ordinary.python(folder)
        self.own()

    def _share(self) -> None:
        """Link programs that are built already one by one: root's folders are closed."""
        if os.geteuid() != 0:
            super()._share()
            return
        mine, real = self.home / "cache" / "shipway", Path(cache_of(os.environ, None))
        mine.mkdir(parents=True)
        for name in {"engines", "toolchains"} & set(SHARED):
            subprocess.run(["/bin/cp", "-al", str(real / name), str(mine / name)], check=True)
        compiled, built = Path(self.env["GOCACHE"]), self.home / "cache" / "go-build"
        if compiled.is_dir():
            subprocess.run(["/bin/cp", "-al", str(compiled), str(built)], check=True)
            (built / "trim.txt").unlink(missing_ok=True)
        self.env["GOCACHE"] = str(built)

    def own(self) -> None:
        """Give all folders to the account, and its own files, but none that is linked."""
        if os.geteuid() == 0:
            for top, _, files in os.walk(self.folder):
                os.chown(top, self.uid, self.uid)
                for file in (Path(top, name) for name in files):
                    if not file.is_symlink() and file.stat().st_nlink == 1:
                        os.chown(file, self.uid, self.uid)


@pytest.fixture
def person(world: World, ordinary_account: str) -> Iterator[Ordinary]:
    """Give the account a world of its own beside the one cluster."""
    made = Ordinary(ordinary_account, world)
    yield made
    subprocess.run(["/bin/rm", "-rf", str(made.folder)], check=True)


def test_the_whole_road(person: Ordinary) -> None:
    """Up, an edit, trace and rollback go through; root is asked for the cluster alone."""
    repo = person.repo("ordinary")
    first = repo.up()
    assert first.code == 0, first
    assert served(repo.url(), "one") == "one"
    repo.edit("two")
    repo.commit("two")
    second = repo.up()
    assert second.code == 0, second
    assert served(repo.url(), "two") == "two"
    whole(repo.trace("deployment/ordinary"))
    back = repo.shipway("rollback", "dev")
    assert back.code == 0, back
    assert served(repo.url(), "one") == "one"
    kinds = [(one["kind"], one["result"]) for one in repo.deploys()]
    assert kinds == [("rollback", "passed"), ("deploy", "passed"), ("deploy", "passed")]
    made = [path for path in person.home.rglob("*") if path.lstat().st_nlink == 1]
    assert {path.lstat().st_uid for path in made if not path.is_dir()} == {person.uid}
    assert (person.home / "kubeconfig").stat().st_mode & 0o077 == 0
    assert person.shipway("status", "dev", cwd=repo.path).code == 0
