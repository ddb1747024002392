"""What everything promises that images are made of: bases, and files of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.content import MemoryContent
from fakes.files import MemoryFiles
from fakes.hands import MemoryBases
from fakes.imagefiles import MemoryImageFiles
from fakes.registry import MemoryRegistry
from shipway.adapters.baseimage import BaseImages
from shipway.adapters.imagefiles import RepositoryFiles
from shipway.core.golang.linkage import Libraries
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import CONFIG, LAYER_TAR, MANIFEST, Platform
from shipway.core.oci.layer import Entry, Type, archive
from shipway.core.ports.bases import Bases, ImageFiles
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Bases, ImageFiles)
AMD64 = Platform("amd64")
REPOSITORY = "127.0.0.1:5000/base"


@pytest.fixture(params=["memory", "real"])
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of an implementation."""
    return str(request.param)


def based(kind: str, content: MemoryContent) -> tuple[Bases, str]:
    """Return bases, and the pinned reference of one in a registry."""
    registry = MemoryRegistry()
    entry = Entry(path="etc/base", data=b"base")
    tar = b"".join(part for part in archive((entry,)) if isinstance(part, bytes))
    layer = content.put(tar, LAYER_TAR)
    said = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}'
    config = content.put(said % layer.digest.encode(), CONFIG)
    for one in (layer, config):
        registry.push_blob(REPOSITORY, one, content)
    at = registry.push_manifest(REPOSITORY, manifest.image(config, (layer,), {}), MANIFEST)
    bases: Bases = MemoryBases(content) if kind == "memory" else BaseImages(content, registry)
    return bases, f"{REPOSITORY}@{at.digest}"


def test_a_base_is_in_the_store(kind: str) -> None:
    """Its layers are there when it is returned, for the platform asked for, every time alike."""
    content = MemoryContent()
    bases, reference = based(kind, content)
    for image in (bases.static(AMD64), bases.pulled(reference, AMD64)):
        assert image.platform == AMD64
        assert image.layers
        assert all(content.has(layer.diff_id) for layer in image.layers)
    assert bases.static(AMD64) == bases.static(AMD64)
    assert bases.libraries(bases.pulled(reference, AMD64)) == Libraries()


def test_a_base_without_a_digest_is_refused(kind: str) -> None:
    """What a tag names may change."""
    bases, _ = based(kind, MemoryContent())
    with pytest.raises(ShipwayError) as caught:
        bases.pulled(f"{REPOSITORY}:latest", AMD64)
    assert (caught.value.id, caught.value.kind) == ("base.unpinned", Kind.CONFIG)


def test_files_of_a_repository(kind: str, tmp_path: Path) -> None:
    """A file is an entry whose bytes are in the store; one that is not there is named."""
    content = MemoryContent()
    project = MemoryFiles({"web/index.html": b"<html>"})
    files: ImageFiles = MemoryImageFiles(content, project)
    if kind == "real":
        (tmp_path / "web").mkdir()
        (tmp_path / "web" / "index.html").write_bytes(b"<html>")
        files = RepositoryFiles(content)
    asked = {"/srv/index.html": "web/index.html"}
    (entry,) = (one for one in files.collect(str(tmp_path), asked) if one.type is Type.FILE)
    assert (entry.path, entry.mode, entry.uid) == ("srv/index.html", 0o644, 0)
    assert entry.blob is not None
    assert content.read(entry.blob.digest) == b"<html>"
    assert files.collect(str(tmp_path), {}) == ()
    assert files.folder(str(tmp_path), "web")
    assert not files.folder(str(tmp_path), "web/none")
    with pytest.raises(ShipwayError) as caught:
        files.collect(str(tmp_path), {"/x": "none"})
    assert (caught.value.id, caught.value.kind) == ("image.files", Kind.CONFIG)
