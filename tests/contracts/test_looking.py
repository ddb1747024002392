"""What everything that looks into files keeps: the one in memory and the one on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.elf import program
from fakes.looking import MemoryLooking
from shipway.adapters.looking import LocalLooking
from shipway.core.oci import layout
from shipway.core.oci.descriptor import LAYER_TAR, describe
from shipway.core.oci.digest import of
from shipway.core.ports.looking import Looking
from shipway.errors import ShipwayError

PORTS = (Looking,)


class World:
    """Files, in memory or on disk, and who looks into them."""

    def __init__(self, top: Path, *, memory: bool) -> None:
        self.looking = MemoryLooking() if memory else LocalLooking()
        self.top = top

    def write(self, name: str, data: bytes) -> str:
        """Write a file and return its path."""
        path = f"{self.top}/{name}"
        if isinstance(self.looking, MemoryLooking):
            self.looking.files[path] = data
        else:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(data)
        return path

    def read(self, path: str) -> bytes:
        """Return a file."""
        if isinstance(self.looking, MemoryLooking):
            return self.looking.files[path]
        return Path(path).read_bytes()


@pytest.fixture(params=["memory", "disk"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Give one."""
    return World(tmp_path, memory=request.param == "memory")


def test_shapes(world: World) -> None:
    """A file, a folder and nothing are told apart."""
    path = world.write("bin/web", program())

    assert world.looking.shape(path) == "file"
    assert world.looking.shape(f"{world.top}/bin") == "folder"
    assert world.looking.shape(f"{world.top}/gone") == ""


def test_a_program(world: World) -> None:
    """A program is known by its name alone, its digest, and what it says of itself."""
    found = world.looking.program(world.write("bin/web", program()))

    assert (found.name, found.digest) == ("web", of(program()))
    assert found.info.main.path == "example.com/web"


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", program()[:100]])
def test_what_is_no_program(world: World, data: bytes) -> None:
    """Anything else is refused by one name."""
    with pytest.raises(ShipwayError) as caught:
        world.looking.program(world.write("bin/web", data))

    assert caught.value.id == "buildinfo.unreadable"


def test_what_is_not_there(world: World) -> None:
    """A file that is not there is refused as the operating system does."""
    with pytest.raises(ShipwayError) as caught:
        world.looking.program(f"{world.top}/gone")

    assert caught.value.id == "files.refused"


def test_writing(world: World) -> None:
    """A file is written in place of another; where no folder is, that is said."""
    path = world.write("out.json", b"old")
    world.looking.write(path, b"new")

    assert world.read(path) == b"new"
    with pytest.raises(ShipwayError) as caught:
        world.looking.write(f"{world.top}/no/such/out.json", b"new")
    assert caught.value.id == "files.refused"


def test_a_layout(world: World) -> None:
    """Index and blobs of an image layout are read; a blob in pieces, proved at its end."""
    data = b"layer" * 1000
    blob = describe(data, LAYER_TAR)
    world.write(f"out/{layout.INDEX_FILE}", b"{}")
    world.write(f"out/{layout.place(blob)}", data)

    assert world.looking.index(f"{world.top}/out") == b"{}"
    assert b"".join(world.looking.blob(f"{world.top}/out", blob)) == data


@pytest.mark.parametrize("other", [b"Layer", b"layer" + b"x"])
def test_an_altered_blob(world: World, other: bytes) -> None:
    """A blob that is not itself is refused at its end, and one that is not there at once."""
    blob = describe(b"layer", LAYER_TAR)
    with pytest.raises(ShipwayError) as caught:
        list(world.looking.blob(f"{world.top}/out", blob))
    assert caught.value.id == "files.refused"
    with pytest.raises(ShipwayError) as caught:
        world.looking.index(f"{world.top}/out")
    assert caught.value.id == "files.refused"
    world.write(f"out/{layout.place(blob)}", other)
    with pytest.raises(ShipwayError) as caught:
        list(world.looking.blob(f"{world.top}/out", blob))
    assert caught.value.id == "content.altered"


def test_a_file_that_was_begun(tmp_path: Path) -> None:
    """A program that was hashed ahead is the same; what is no file is left for later."""
    path = tmp_path / "web"
    path.write_bytes(program())
    (tmp_path / "empty").touch()
    looking = LocalLooking()
    for one in (path, tmp_path, tmp_path / "gone", tmp_path / "empty"):
        looking.ahead(str(one))

    assert looking.program(str(path)) == LocalLooking().program(str(path))
