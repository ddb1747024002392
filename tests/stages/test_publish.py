"""publish: by digest, nothing twice, the tag last; and what arrives is read by others."""

from __future__ import annotations

import filecmp
import gzip
import json
import subprocess
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.content import MemoryContent
from fakes.real_registry import RealRegistry
from fakes.registry import MemoryRegistry
from fakes.registry_server import RegistryServer
from shipway.adapters.baseimage import BaseImages
from shipway.adapters.content.store import Store
from shipway.adapters.registry.client import connect
from shipway.core.golang.binary import Binary
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import INDEX, LAYER_GZIP, LAYER_TAR, OCTETS, Platform
from shipway.core.oci.digest import of
from shipway.core.oci.layer import Entry
from shipway.core.project.source import Source
from shipway.errors import Kind, ShipwayError
from shipway.stages.image import ImageRequest, assemble
from shipway.stages.publish import JoinRequest, PublishRequest, join, plan, push, suggested, tag

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipway.core.oci.image import Image

AMD64 = Platform("amd64")
REPOSITORY = "127.0.0.1:5000/shop/web"


def _image(content: Any, program: bytes = b"\x7fELF" + bytes(200_000)) -> Image:
    binary = Binary(
        content=content.put(program, OCTETS),
        platform=AMD64,
        package="example.org/shop/cmd/web",
        module="example.org/shop",
        go_version="go1.27.3",
        flags=(),
        environment={},
        modules=(),
    )
    source = Source(
        root="/r", commit="c" * 40, tree="t" * 40, dirty=False, version="v1", time=1_700_000_000
    )
    request = ImageRequest(
        binary=binary,
        source=source,
        base=BaseImages(content, MemoryRegistry()).static(AMD64),
        title="web",
        files=(Entry(path="srv/x", blob=content.put(b"file", OCTETS)),),
        ports=(8080,),
    )
    return assemble(request, content=content)


def _request(image: Image, repository: str = REPOSITORY, compression: str = "none") -> Any:
    return PublishRequest(image=image, repository=repository, compression=compression)


@pytest.mark.parametrize("compression", ["none", "fast", "small"])
def test_the_manifest_is_pushed_by_digest(compression: str) -> None:
    """Layers, configuration, then the manifest; no tag; the store holds the same manifest."""
    content, registry = MemoryContent(), MemoryRegistry()
    image = _image(content)

    found = push(_request(image, compression=compression), content=content, registry=registry)

    described, data = registry.pull_manifest(REPOSITORY, found.manifest.digest)
    assert described == found.manifest
    assert content.read(found.manifest.digest) == data
    read = manifest.parse(data)
    assert (found.layers, found.config) == (read.layers, read.config)
    assert read.annotations == image.annotations
    assert registry.tags(REPOSITORY) == ()
    assert registry.writes[-1] == ("manifest", REPOSITORY, found.manifest.digest)
    assert found.reference == f"{REPOSITORY}@{found.manifest.digest}"
    assert len(found.compressors) == 3
    kind = LAYER_TAR if compression == "none" else LAYER_GZIP
    for layer, sent in zip(image.layers, found.layers, strict=True):
        packed = registry.pull_blob(REPOSITORY, sent)
        assert layer.diff_id == of(packed if kind == LAYER_TAR else gzip.decompress(packed))
        assert sent.media_type == kind


def test_a_plan_tells_what_will_be_pushed_and_sends_nothing() -> None:
    """What is signed beside the push is about the very manifest that then lies there."""
    content, registry = MemoryContent(), MemoryRegistry()
    request = _request(_image(content))
    planned = plan(request, content=content)
    assert registry.writes == []

    found = push(request, content=content, registry=registry)

    assert msgspec.structs.replace(found, pushed=0) == planned


