"""A person's own files, changed with that person's rights."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.embedded import as_root
from shipway.adapters import userfiles
from shipway.adapters.userfiles import Account, AccountFiles, person
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping


def mine(home: Path, environ: Mapping[str, str] | None = None) -> AccountFiles:
    """Return the files of the account that runs the tests, in another home."""
    account = Account("me", os.getuid(), os.getgid(), str(home))
    return AccountFiles(account, environ or {})


def test_where_the_files_are(tmp_path: Path) -> None:
    """Without variables they are where kubectl and docker have them."""
    files = mine(tmp_path)
    assert files.kubeconfig() == str(tmp_path / ".kube" / "config")
    assert files.docker_config() == str(tmp_path / ".docker" / "config.json")


def test_variables_name_other_places(tmp_path: Path) -> None:
    """KUBECONFIG's first file that is there counts, else its last; DOCKER_CONFIG is a folder."""
    one, two = tmp_path / "one", tmp_path / "two"
    environ = {"KUBECONFIG": f"{one}{os.pathsep}{two}", "DOCKER_CONFIG": str(tmp_path)}
    assert mine(tmp_path, environ).kubeconfig() == str(two)
    one.touch()
    assert mine(tmp_path, environ).kubeconfig() == str(one)
    assert mine(tmp_path, environ).docker_config() == str(tmp_path / "config.json")


def test_a_new_file_is_private(tmp_path: Path) -> None:
    """File and folder are the person's alone; no lock and no half file stay."""
    files = mine(tmp_path)
    assert files.read(files.kubeconfig()) is None
    assert files.change(files.kubeconfig(), lambda text: f"{text} then")
    path = Path(files.kubeconfig())
    assert files.read(str(path)) == "None then"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["config"]


def test_no_change_writes_nothing(tmp_path: Path) -> None:
    """The same text leaves the very file."""
    path = tmp_path / "config"
    path.write_text("same")
    before = path.stat()
    assert not mine(tmp_path).change(str(path), lambda text: text)
    assert path.stat().st_ino == before.st_ino


def test_a_readable_file_becomes_private(tmp_path: Path) -> None:
    """A file that others could read is theirs no longer once a key is in it."""
    path = tmp_path / "config"
    path.write_text("old")
    path.chmod(0o644)
    mine(tmp_path).change(str(path), lambda _: "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_written_through(tmp_path: Path) -> None:
    """A config kept elsewhere (dotfiles) stays a link, and its target is changed."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "config").symlink_to(tmp_path / "real")
    mine(tmp_path).change(str(tmp_path / "config"), lambda _: "new")
    assert (tmp_path / "config").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_nothing_removes_the_file(tmp_path: Path) -> None:
    """A change to nothing takes the file away."""
    path = tmp_path / "config"
    path.write_text("old")
    assert mine(tmp_path).change(str(path), lambda _: None)
    assert not path.exists()


def test_a_lock_of_another_is_respected(tmp_path: Path) -> None:
    """While kubectl's lock is there nothing is changed, and the next step is named."""
    path = tmp_path / "config"
    path.write_text("old")
    Path(f"{path}.lock").touch()
    with pytest.raises(ShipwayError) as caught:
        mine(tmp_path).change(str(path), lambda _: "new")
    assert caught.value.id == "userfile.locked"
    assert path.read_text() == "old"


def test_a_failed_change_leaves_no_lock(tmp_path: Path) -> None:
    """What cannot be changed stays as it was, unlocked."""

    def fail(_: str | None) -> str:
        raise ShipwayError("kubeconfig.invalid", _kind(), "broken")

    path = tmp_path / "config"
    path.write_text("old")
    with pytest.raises(ShipwayError):
        mine(tmp_path).change(str(path), fail)
    assert [one.name for one in tmp_path.iterdir()] == ["config"]


def _kind() -> object:
    from shipway.errors import Kind  # noqa: PLC0415

    return Kind.CONFIG


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """The system's own reason is told."""
    (tmp_path / "file").touch()
    with pytest.raises(ShipwayError) as caught:
        mine(tmp_path).change(str(tmp_path / "file" / "config"), lambda _: "x")
    assert caught.value.id == "userfile.denied"
    with pytest.raises(ShipwayError) as caught:
        mine(tmp_path).read(str(tmp_path))
    assert caught.value.id == "userfile.denied"


def test_who_the_person_is() -> None:
    """The process's own account; under sudo, root works for the account that called it."""
    assert person({}).uid == os.getuid()
    nobody = pwd.getpwnam("nobody")
    found = person({"SUDO_UID": str(nobody.pw_uid)})
    assert found.uid == (nobody.pw_uid if os.getuid() == 0 else os.getuid())


def test_where_the_persons_home_is() -> None:
    """HOME, as for every program; another account's is not in our environment."""
    own = pwd.getpwuid(os.getuid())
    assert person({"HOME": "/elsewhere"}).home == "/elsewhere"
    assert person({}).home == own.pw_dir
    called = person({"HOME": "/root", "SUDO_UID": str(pwd.getpwnam("nobody").pw_uid)})
    assert called.home == (pwd.getpwnam("nobody").pw_dir if os.getuid() == 0 else "/root")


CHILD = """
import sys
from pathlib import Path
from shipway.adapters.userfiles import Account, AccountFiles
from shipway.errors import ShipwayError
home = sys.argv[1]
files = AccountFiles(Account("nobody", 65534, 65534, home), {})
path = files.kubeconfig()
print(files.read(path), files.change(path, lambda text: "one"), files.read(path))
print(files.change(path, lambda text: text + " two"), Path(path).stat().st_uid)
Path(path + ".lock").touch()
try: files.change(path, lambda text: "x")
except ShipwayError as error: print(error.id)
Path(path + ".lock").unlink()
print(files.change(path, lambda text: None), Path(path).exists())
try: files.change("/etc/shipway-test/config", lambda text: "x")
except ShipwayError as error: print(error.id)
"""


@pytest.mark.cluster
def test_root_works_with_the_persons_rights(tmp_path: Path) -> None:
    """As root for another account, a child with its rights does it: no root-owned file appears."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    as_root(["chown", "65534:65534", str(home)])
    import sys  # noqa: PLC0415

    from fakes.ordinary import python  # noqa: PLC0415

    said = as_root([python(tmp_path), "-I", "-c", CHILD, str(home)])
    assert sys.executable
    assert said.stdout.splitlines() == [
        "None True one",
        "True 65534",
        "userfile.locked",
        "True False",
        "userfile.denied",
    ]


def test_the_childs_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The child reads, removes, locks and unlocks one path, and its code says how it went."""
    path = str(tmp_path / "config")
    assert userfiles.main(["read", path]) == 3
    Path(path).write_text("text")
    assert userfiles.main(["read", path]) == 0
    assert capsys.readouterr().out == "text"
    assert userfiles.main(["lock", path]) == 0
    assert userfiles.main(["lock", path]) == 4
    assert userfiles.main(["unlock", path]) == 0
    assert userfiles.main(["remove", path]) == 0
    assert not Path(path).exists()
    assert userfiles.main(["read", f"{tmp_path}"]) == 1
