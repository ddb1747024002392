"""Describing programs and images of anybody."""

from __future__ import annotations

import gzip
import json
from typing import Any

import msgspec
import pytest

from fakes.content import MemoryContent
from fakes.elf import MODINFO, program
from fakes.hands import FakeHands
from shipway.core.oci import layout, manifest
from shipway.core.oci.descriptor import CONFIG, INDEX, LAYER_GZIP, MANIFEST, Descriptor, Platform
from shipway.core.oci.layer import Entry, archive
from shipway.errors import ShipwayError
from shipway.roads import sbom as road
from shipway.roads.sbom import CYCLONEDX, SbomRequest


@pytest.fixture
def hands() -> FakeHands:
    """Give hands with one program."""
    made = FakeHands()
    made.looking.files["/bin/web"] = program(
        modinfo=MODINFO + "build\tvcs.time=2024-01-02T03:04:05Z\n"
    )
    return made


def test_a_program(hands: FakeHands) -> None:
    """It is described in either format, as a text for a reader, at the time of its commit."""
    asked = SbomRequest(subject="/bin/web")
    (text,) = road.sbom(asked, hands=hands).lines()
    found = json.loads(text)
    other = road.sbom(SbomRequest(subject="/bin/web", format=CYCLONEDX), hands=hands)

    assert found["spdxVersion"] == "SPDX-2.3"
    assert found["creationInfo"]["created"] == "2024-01-02T03:04:05Z"
    assert text.count("\n") > 100
    assert json.loads(bytes(other.document))["specVersion"] == "1.6"


def test_into_a_file(hands: FakeHands) -> None:
    """With a file it is written there, and the answer says so."""
    answer = road.sbom(SbomRequest(subject="/bin/web", file="/bin/web.json"), hands=hands)

    assert list(answer.lines()) == ["wrote /bin/web.json: 7 components"]
    assert json.loads(hands.looking.files["/bin/web.json"])["packages"]


@pytest.mark.parametrize(
    ("epoch", "created"),
    [
        ("0", "1970-01-01T00:00:00Z"),
        ("9" * 20, "9999-12-31T23:59:59Z"),
        ("-1", "2024-01-02T03:04:05Z"),
    ],
)
def test_the_time_can_be_given(hands: FakeHands, epoch: str, created: str) -> None:
    """SOURCE_DATE_EPOCH counts where it is a time."""
    hands.variables["SOURCE_DATE_EPOCH"] = epoch
    (text,) = road.sbom(SbomRequest(subject="/bin/web"), hands=hands).lines()

    assert json.loads(text)["creationInfo"]["created"] == created


def test_nothing_is_there(hands: FakeHands) -> None:
    """A path at which nothing is has its own error."""
    with pytest.raises(ShipwayError) as caught:
        road.sbom(SbomRequest(subject="/bin/gone"), hands=hands)

    assert caught.value.id == "sbom.missing"


class Images:
    """Images for two platforms, to be put into a registry or a layout."""

    def __init__(self) -> None:
        self.content = MemoryContent()
        self.blobs: list[Descriptor] = []

    def put(self, data: bytes, kind: str) -> Descriptor:
        """Keep a blob."""
        self.blobs.append(self.content.put(data, kind))
        return self.blobs[-1]

    def image(self, architecture: str, **fields: Any) -> Descriptor:
        """Return an image with one program of that architecture."""
        built = MODINFO + f"build\tGOARCH={architecture}\n"
        tar = archive((Entry(path="app/web", data=program(modinfo=built)),))
        data = b"".join(part for part in tar if isinstance(part, bytes))
        layer = self.put(gzip.compress(data), LAYER_GZIP)
        config = {
            "architecture": architecture,
            "os": "linux",
            "created": "2024-01-02T03:04:05Z",
            "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
        }
        at = self.put(json.dumps(config | fields).encode(), CONFIG)
        found = self.put(manifest.image(at, (layer,), {}), MANIFEST)
        return msgspec.structs.replace(found, platform=Platform(architecture))

    def index(self) -> Descriptor:
        """Return an index over both."""
        listed = (self.image("amd64"), self.image("arm64"))
        return self.put(manifest.index(listed), INDEX)

    def folder(self, hands: FakeHands, *listed: Descriptor, path: str = "/out") -> None:
        """Write an image layout."""
        for one in self.blobs:
            hands.looking.files[f"{path}/{layout.place(one)}"] = self.content.read(one.digest)
        hands.looking.files[f"{path}/{layout.INDEX_FILE}"] = manifest.index(listed)


