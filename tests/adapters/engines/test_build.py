"""Engines are made once, go on where they stopped, and say what is wrong."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.tinyengine import TOML, write_lock
from fakes.toolchains import FakeToolchains
from shipway import scope
from shipway.adapters.engines import mirror
from shipway.adapters.engines.build import EngineBuilder, decode
from shipway.adapters.engines.locks import LockFolder
from shipway.adapters.process import SystemProcesses
from shipway.core.oci.digest import of
from shipway.core.ports.process import Completed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shipway.core.engines.progress import Progress
    from shipway.core.ports.engines import Built
    from shipway.core.ports.process import Processes

PROGRAM = b"#!/bin/sh\necho tiny\n"


class ScriptedGo:
    """A ``go`` that says what a real one says, and writes one program.

    Attributes:
        fails: The subcommand (``list``, ``build``) that fails, if any.
        calls: Every argument list, with the variables it got.
    """

    def __init__(self) -> None:
        self.fails = ""
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
        del cwd, stdin, timeout
        go = list(argv[argv.index("/go") :])
        self.calls.append((go, dict(env)))
        if go[1] == "env":
            return Completed(0, json.dumps({"GOPROXY": "from-go-env", "GOAUTH": ""}).encode(), b"")
        if on_line is None:
            return Completed(0, b"", b"")
        for line in self._lines(go):
            on_line(line)
        return Completed(1 if go[1] == self.fails else 0, b"", b"")

    def _lines(self, go: list[str]) -> list[str]:
        if go[1] == self.fails:
            return ["go: no such module"]
        if go[1] == "list":
            return ["go: downloading x.dev/a v1.0.0", "x.dev/a", "cmd/pack"]
        (Path(go[go.index("-o") + 1]) / "pack").write_bytes(PROGRAM)
        return ["x.dev/a", "cmd/pack"]


def silent(_: Progress) -> None:
    """Take no notice."""


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    """Give a folder with the lock of ``tiny``."""
    return write_lock(tmp_path / "locks")


@pytest.fixture
def go() -> ScriptedGo:
    """Give a scripted Go."""
    return ScriptedGo()


def builder(
    locks: Path, tmp_path: Path, processes: Processes, environ: Mapping[str, str] | None = None
) -> EngineBuilder:
    """Return a builder whose toolchain is /go."""
    return EngineBuilder(
        LockFolder(locks),
        processes,
        FakeToolchains("/go"),
        environ or {"HOME": str(tmp_path)},
        str(tmp_path / "cache"),
    )


class Slow(ScriptedGo):
    """A Go whose output comes slowly enough to be told of."""

    def _lines(self, go: list[str]) -> Iterator[str]:  # type: ignore[override]
        for line in super()._lines(go):
            time.sleep(0.11)
            yield line


def make(engines: EngineBuilder, on_progress: Callable[[Progress], None] = silent) -> Built:
    """Return the engine ``tiny``."""
    (built,) = engines.ensure(["tiny"], on_progress=on_progress)
    return built


def test_a_made_engine_lies_under_its_lock_digest(
    locks: Path, tmp_path: Path, go: ScriptedGo
) -> None:
    """The program has the name that the recipe gives it, and a list of sums beside it."""
    built = make(builder(locks, tmp_path, go))

    place = tmp_path / "cache" / "engines" / "tiny" / LockFolder(locks).digest("tiny")
    assert built.directory == str(place)
    assert built.files == {"archiver": of(PROGRAM)}
    assert (place / "archiver").stat().st_mode & 0o777 == 0o755
    assert (place / "SHA256SUMS").read_text().endswith("  archiver\n")
    assert sorted(path.name for path in place.parent.iterdir()) == [".making", place.name]


def test_for_another_platform(locks: Path, tmp_path: Path, go: ScriptedGo) -> None:
    """What goes into an image is made for that image's nodes, beside what runs here."""
    places = set()
    for architecture in ("amd64", "arm64"):
        engines = EngineBuilder(
            LockFolder(locks, f"linux-{architecture}"),
            go,
            FakeToolchains("/go"),
            {"HOME": str(tmp_path)},
            str(tmp_path / "cache"),
        )
        places.add(make(engines).directory)
    built_for = [env["GOARCH"] for argv, env in go.calls if argv[1] == "build"]

    assert built_for == ["amd64", "arm64"]
    assert len(places) == 2


