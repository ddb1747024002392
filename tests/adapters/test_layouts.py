"""Images as files: what the disk says no to, and what others read."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from fakes.content import MemoryContent
from fakes.golang import PLATFORM, SOURCE
from fakes.registry import MemoryRegistry
from shipway.adapters.baseimage import BaseImages
from shipway.adapters.content.store import Store
from shipway.adapters.layouts import LayoutFiles
from shipway.core.golang.binary import Binary
from shipway.core.oci.descriptor import OCTETS
from shipway.errors import Kind, ShipwayError
from shipway.stages.export import ExportRequest, pack
from shipway.stages.image import ImageRequest, assemble

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.core.oci.layout import Packed
    from shipway.core.ports.content import LayerStore


def packed(content: LayerStore, name: str = "web") -> Packed:
    """Return a whole image on the real base."""
    binary = Binary(
        content=content.put(b"\x7fELF" + bytes(300_000), OCTETS),
        platform=PLATFORM,
        package=f"example.org/shop/cmd/{name}",
        module="example.org/shop",
        go_version="go1.27.3",
        flags=(),
        environment={},
        modules=(),
    )
    base = BaseImages(content, MemoryRegistry()).static(PLATFORM)
    image = assemble(
        ImageRequest(binary=binary, source=SOURCE, base=base, title=name), content=content
    )
    asked = ExportRequest(images=(image,), name=name, repository=f"r.test/shop/{name}", tag="v1")
    return pack(asked, content=content)


def said(*argv: str) -> bytes:
    """Return what a program wrote."""
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_skopeo_reads_both_forms(tmp_path: Path) -> None:
    """A layout by the service's name, the tar as an OCI archive and as docker's, all one image."""
    content = Store(tmp_path / "store")
    images = (packed(content), packed(content, "job"))
    layout, tar = tmp_path / "layout", tmp_path / "images.tar"
    LayoutFiles().folder(str(layout), images, content=content)
    LayoutFiles().archive(str(tar), images, content=content)

    for one in images:
        found = [
            json.loads(said("/usr/bin/env", "skopeo", "inspect", at))
            for at in (f"oci:{layout}:{one.name}", f"oci-archive:{tar}:{one.name}")
        ]
        assert [seen["Digest"] for seen in found] == [one.manifest.digest] * 2
        docker = said(
            "/usr/bin/env", "skopeo", "inspect", "--config", f"docker-archive:{tar}:{one.reference}"
        )
        assert json.loads(docker) == json.loads(content.read(one.images[0].config.digest))


@pytest.mark.engines
def test_oras_reads_the_layout(tmp_path: Path, oras_path: Path) -> None:
    """The real oras fetches the manifest of an image by name."""
    content = Store(tmp_path / "store")
    one = packed(content)
    LayoutFiles().folder(str(tmp_path / "layout"), (one,), content=content)
    at = f"{tmp_path / 'layout'}:web"

    assert said(str(oras_path), "manifest", "fetch", "--oci-layout", at) == content.read(
        one.manifest.digest
    )


def test_what_the_disk_refuses_is_told(tmp_path: Path) -> None:
    """A path below a file, and a full disk, are errors that name the path; nothing half is left."""
    content = MemoryContent()
    one = packed(content)
    (tmp_path / "file").write_text("")
    for write in (LayoutFiles().folder, LayoutFiles().archive):
        with pytest.raises(ShipwayError) as caught:
            write(str(tmp_path / "file" / "below"), (one,), content=content)
        assert (caught.value.id, caught.value.kind) == ("files.refused", Kind.MISSING)
        assert caught.value.subject == str(tmp_path / "file" / "below")


def test_a_layout_that_lost_its_index_gets_one(tmp_path: Path) -> None:
    """A layout cut short before its index is completed by the next run."""
    content = MemoryContent()
    one = packed(content)
    LayoutFiles().folder(str(tmp_path), (one,), content=content)
    (tmp_path / "index.json").unlink()
    LayoutFiles().folder(str(tmp_path), (one,), content=content)

    assert len(json.loads((tmp_path / "index.json").read_bytes())["manifests"]) == 1