def test_known_layers_are_not_sent_again() -> None:
    """The same image costs no bytes; an edit costs its layer, configuration and manifest."""
    content, registry = MemoryContent(), MemoryRegistry()
    first = push(_request(_image(content)), content=content, registry=registry)

    again = push(_request(_image(content)), content=content, registry=registry)
    edited = push(_request(_image(content, b"edited")), content=content, registry=registry)

    assert first.pushed > 1_000_000
    assert again.pushed == 0
    assert again.manifest == first.manifest
    assert 0 < edited.pushed < 20_000
    assert edited.layers[:-1] == first.layers[:-1]


def test_layers_are_compressed_once() -> None:
    """A second destination takes what was encoded for the first."""
    content = MemoryContent()
    image = _image(content)

    for at in ("a.example/x", "b.example/x"):
        push(_request(image, at, "fast"), content=content, registry=MemoryRegistry())

    assert len(content.encoded) == len(set(content.encoded)) == 3


def test_a_tag_moves_by_itself_and_last() -> None:
    """Tagging writes the manifest's own bytes under the name."""
    content, registry = MemoryContent(), MemoryRegistry()
    found = push(_request(_image(content)), content=content, registry=registry)

    tag(found, "v1", registry=registry)

    assert registry.resolve(REPOSITORY, "v1") == found.manifest
    assert registry.writes[-1] == ("tag", REPOSITORY, "v1")


def test_a_tag_that_stands_there_is_not_written_again() -> None:
    """Where the registry had the image already, its tag is written only if it names another."""
    content, registry = MemoryContent(), MemoryRegistry()
    image = _image(content)
    tag(push(_request(image), content=content, registry=registry), "v1", registry=registry)
    again = push(_request(image), content=content, registry=registry)
    written = len(registry.writes)

    tag(again, "v1", registry=registry)
    assert len(registry.writes) == written

    tag(again, "v2", registry=registry)
    assert registry.resolve(REPOSITORY, "v2") == again.manifest


@pytest.mark.parametrize("name", ["", "a/b", "sha256:x", "-x", "x" * 129])
def test_what_is_no_tag_is_refused(name: str) -> None:
    """A name outside of the grammar is refused before anything is written."""
    content, registry = MemoryContent(), MemoryRegistry()
    found = push(_request(_image(content)), content=content, registry=registry)
    before = list(registry.writes)

    with pytest.raises(ShipwayError) as caught:
        tag(found, name, registry=registry)

    assert (caught.value.id, caught.value.kind) == ("reference.invalid", Kind.USAGE)
    assert registry.writes == before


def test_a_repository_is_checked_before_anything_is_sent() -> None:
    """One with a tag is no repository."""
    content, registry = MemoryContent(), MemoryRegistry()

    with pytest.raises(ShipwayError) as caught:
        push(_request(_image(content), f"{REPOSITORY}:v1"), content=content, registry=registry)

    assert caught.value.id == "reference.invalid"
    assert not registry.writes


def test_an_image_that_breaks_a_rule_is_not_pushed() -> None:
    """A configuration that lists other layers is a defect, told before the manifest is written."""
    content, registry = MemoryContent(), MemoryRegistry()
    whole = _image(content)
    less = msgspec.structs.replace(whole, layers=whole.layers[:1])

    with pytest.raises(ShipwayError, match="3 diff ids for 1 layers") as caught:
        push(_request(less), content=content, registry=registry)

    assert (caught.value.id, caught.value.kind) == ("image.invalid", Kind.INTERNAL)
    assert not registry.manifests


@pytest.mark.parametrize(
    ("repository", "release", "expected"),
    [
        ("127.0.0.1:5000/x", False, "none"),
        ("localhost/x", True, "none"),
        ("r.example/x", False, "fast"),
        ("r.example/x", True, "small"),
    ],
)
def test_compression_is_a_policy(repository: str, release: bool, expected: str) -> None:
    """None on this machine, fast for development, small for a release."""
    assert suggested(repository, release=release) == expected


