"""image: layers in order of stability, one digest for one set of inputs, read by others."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.content import MemoryContent
from fakes.registry import MemoryRegistry
from shipway.adapters.baseimage import BaseImages
from shipway.adapters.content.store import Store
from shipway.core.golang.binary import Binary
from shipway.core.oci import static
from shipway.core.oci.descriptor import OCTETS, Platform, describe
from shipway.core.oci.layer import Entry
from shipway.core.project.source import Source
from shipway.errors import Kind, ShipwayError
from shipway.stages.image import ImageRequest, assemble

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.core.oci.image import BaseImage, Image, Layer

AMD64 = Platform("amd64")
PEM = b"-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"


def binary(content: Any, data: bytes = b"\x7fELF program") -> Binary:
    """Put a program into the store."""
    return Binary(
        content=content.put(data, OCTETS),
        platform=AMD64,
        package="example.org/shop/cmd/web",
        module="example.org/shop",
        go_version="go1.27.3",
        flags=(),
        environment={},
        modules=(),
    )


def source(root: str = "/r") -> Source:
    """Return a clean commit."""
    return Source(
        root=root,
        commit="c" * 40,
        tree="t" * 40,
        dirty=False,
        version="v1.2.3",
        time=1_700_000_000,
        remote="https://example.org/shop",
    )


def request(content: Any, root: str = "/r", **more: Any) -> ImageRequest:
    """Return a request with our own base."""
    values: dict[str, Any] = {
        "binary": binary(content),
        "source": source(root),
        "base": BaseImages(content, MemoryRegistry()).static(AMD64),
        "title": "web",
        "ports": (8080,),
    }
    return ImageRequest(**(values | more))


def _files(content: Any, layer: Layer) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content.read(layer.diff_id))) as tar:
        return {
            member.name: file.read()
            for member in tar
            if member.isfile() and (file := tar.extractfile(member))
        }


def _config(content: Any, image: Image) -> Any:
    return json.loads(content.read(image.config.digest))


def test_layers_stand_in_order_of_stability() -> None:
    """Base, CA roots, files, binary: each a layer of its own."""
    content = MemoryContent()
    files = (Entry(path="srv/index.html", blob=content.put(b"<html>", OCTETS)),)
    made = assemble(request(content, files=files, ca=content.put(PEM, OCTETS)), content=content)

    assert [layer.title for layer in made.layers] == ["base", "ca", "files", "binary"]
    base, ca, own, program = (_files(content, layer) for layer in made.layers)
    assert {static.BUNDLE: base[static.BUNDLE] + PEM} == ca
    assert own == {"srv/index.html": b"<html>"}
    assert program == {"app/web": b"\x7fELF program"}


def test_without_files_and_roots_there_are_two_layers() -> None:
    """What was not asked for is not there."""
    content = MemoryContent()

    made = assemble(request(content), content=content)

    assert [layer.title for layer in made.layers] == ["base", "binary"]
    assert made.binary == describe(b"\x7fELF program", OCTETS).digest
    assert made.base.name == "shipway/static"


def test_a_base_without_roots_gets_them() -> None:
    """CA roots are a layer where the base has none."""
    content = MemoryContent()
    bare = msgspec.structs.replace(
        BaseImages(content, MemoryRegistry()).static(AMD64), has_roots=False
    )

    made = assemble(request(content, base=bare), content=content)

    assert [layer.title for layer in made.layers] == ["base", "ca", "binary"]
    assert static.certificates(_files(content, made.layers[1])[static.BUNDLE]) > 100


def test_the_configuration_says_how_it_runs() -> None:
    """User 1001, entrypoint, port, stop signal, folder, arguments, environment, commit time."""
    content = MemoryContent()
    more: dict[str, Any] = {"arguments": ("-v",), "environment": ("A=1",), "ports": (8080, 9090)}

    found = _config(content, assemble(request(content, **more), content=content))

    assert found["config"] == {
        "User": "1001:1001",
        "ExposedPorts": {"8080/tcp": {}, "9090/tcp": {}},
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "A=1"],
        "Entrypoint": ["/app/web"],
        "Cmd": ["-v"],
        "WorkingDir": "/",
        "StopSignal": "SIGTERM",
    }
    assert found["created"] == "2023-11-14T22:13:20Z"


def test_the_annotations_name_source_and_base() -> None:
    """Base name and digest stand beside commit, version and source."""
    content = MemoryContent()

    found = assemble(request(content), content=content).annotations

    prefix = "org.opencontainers.image."
    assert found[prefix + "base.name"] == "shipway/static"
    assert found[prefix + "base.digest"].startswith("sha256:")
    assert found[prefix + "revision"] == "c" * 40
    assert found[prefix + "title"] == "web"


def test_one_set_of_inputs_has_one_digest(tmp_path: Path) -> None:
    """In another folder, store and process order, every digest is the same."""
    first, second = MemoryContent(), Store(tmp_path / "store")

    one = assemble(request(first, "/home/a"), content=first)
    two = assemble(request(second, "/srv/b"), content=second)

    assert one == two


def test_another_binary_changes_its_layer_only() -> None:
    """The layers below keep their digests, so they are not sent again."""
    content = MemoryContent()

    one = assemble(request(content), content=content)
    two = assemble(request(content, binary=binary(content, b"edited")), content=content)

    assert one.layers[:-1] == two.layers[:-1]
    assert one.layers[-1] != two.layers[-1]


@pytest.mark.parametrize("data", [b"", b"no pem", PEM[:40]])
def test_a_ca_file_without_certificates_is_refused(data: bytes) -> None:
    """A key, an empty file or half a block is told before it is trusted."""
    content = MemoryContent()

    with pytest.raises(ShipwayError) as caught:
        assemble(request(content, ca=content.put(data, OCTETS)), content=content)

    assert (caught.value.id, caught.value.kind) == ("image.ca", Kind.CONFIG)


def test_base_and_binary_are_for_one_platform() -> None:
    """A base for another architecture is refused."""
    content = MemoryContent()
    base = BaseImages(content, MemoryRegistry()).static(Platform("arm64"))

    with pytest.raises(ShipwayError) as caught:
        assemble(request(content, base=base), content=content)

    assert (caught.value.id, caught.value.kind) == ("image.platform", Kind.USAGE)


def test_the_base_is_kept_as_it_is() -> None:
    """A pulled base's layers come first, its environment stays."""
    content = MemoryContent()
    base: BaseImage = BaseImages(content, MemoryRegistry()).static(AMD64)
    changed = msgspec.structs.replace(
        base, execution=msgspec.structs.replace(base.execution, env=("LANG=C",))
    )

    made = assemble(request(content, base=changed), content=content)

    assert made.layers[0] == base.layers[0]
    assert "LANG=C" in _config(content, made)["config"]["Env"]
