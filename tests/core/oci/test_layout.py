"""Image layouts: what index.json and manifest.json say."""

from __future__ import annotations

import json

import pytest

from shipway.core.oci import layout
from shipway.core.oci.descriptor import CONFIG, LAYER_GZIP, MANIFEST, describe
from shipway.core.oci.layout import Form, Packed
from shipway.errors import ShipwayError


def packed(name: str, version: str = "one") -> Packed:
    """Return an image with one layer that all share."""
    return Packed(
        name=name,
        reference=f"r.test/shop/{name}:{version}",
        repository=f"r.test/shop/{name}",
        manifest=describe(f"manifest {name} {version}".encode(), MANIFEST),
        images=(
            Form(
                manifest=describe(f"manifest {name} {version}".encode(), MANIFEST),
                config=describe(f"config {name}".encode(), CONFIG),
                layers=(describe(b"layer", LAYER_GZIP),),
            ),
        ),
    )


def names(index: bytes) -> dict[str, str]:
    """Return the names in an index and what they stand for."""
    return {
        one["annotations"][layout.REF_NAME]: one["digest"] for one in json.loads(index)["manifests"]
    }


def test_an_index_names_each_image() -> None:
    """Both names stand in the annotations: the layout's, and the one containerd imports."""
    web = packed("web")
    (found,) = json.loads(layout.index((web,)))["manifests"]

    assert found["digest"] == web.manifest.digest
    assert found["annotations"] == {
        layout.REF_NAME: "web",
        layout.IMAGE_NAME: "r.test/shop/web:one",
    }
    assert web.pinned == f"r.test/shop/web@{web.manifest.digest}"


def test_an_image_of_the_same_name_is_replaced() -> None:
    """What was there under other names, or under none, stays."""
    before = layout.index((packed("web"), packed("job")))
    after = layout.index((packed("web", "two"),), before)

    assert names(after) == {
        "job": packed("job").manifest.digest,
        "web": packed("web", "two").manifest.digest,
    }


def test_something_else_is_no_index() -> None:
    """An index that cannot be read is not written over."""
    with pytest.raises(ShipwayError, match="reading a manifest") as caught:
        layout.index((packed("web"),), b"{")

    assert caught.value.id == "manifest.invalid"


def test_a_tar_has_each_blob_once_and_both_lists() -> None:
    """Layers that images share are there once; docker's list names the same files."""
    images = (packed("web"), packed("job"))
    found = {entry.path: entry for entry in layout.entries(images)}
    listed = json.loads(found[layout.DOCKER_FILE].data or b"")

    assert len(found) == 1 + 2 + 2 + 3
    assert [one["RepoTags"] for one in listed] == [["r.test/shop/web:one"], ["r.test/shop/job:one"]]
    assert {path for one in listed for path in (one["Config"], *one["Layers"])} <= set(found)
    assert found[layout.MARK_FILE].data == layout.MARK
