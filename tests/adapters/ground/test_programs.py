"""Programs are proved before root starts them; packages are unpacked beside the system."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.ground import packages
from shipway.adapters.ground.packages import DebianPackages
from shipway.adapters.ground.ports import GroundPorts
from shipway.adapters.ground.programs import GroundShell, GroundVerify
from shipway.adapters.ground.tree import RootTree
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

VERIFY = GroundVerify(owner=os.getuid())
TREE = RootTree(owner=os.getuid())


def program(folder: Path, data: bytes = b"program") -> tuple[Path, str]:
    """Return a file and its digest."""
    path = folder / "program"
    path.write_bytes(data)
    path.chmod(0o755)
    return path, hashlib.sha256(data).hexdigest()


def test_a_whole_program_is_proved(tmp_path: Path) -> None:
    """Each proved path is told."""
    path, digest = program(tmp_path)
    told: list[str] = []
    VERIFY.prove({str(path): digest}, told.append)
    assert told == [str(path)]


def test_a_changed_program_is_refused(tmp_path: Path) -> None:
    """One other byte is found."""
    path, digest = program(tmp_path)
    path.write_bytes(b"Program")
    with pytest.raises(ShipwayError) as caught:
        VERIFY.prove({str(path): digest}, lambda _: None)
    assert caught.value.id == "cluster.altered"


def test_a_program_in_others_reach_is_refused(tmp_path: Path) -> None:
    """A link, or a file that others may write to, is refused before it is read."""
    path, digest = program(tmp_path)
    path.chmod(0o777)
    with pytest.raises(ShipwayError) as caught:
        VERIFY.prove({str(path): digest}, lambda _: None)
    assert caught.value.id == "cluster.unsafe"
    path.chmod(0o755)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(ShipwayError) as caught:
        VERIFY.prove({str(tmp_path / "link"): digest}, lambda _: None)
    assert caught.value.id == "cluster.unsafe"


def test_a_program_runs_with_what_it_is_given() -> None:
    """Its code and all that it said come back; it has no other environment."""
    assert GroundShell().run(["sh", "-c", "echo $A; exit 3"], env={"A": "b"}) == (3, "b\n")


def test_ports_and_their_holder() -> None:
    """A port in use is not free, and its holder is named."""
    import socket  # noqa: PLC0415

    ports = GroundPorts()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not ports.free([port])
        assert f"(pid {os.getpid()})" in ports.holder(port)
    assert ports.free([port])
    assert ports.holder(port) == ""


@pytest.mark.cluster
def test_the_distributions_packages(tmp_path: Path) -> None:
    """Programs and libraries come from real packages, run from there, and are proved later."""
    folder = tmp_path / "packages"
    steps: list[str] = []
    found = DebianPackages(str(folder), TREE, VERIFY).have(steps.append)
    assert steps == ["runc", "passt", "runit", "iptables"]
    assert {"runc", "pasta", "runsvdir", "xtables-nft-multi", "lib/libxtables.so.12"} <= set(found)
    assert subprocess.run([found["runc"][0], "--version"], check=True, capture_output=True).stdout
    env = {"LD_LIBRARY_PATH": str(folder / "lib")}
    table = [found["xtables-nft-multi"][0], "iptables", "--version"]
    assert b"iptables" in subprocess.run(table, env=env, check=True, capture_output=True).stdout
    again: list[str] = []
    assert DebianPackages(str(folder), TREE, VERIFY).have(again.append) == found
    assert again == []
    (folder / "bin" / "runc").write_bytes(b"")
    with pytest.raises(ShipwayError) as caught:
        DebianPackages(str(folder), TREE, VERIFY).have(again.append)
    assert caught.value.id == "cluster.altered"


@pytest.mark.cluster
def test_a_package_that_cannot_be_had(tmp_path: Path) -> None:
    """Apt's own words come back, with the command to see them again."""
    with pytest.raises(ShipwayError) as caught:
        packages._download("shipway-no-such-package", tmp_path)
    assert caught.value.id == "packages.apt"
    assert "apt-get download" in caught.value.hint


def test_a_package_that_cannot_be_unpacked(tmp_path: Path) -> None:
    """A torn archive is said."""
    (tmp_path / "torn.deb").write_bytes(b"torn")
    with pytest.raises(ShipwayError) as caught:
        packages._extract(tmp_path / "torn.deb", tmp_path / "out")
    assert caught.value.id == "packages.apt"


def test_a_package_laid_out_differently(tmp_path: Path) -> None:
    """A program that is not where it should be names what was looked for."""
    with pytest.raises(ShipwayError) as caught:
        packages._take(tmp_path, ("usr/sbin/runc",), tmp_path / "runc")
    assert caught.value.id == "packages.layout"
    assert "usr/sbin/runc" in caught.value.message


def test_a_record_is_enough(tmp_path: Path) -> None:
    """Unpacked once, packages are known by their record alone."""
    path, digest = program(tmp_path)
    (tmp_path / "files.json").write_text(json.dumps({"runc": [str(path), digest]}))
    found = DebianPackages(str(tmp_path), TREE, VERIFY).have(lambda _: None)
    assert found == {"runc": (str(path), digest)}
