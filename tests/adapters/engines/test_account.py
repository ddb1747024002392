"""Under sudo, engines are made by the account that called it."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.tinyengine import TOML, write_lock
from shipway.adapters.engines import assembly, child, mirror
from shipway.adapters.engines.account import Account, AccountEngines, behind_sudo, cache_of
from shipway.adapters.engines.build import EngineBuilder
from shipway.adapters.engines.locks import LockFolder
from shipway.adapters.process import SystemProcesses
from shipway.core.oci.digest import of
from shipway.core.ports.process import Completed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shipway.core.engines.progress import Progress

PROGRAM = b"program"
NOBODY = pwd.getpwnam("nobody")


class Lowering:
    """Real processes; where this test is not root there is nothing to give up, so nobody does."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        stdin: bytes = b"",
        timeout: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Completed:
        """Run, as root with all of ``argv``."""
        self.seen = list(argv)
        whole = argv if os.geteuid() == 0 else argv[argv.index("--") + 1 :]
        return SystemProcesses().run(
            whole, env=env, cwd=cwd, stdin=stdin, timeout=timeout, on_line=on_line
        )


class Broken:
    """A child that ends with ``err`` on its standard error."""

    def __init__(self, err: bytes) -> None:
        self.err = err

    def run(self, argv: Sequence[str], **_: object) -> Completed:
        """Fail."""
        del argv
        return Completed(1, b"", self.err)


@pytest.fixture
def shared() -> Iterator[Path]:
    """Give a folder that the other account may enter, with its home in it."""
    folder = Path(tempfile.mkdtemp(prefix="engines-"))
    folder.chmod(0o755)
    (folder / "home").mkdir()
    if os.geteuid() == 0:
        os.chown(folder / "home", NOBODY.pw_uid, NOBODY.pw_gid)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def account(shared: Path) -> Account:
    """Give the account that is to make engines: nobody, or ourselves without root."""
    uid, gid = (NOBODY.pw_uid, NOBODY.pw_gid) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    return Account("nobody", uid, gid, str(shared / "home"))


def engines_of(shared: Path, account: Account, processes: object, toml: str) -> AccountEngines:
    """Return the account's engines, with a mirror that has the program."""
    (shared / "archiver").write_bytes(PROGRAM)
    mirror.offer(shared, shared / "mirror", {"archiver": of(PROGRAM)})
    folder = LockFolder(write_lock(shared / "locks", toml))
    environ = {mirror.VARIABLE: str(shared / "mirror")}
    return AccountEngines(folder, processes, environ, account, str(shared / "home" / "cache"))  # type: ignore[arg-type]


def prebuilt() -> str:
    """Return a recipe whose program a mirror may have."""
    return f'{TOML}[prebuilt.{LockFolder().platform}]\narchiver = "{of(PROGRAM)}"\n'


def test_engines_belong_to_the_account_that_called_sudo(shared: Path, account: Account) -> None:
    """Root asks, the account makes, and every event arrives."""
    processes = Lowering()
    engines = engines_of(shared, account, processes, prebuilt())
    moments: list[Progress] = []

    (built,) = engines.ensure(["tiny"], on_progress=moments.append)

    assert engines.names() == ("tiny",)
    assert (Path(built.directory) / "archiver").stat().st_uid == account.uid
    assert f"--reuid={account.uid}" in processes.seen
    assert [moment.phase for moment in moments] == ["fetch", "built", "trimmed"]


def test_the_accounts_failure_arrives_as_it_was(shared: Path, account: Account) -> None:
    """Id, kind and hint survive the way through the process."""
    engines = engines_of(shared, account, Lowering(), prebuilt())

    with pytest.raises(ShipwayError) as caught:
        engines.ensure(["other"], on_progress=lambda _: None)

    assert (caught.value.id, caught.value.kind) == ("engine.unknown", Kind.NOT_FOUND)
    assert caught.value.subject == "other"


@pytest.mark.parametrize("said", [b"", b"Traceback: no module", b'{"id": "x"}', b'{"kind": "NO"}'])
def test_a_child_that_dies_is_shown_with_its_words(
    shared: Path, account: Account, said: bytes
) -> None:
    """Whatever it wrote last reaches the reader."""
    engines = engines_of(shared, account, Broken(said), TOML)

    with pytest.raises(ShipwayError) as caught:
        engines.ensure(["tiny"], on_progress=lambda _: None)

    assert caught.value.id == "engine.build"
    assert said.decode() in caught.value.message


def test_the_child_never_works_as_root(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever starts it so has made a mistake."""
    assert child.main(["/locks", "/cache", "tiny"], 0) == 1
    assert "not made as root" in capsys.readouterr().err


def test_the_child_says_what_it_does_line_by_line(
    shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Progress and result on one stream, an error on the other."""
    locks = write_lock(shared / "locks", TOML.replace("seconds = 2", "seconds = 1e12"))

    assert child.main([str(locks), str(shared / "cache"), "tiny"], 1) == 1
    assert json.loads(capsys.readouterr().err)["id"] == "engine.disk"
    assert child.main([str(locks), str(shared / "cache")], 1) == 0
    assert capsys.readouterr().out == "built []\n"


def test_only_a_root_that_came_by_sudo_works_for_another() -> None:
    """A user, and a root that is nobody else, work for themselves."""
    assert behind_sudo({"SUDO_UID": "1000"}, 1000) is None
    assert behind_sudo({}, 0) is None
    assert behind_sudo({"SUDO_UID": "0"}, 0) is None
    assert behind_sudo({"SUDO_UID": str(NOBODY.pw_uid)}, 0) == Account(
        "nobody", NOBODY.pw_uid, NOBODY.pw_gid, NOBODY.pw_dir
    )


@pytest.mark.parametrize("named", ["4294900000", "me"])
def test_a_sudo_of_nobody_is_refused(named: str) -> None:
    """Root does not guess for whom it works."""
    with pytest.raises(ShipwayError) as caught:
        behind_sudo({"SUDO_UID": named}, 0)

    assert caught.value.id == "account.unknown"


def test_the_cache_is_the_callers() -> None:
    """XDG counts for the caller; through sudo only the account's home does."""
    account = Account("a", 1, 1, "/home/a")

    assert cache_of({"HOME": "/h"}, None) == "/h/.cache/shipway"
    assert cache_of({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, None) == "/x/shipway"
    assert cache_of({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, account) == "/home/a/.cache/shipway"


def test_the_right_hand_is_chosen_for_the_caller(shared: Path) -> None:
    """Through sudo the account's, otherwise our own."""
    uid = str(NOBODY.pw_uid)
    plain = assembly.for_caller(SystemProcesses(), {"HOME": str(shared)})
    behind = assembly.for_caller(SystemProcesses(), {"HOME": str(shared), "SUDO_UID": uid})

    assert isinstance(plain, EngineBuilder)
    assert isinstance(behind, AccountEngines) == (os.geteuid() == 0)
    assert "kubernetes" in behind.names()
    assert assembly.store(locks=shared).__class__.__name__ == "InstalledEngines"