def named(at: Descriptor, name: str) -> Descriptor:
    """Return it under a name in a layout."""
    return msgspec.structs.replace(at, annotations={layout.REF_NAME: name})


def described(hands: FakeHands, subject: str, platform: str = "amd64") -> dict[str, Any]:
    """Return the document of an image."""
    asked = SbomRequest(subject=subject, platform=Platform(platform))
    found: dict[str, Any] = json.loads(bytes(road.sbom(asked, hands=hands).document))
    return found


def about(document: dict[str, Any]) -> tuple[str, str]:
    """Return the digest that a document is about, and what platform its program is for."""
    whole, binary = document["packages"][:2]
    return whole["checksums"][0]["checksumValue"], binary["comment"].rpartition(" ")[2]


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_an_image_in_a_registry(hands: FakeHands, architecture: str) -> None:
    """Of an index the platform's own manifest is described, with its digest and its program."""
    images, there = Images(), "r.example/shop/web"
    whole = images.index()
    for blob in images.blobs:
        hands.registries.push_blob(there, blob, images.content)
        if blob.media_type in {MANIFEST, INDEX}:
            data = images.content.read(blob.digest)
            hands.registries.push_manifest(there, data, blob.media_type, "v1")
    listed = manifest.parse_index(images.content.read(whole.digest)).manifests
    (digest,) = (one.digest for one in listed if str(one.platform) == f"linux/{architecture}")
    found = described(hands, f"{there}:v1", architecture)

    assert about(found) == (digest.removeprefix("sha256:"), architecture)
    assert found["name"] == f"{there} v1"
    assert found["creationInfo"]["created"] == "2024-01-02T03:04:05Z"
    assert f"repository_url={there}" in json.dumps(found)
    assert described(hands, f"{there}@{whole.digest}", architecture)["packages"]


def test_an_image_layout(hands: FakeHands) -> None:
    """The one image of a layout needs no name; of several each is named."""
    images = Images()
    one, other = images.index(), images.image("amd64", created="1999-01-01T00:00:00Z")
    images.folder(hands, one)
    images.folder(hands, named(one, "web"), named(other, "job"), path="/both")

    images.folder(hands, named(one, "web"), path="/only")

    assert about(described(hands, "/out", "arm64"))[1] == "arm64"
    assert described(hands, "/only")["name"] == "web"
    assert described(hands, "/both:job")["creationInfo"]["created"] == "1999-01-01T00:00:00Z"
    assert described(hands, "/both:web")["name"] == "web"


def test_an_index_that_is_a_layouts_own(hands: FakeHands) -> None:
    """A layout that lists an image a platform, without names, is one image."""
    images = Images()
    images.folder(hands, images.image("amd64"), images.image("arm64"))

    assert about(described(hands, "/out", "arm64"))[1] == "arm64"


@pytest.mark.parametrize("subject", ["/both", "/both:gone"])
def test_which_of_several(hands: FakeHands, subject: str) -> None:
    """Where nobody can know which image is meant, their names are told."""
    images = Images()
    images.folder(
        hands, named(images.image("amd64"), "a"), named(images.index(), "b"), path="/both"
    )
    with pytest.raises(ShipwayError) as caught:
        described(hands, subject)

    assert caught.value.id == "sbom.several"
    assert "a, b" in caught.value.message


def test_an_empty_layout(hands: FakeHands) -> None:
    """A layout without images has none to describe."""
    Images().folder(hands)
    with pytest.raises(ShipwayError) as caught:
        described(hands, "/out")

    assert caught.value.id == "sbom.several"


def test_a_configuration_beyond_all_measure(hands: FakeHands) -> None:
    """A configuration of many bytes is not read."""
    images = Images()
    images.folder(hands, images.image("amd64", comment="x" * (5 << 20)))
    with pytest.raises(ShipwayError) as caught:
        described(hands, "/out")

    assert caught.value.id == "manifest.invalid"


def test_a_layer_that_was_altered(hands: FakeHands) -> None:
    """A layer that is not itself is never described, even where it unpacks."""
    images = Images()
    images.folder(hands, images.image("amd64"))
    layer = images.blobs[0]
    data = hands.looking.files[f"/out/{layout.place(layer)}"]
    hands.looking.files[f"/out/{layout.place(layer)}"] = data[:4] + b"1234" + data[8:]
    with pytest.raises(ShipwayError) as caught:
        described(hands, "/out")

    assert caught.value.id == "content.altered"