def test_every_phase_is_told_in_order(locks: Path, tmp_path: Path, go: ScriptedGo) -> None:
    """From the toolchain to the peak."""
    moments: list[Progress] = []

    make(builder(locks, tmp_path, go), moments.append)

    assert [moment.phase for moment in moments] == ["toolchain", "built", "trimmed"]
    assert moments[-1].peak >= 0


def test_what_goes_slowly_is_told_line_by_line(locks: Path, tmp_path: Path) -> None:
    """Modules as they come, packages against their number."""
    moments: list[Progress] = []

    make(builder(locks, tmp_path, Slow()), moments.append)

    told = [(m.phase, m.done, m.total, m.subject) for m in moments]
    assert told[1:4] == [
        ("download", 1, 0, "x.dev/a v1.0.0"),
        ("compile", 1, 2, "x.dev/a"),
        ("compile", 2, 2, "cmd/pack"),
    ]


def test_go_gets_the_users_network_settings_and_no_others(
    locks: Path, tmp_path: Path, go: ScriptedGo
) -> None:
    """What ``go env -w`` says about proxies counts, in a build that reads no settings file."""
    make(builder(locks, tmp_path, go, {"HOME": "/h", "GOFLAGS": "-race"}))

    env = next(env for argv, env in go.calls if argv[1] == "build")
    assert (env["GOPROXY"], env["GOENV"]) == ("from-go-env", "off")
    assert env["GOFLAGS"] == "-mod=readonly -modcacherw"


def test_modules_are_removed_when_all_is_made(locks: Path, tmp_path: Path, go: ScriptedGo) -> None:
    """They are the larger half of what a making takes."""
    (tmp_path / "cache" / "engine-modules" / "x").mkdir(parents=True)

    make(builder(locks, tmp_path, go))

    assert not (tmp_path / "cache" / "engine-modules").exists()


def test_modules_of_later_engines_come_while_the_first_compiles(
    locks: Path, tmp_path: Path, go: ScriptedGo
) -> None:
    """The second engine's list is asked for ahead, then once more when its turn has come."""
    write_lock(locks, TOML.replace('"tiny"', '"other"').replace("cmd/pack", "cmd/x/pack"), "other")
    engines = builder(locks, tmp_path, go)

    built = engines.ensure(["tiny", "other"], on_progress=silent)

    assert [one.name for one in built] == ["tiny", "other"]
    listed = [argv[-1] for argv, _ in go.calls if argv[1] == "list" and "-deps" in argv]
    assert sorted(listed) == ["cmd/pack", "cmd/x/pack", "cmd/x/pack"]


@pytest.mark.parametrize(("command", "kind"), [("list", Kind.TRANSIENT), ("build", Kind.MISSING)])
def test_a_failed_making_shows_what_go_said_and_goes_on(
    locks: Path, tmp_path: Path, go: ScriptedGo, command: str, kind: Kind
) -> None:
    """Nothing half-made is taken for an engine; the next time it works."""
    engines = builder(locks, tmp_path, go)
    go.fails = command

    with pytest.raises(ShipwayError) as caught:
        make(engines)

    assert (caught.value.id, caught.value.kind) == ("engine.build", kind)
    assert "go: no such module" in caught.value.message
    go.fails = ""
    assert make(engines).files == {"archiver": of(PROGRAM)}


def test_what_an_interrupted_making_left_is_made_anew(
    locks: Path, tmp_path: Path, go: ScriptedGo
) -> None:
    """A folder without its list of sums, or a file that is gone, is no engine."""
    engines = builder(locks, tmp_path, go)
    place = Path(make(engines).directory)
    (place.parent / f"{place.name}.part" / "out").mkdir(parents=True)
    (place / "archiver").unlink()

    assert make(engines).seconds > 0
    assert (place / "archiver").read_bytes() == PROGRAM
    (place / "SHA256SUMS").unlink()
    assert make(engines).seconds > 0
    assert make(engines).seconds == 0


def test_two_at_once_make_it_once(locks: Path, tmp_path: Path, go: ScriptedGo) -> None:
    """The second waits for the first and takes what it made."""
    results = scope.each(lambda _: make(builder(locks, tmp_path, go)).seconds, [1, 2], 2)

    assert sorted(second > 0 for second in results) == [False, True]


