"""Manifests: what is written, what is read, what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci import manifest
from shipway.core.oci.descriptor import (
    CONFIG,
    INDEX,
    LAYER_TAR,
    MANIFEST,
    Descriptor,
    Platform,
    describe,
)
from shipway.core.oci.digest import Digest
from shipway.errors import ShipwayError

_CONFIG = describe(b"{}", CONFIG)
_LAYER = describe(b"tar", LAYER_TAR)


def test_an_image_manifest_in_the_specifications_order() -> None:
    """Members stand in the spec's order, annotations sorted, empty ones left out."""
    data = manifest.image(_CONFIG, (_LAYER,), {"b": "2", "a": "1"})

    found = json.loads(data)
    assert list(found) == ["schemaVersion", "mediaType", "config", "layers", "annotations"]
    assert list(found["annotations"]) == ["a", "b"]
    assert found["layers"] == [
        {"mediaType": LAYER_TAR, "digest": _LAYER.digest, "size": 3},
    ]
    assert "annotations" not in json.loads(manifest.image(_CONFIG, (_LAYER,), {}))


def test_an_artifact_has_the_empty_config() -> None:
    """An artifact says its type, the empty config and its subject without its annotations."""
    subject = Descriptor(MANIFEST, _LAYER.digest, 9, annotations={"x": "y"})

    data = manifest.artifact("a/b", (_LAYER,), subject=subject, annotations={"k": "v"})

    found = json.loads(data)
    assert found["artifactType"] == "a/b"
    assert found["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "size": 2,
    }
    assert found["subject"] == {"mediaType": MANIFEST, "digest": _LAYER.digest, "size": 9}
    assert manifest.parse(data).artifact_type == "a/b"
    assert json.loads(manifest.artifact("a/b", (), config=_CONFIG))["config"]["mediaType"] == CONFIG


def test_an_index_lists_manifests() -> None:
    """An index reads back as what was written."""
    at = Descriptor(MANIFEST, _LAYER.digest, 3, platform=Platform("amd64"))

    found = manifest.parse_index(manifest.index((at,), {"k": "v"}))

    assert (INDEX, (at,), {"k": "v"}) == (found.media_type, found.manifests, found.annotations)
    assert "annotations" not in json.loads(manifest.index(()))


@given(
    st.lists(
        st.builds(
            Descriptor,
            st.text(max_size=30),
            st.binary().map(lambda data: describe(data, "").digest),
            st.integers(0, 2**40),
            st.text(max_size=10),
        ),
        max_size=4,
    ),
    st.dictionaries(st.text(), st.text(), max_size=3),
)
def test_what_was_written_reads_back(layers: list[Descriptor], notes: dict[str, str]) -> None:
    """Any layers and annotations survive."""
    found = manifest.parse(manifest.image(_CONFIG, tuple(layers), notes))

    assert (tuple(layers), notes, _CONFIG) == (found.layers, found.annotations, found.config)


def test_unknown_members_are_read_over() -> None:
    """What another tool adds does no harm."""
    data = json.loads(manifest.image(_CONFIG, (_LAYER,), {})) | {"urls": [1]}

    assert manifest.parse(json.dumps(data).encode()).layers == (_LAYER,)


@pytest.mark.parametrize(
    "change",
    [
        {"schemaVersion": 1},
        {"layers": None},
        {"config": {"mediaType": "x", "digest": "sha256:1", "size": 1}},
        {"config": {"mediaType": "x", "digest": _LAYER.digest, "size": -1}},
        {"subject": {"mediaType": "x", "digest": "md5:1", "size": 1}},
    ],
)
def test_what_is_no_manifest_is_refused(change: dict[str, object]) -> None:
    """Another schema, missing members, malformed digests and sizes are refused."""
    data = json.loads(manifest.image(_CONFIG, (_LAYER,), {})) | change

    with pytest.raises(ShipwayError) as caught:
        manifest.parse(json.dumps(data).encode())

    assert caught.value.id in {"manifest.invalid", "digest.invalid"}


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b"<html>"])
def test_what_is_no_json_is_refused(data: bytes) -> None:
    """A page of another kind is refused as a manifest and as an index."""
    for read in (manifest.parse, manifest.parse_index):
        with pytest.raises(ShipwayError, match="reading a manifest"):
            read(data)


def test_four_mebibytes_are_enough() -> None:
    """A bigger manifest is refused before it is decoded."""
    with pytest.raises(ShipwayError, match="more than 4194304"):
        manifest.parse(b" " * (manifest.LIMIT + 1))


_ENTRIES = manifest.Index(
    2,
    (
        Descriptor("", Digest("1"), 1, platform=Platform("arm", variant="v6")),
        Descriptor("", Digest("2"), 1, platform=Platform("arm", variant="v7")),
        Descriptor("", Digest("3"), 1, platform=Platform("amd64")),
        Descriptor("", Digest("4"), 1),
        Descriptor("", Digest("5"), 1, platform=Platform("amd64", "windows")),
    ),
)


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        (Platform("amd64"), "3"),
        (Platform("arm"), "1"),
        (Platform("arm", variant="v7"), "2"),
        (Platform("amd64", "windows"), "5"),
    ],
)
def test_choose(platform: Platform, expected: str) -> None:
    """The first manifest that fits is chosen; a variant counts if it was asked for."""
    assert expected == manifest.choose(_ENTRIES, platform).digest


def test_choose_says_what_there_is() -> None:
    """A platform that is not there is refused with the list of those that are."""
    with pytest.raises(ShipwayError, match="linux/amd64, linux/arm/v6") as caught:
        manifest.choose(_ENTRIES, Platform("riscv64"))
    assert caught.value.id == "manifest.platform"
    with pytest.raises(ShipwayError, match="none"):
        manifest.choose(manifest.Index(2, ()), Platform("amd64"))


def test_an_index_over_images_names_their_platforms() -> None:
    """In the order of the platforms, whatever order they were made in."""
    one, two = describe(b"one", MANIFEST), describe(b"two", MANIFEST)
    pairs = [(Platform("arm64"), one), (Platform("amd64"), two)]
    found = manifest.parse_index(manifest.over(pairs, {"b": "2", "a": "1"}))

    assert [(str(at.platform), at.digest) for at in found.manifests] == [
        ("linux/amd64", two.digest),
        ("linux/arm64", one.digest),
    ]
    assert found.annotations == {"a": "1", "b": "2"}