def test_killed_at_any_request_a_rerun_completes() -> None:
    """Whatever request is the last one, the tag is not moved, and a new run ends the same."""
    content = MemoryContent()
    image = _image(content)
    total, refused = 0, set()
    for nth in range(1, 60):
        with RegistryServer(api=False) as server:
            repository = f"{server.domain}/shop/web"
            client = connect({"DOCKER_CONFIG": "/nonexistent"})
            server.refuse_from = nth
            try:
                found = push(_request(image, repository), content=content, registry=client)
                tag(found, "v1", registry=client)
            except ShipwayError as error:
                refused.add(error.id)
                assert not server.tags
            else:
                total = len(server.requests)
            server.refuse_from = 0
            found = push(_request(image, repository), content=content, registry=client)
            tag(found, "v1", registry=client)
            assert server.tags == {("shop/web", "v1"): found.manifest.digest}
            client.close()
        if total:
            break
    assert 10 < total < nth + 1
    assert refused == {"registry.denied", "run.several"}


@pytest.fixture(scope="module")
def distribution(
    registry_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealRegistry]:
    """Give the real registry, one for this module."""
    with RealRegistry(registry_path, tmp_path_factory.mktemp("publish")) as running:
        yield running


@pytest.mark.parametrize("compression", ["none", "fast", "small"])
def test_skopeo_and_umoci_read_what_was_pushed(
    distribution: RealRegistry, tmp_path: Path, compression: str
) -> None:
    """Independent readers see the settings, and unpack the program to the last byte."""
    content = Store(tmp_path / "store")
    registry = connect({"DOCKER_CONFIG": str(distribution.docker_config())})
    repository = f"{distribution.domain}/read/{compression}"
    program = b"\x7fELF" + bytes(range(256)) * 9000
    found = push(
        _request(_image(content, program), repository, compression),
        content=content,
        registry=registry,
    )
    tag(found, "v1", registry=registry)
    login = ["--authfile", str(distribution.docker_config() / "config.json")]
    at = f"docker://{repository}"

    seen = json.loads(_run("skopeo", "inspect", "--tls-verify=false", *login, f"{at}:v1"))
    layout = tmp_path / "layout"
    _run("skopeo", "copy", "--src-tls-verify=false", *login, f"{at}:v1", f"oci:{layout}:v1")
    _run("umoci", "unpack", "--rootless", "--image", f"{layout}:v1", str(tmp_path / "bundle"))

    assert found.manifest.digest == seen["Digest"]
    assert [layer.digest for layer in found.layers] == seen["Layers"]
    rootfs = tmp_path / "bundle" / "rootfs"
    (tmp_path / "program").write_bytes(program)
    assert filecmp.cmp(tmp_path / "program", rootfs / "app" / "web", shallow=False)
    assert (rootfs / "app" / "web").stat().st_mode & 0o777 == 0o555
    assert "app:x:1001:1001" in (rootfs / "etc" / "passwd").read_text()
    config = json.loads((tmp_path / "bundle" / "config.json").read_bytes())
    assert config["process"]["args"] == ["/app/web"]
    assert config["process"]["user"] == {"uid": 1001, "gid": 1001}


def _run(*argv: str) -> bytes:
    done = subprocess.run(argv, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_an_index_is_pushed_once_and_tagged() -> None:
    """The same images in any order make the same index; one that is there is not sent again."""
    content, registry = MemoryContent(), MemoryRegistry()
    asked = PublishRequest(image=_image(content), repository=REPOSITORY, compression="none")
    image = push(asked, content=content, registry=registry).manifest
    pair = ((AMD64, image), (Platform("arm64"), image))
    first = join(
        JoinRequest(repository=REPOSITORY, images=pair, annotations={"a": "b"}),
        content=content,
        registry=registry,
    )
    again = join(
        JoinRequest(repository=REPOSITORY, images=pair[::-1], annotations={"a": "b"}),
        content=content,
        registry=registry,
    )
    tag(first, "v1", registry=registry)

    assert (first.reference, bool(first.pushed)) == (again.reference, True)
    assert again.pushed == 0
    described, data = registry.pull_manifest(REPOSITORY, "v1")
    assert described.media_type == INDEX
    listed = manifest.parse_index(data).manifests
    assert [str(one.platform) for one in listed] == ["linux/amd64", "linux/arm64"]