def test_waiting_for_another_ends_with_the_scope(
    locks: Path, tmp_path: Path, go: ScriptedGo
) -> None:
    """A making elsewhere that never ends holds nobody beyond their deadline."""
    place = tmp_path / "cache" / "engines" / "tiny"
    place.mkdir(parents=True)
    with (place / ".making").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ShipwayError) as caught, scope.open(seconds=0.3):
            make(builder(locks, tmp_path, go))

    assert caught.value.id == "run.deadline"


def test_too_full_a_disk_is_said_before_anything_starts(tmp_path: Path, go: ScriptedGo) -> None:
    """An engine that takes a million seconds takes more room than any machine has."""
    locks = write_lock(tmp_path / "locks", TOML.replace("seconds = 2", "seconds = 1e12"))

    with pytest.raises(ShipwayError) as caught:
        make(builder(locks, tmp_path, go))

    assert (caught.value.id, caught.value.kind) == ("engine.disk", Kind.MISSING)
    assert not go.calls


def test_what_go_really_says_reaches_the_error(tmp_path: Path, go_path: str) -> None:
    """The real Go, asked for a package that is not there."""
    locks = write_lock(tmp_path / "locks", TOML.replace("cmd/pack", "cmd/nothing/here"))
    engines = EngineBuilder(
        LockFolder(locks),
        SystemProcesses(),
        FakeToolchains(go_path),
        os.environ,
        str(tmp_path / "cache"),
    )

    with pytest.raises(ShipwayError) as caught:
        make(engines)

    assert "cmd/nothing/here" in caught.value.message


@pytest.fixture
def offered(tmp_path: Path) -> Path:
    """Give a mirror folder that has the program."""
    (tmp_path / "archiver").write_bytes(PROGRAM)
    mirror.offer(tmp_path, tmp_path / "mirror", {"archiver": of(PROGRAM)})
    return tmp_path / "mirror"


@pytest.fixture
def served(offered: Path) -> Iterator[str]:
    """Give the mirror's address on this machine."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(offered))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def prebuilt(tmp_path: Path, data: bytes) -> Path:
    """Return locks that name ``data`` as what a mirror has."""
    platform = LockFolder(tmp_path).platform
    return write_lock(tmp_path / "locks", f'{TOML}[prebuilt.{platform}]\narchiver = "{of(data)}"\n')


@pytest.mark.parametrize("form", ["folder", "file", "http"])
def test_a_mirror_is_taken_by_digest(
    tmp_path: Path, go: ScriptedGo, offered: Path, served: str, form: str
) -> None:
    """From a folder or an address, without any Go."""
    base = {"folder": str(offered), "file": f"file://{offered}", "http": served}[form]
    moments: list[Progress] = []

    engines = builder(prebuilt(tmp_path, PROGRAM), tmp_path, go, {mirror.VARIABLE: base})

    assert make(engines, moments.append).files == {"archiver": of(PROGRAM)}
    assert not go.calls
    assert [moment.phase for moment in moments] == ["fetch", "built", "trimmed"]


@pytest.mark.parametrize("lie", [b"other bytes", None])
def test_a_mirror_without_the_right_bytes_is_passed_over(
    tmp_path: Path, go: ScriptedGo, offered: Path, lie: bytes | None
) -> None:
    """Wrong or missing there: compiled here, and what came is not kept."""
    wanted = prebuilt(tmp_path, b"wanted")
    if lie:
        (offered / "sha256" / of(b"wanted").removeprefix("sha256:")).write_bytes(lie)

    built = make(builder(wanted, tmp_path, go, {mirror.VARIABLE: str(offered)}))

    assert built.files == {"archiver": of(PROGRAM)}
    assert any(argv[1] == "build" for argv, _ in go.calls)


def test_a_cache_that_cannot_be_written_is_said(
    locks: Path, tmp_path: Path, go: ScriptedGo
) -> None:
    """A file where a folder should be is this account's to mend."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "engines").write_text("")

    with pytest.raises(ShipwayError) as caught:
        make(builder(locks, tmp_path, go))

    assert (caught.value.id, caught.value.kind) == ("engine.build", Kind.MISSING)
    assert str(tmp_path / "cache") in caught.value.hint


def test_a_line_that_says_nothing_is_a_defect() -> None:
    """The child speaks two words."""
    with pytest.raises(ShipwayError) as caught:
        decode(b"hello")

    assert caught.value.id == "engine.build"
