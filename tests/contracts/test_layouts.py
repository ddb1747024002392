"""What everything that writes images to files keeps: the one in memory and the one on disk."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from fakes.content import MemoryContent
from fakes.layouts import MemoryLayouts
from shipway.adapters.layouts import LayoutFiles
from shipway.core.oci import layout
from shipway.core.oci.descriptor import CONFIG, LAYER_GZIP, MANIFEST
from shipway.core.oci.digest import of
from shipway.core.oci.layout import Form, Packed
from shipway.core.ports.layouts import Layouts
from shipway.errors import ShipwayError

PORTS = (Layouts,)


class World:
    """A place for files, in memory or on disk, and the store that images come from."""

    def __init__(self, top: Path, *, memory: bool) -> None:
        self.content = MemoryContent()
        self.layouts = MemoryLayouts() if memory else LayoutFiles()
        self.top = top

    def packed(self, name: str, version: str = "one") -> Packed:
        """Return an image whose blobs lie in the store."""
        return Packed(
            name=name,
            reference=f"r.test/{name}:{version}",
            repository=f"r.test/{name}",
            manifest=self.content.put(f"manifest {name} {version}".encode(), MANIFEST),
            images=(
                Form(
                    manifest=self.content.put(f"manifest {name} {version}".encode(), MANIFEST),
                    config=self.content.put(f"config {name}".encode(), CONFIG),
                    layers=(self.content.put(b"layer" * 1000, LAYER_GZIP),),
                ),
            ),
        )

    def read(self, path: str) -> bytes:
        """Return a file that was written."""
        if isinstance(self.layouts, MemoryLayouts):
            return self.layouts.files[path]
        return Path(path).read_bytes()

    def write(self, path: str, data: bytes) -> None:
        """Write a file of somebody else's."""
        if isinstance(self.layouts, MemoryLayouts):
            self.layouts.files[path] = data
            return
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)


@pytest.fixture(params=["memory", "disk"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Give one."""
    return World(tmp_path, memory=request.param == "memory")


def test_a_folder_grows(world: World) -> None:
    """Images come beside one another; the same name again is replaced; every blob is itself."""
    path = f"{world.top}/made/out"
    world.layouts.folder(path, (world.packed("web"),), content=world.content)
    world.layouts.folder(path, (world.packed("job"),), content=world.content)
    world.layouts.folder(path, (world.packed("web", "two"),), content=world.content)
    index = json.loads(world.read(f"{path}/index.json"))

    assert json.loads(world.read(f"{path}/oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    assert {one["annotations"][layout.IMAGE_NAME] for one in index["manifests"]} == {
        "r.test/job:one",
        "r.test/web:two",
    }
    for blob in layout.blobs((world.packed("web", "two"), world.packed("job"))):
        assert of(world.read(f"{path}/{layout.place(blob)}")) == blob.digest


def test_a_foreign_folder_is_left_alone(world: World) -> None:
    """Where other things lie, nothing is written."""
    path = f"{world.top}/mine"
    world.write(f"{path}/letter.txt", b"dear")
    with pytest.raises(ShipwayError) as caught:
        world.layouts.folder(path, (world.packed("web"),), content=world.content)

    assert caught.value.id == "layout.foreign"
    assert world.read(f"{path}/letter.txt") == b"dear"


def test_a_tar_is_the_same_every_time(world: World) -> None:
    """It replaces what was there, holds all blobs, and has the same bytes for the same images."""
    images = (world.packed("web"), world.packed("job"))
    path = f"{world.top}/images.tar"
    world.write(path, b"old")
    world.layouts.archive(path, images, content=world.content)
    first = world.read(path)
    world.layouts.archive(path, images, content=world.content)

    assert world.read(path) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        names = {member.name for member in tar if member.isfile()}
    assert names == {entry.path for entry in layout.entries(images)}
