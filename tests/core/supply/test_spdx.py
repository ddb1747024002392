"""What an SPDX document says of an image, and what it never claims."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from fakes.golang import BINARY, IMAGE, SOURCE
from shipway.core.supply import images, spdx

CREATOR = "shipway-0"


def said(**changes: Any) -> dict[str, Any]:
    """Return the document of the sample image, its source changed."""
    source = msgspec.structs.replace(SOURCE, **changes)
    return json.loads(spdx.document(images.made(BINARY, IMAGE, source), creator=CREATOR))


def purls(document: dict[str, Any]) -> list[str]:
    """Return all package URLs."""
    references = [
        ref for package in document["packages"] for ref in package.get("externalRefs", ())
    ]
    return [ref["referenceLocator"] for ref in references if ref["referenceType"] == "purl"]


def test_the_same_image_gives_the_same_bytes() -> None:
    """The document is a function of the image and its source."""
    first = spdx.document(images.made(BINARY, IMAGE, SOURCE), creator=CREATOR)

    assert first == spdx.document(images.made(BINARY, IMAGE, SOURCE), creator=CREATOR)
    assert json.loads(first)["creationInfo"]["created"] == "2023-11-14T22:13:20Z"


def test_the_namespace_is_unique() -> None:
    """Another image has another namespace."""
    assert said()["documentNamespace"] != said(version="v1.2.4")["documentNamespace"]


def test_modules_are_what_was_compiled_in() -> None:
    """A remote replacement stands for the module; a local one has no version at all."""
    assert purls(said()) == [
        "pkg:golang/example.com/web@v1.2.3",
        "pkg:golang/stdlib@1.27.3",
        "pkg:generic/go@1.27.3",
        "pkg:golang/example.com/near",
        "pkg:golang/example.com/fork@v1.1.0",
        "pkg:golang/github.com/Some/Thing/v2@v2.0.1",
        "pkg:pypi/certifi@2026.1.1",
        "pkg:pypi/tzdata@2026.1",
    ]
    near = next(p for p in said()["packages"] if p["name"] == "example.com/near")
    assert "versionInfo" not in near
    assert "../near" not in json.dumps(said())


def test_a_go_sum_is_no_checksum() -> None:
    """Only digests of files are checksums; the h1 sum is an external reference."""
    checksums = {p["name"]: p["checksums"] for p in said()["packages"] if "checksums" in p}

    assert set(checksums) == {"example.com/web/cmd/web", "certifi"}
    assert checksums["example.com/web/cmd/web"][0]["checksumValue"] == (
        BINARY.content.digest.removeprefix("sha256:")
    )
    assert "h1:abc=" in json.dumps(said())


def test_everything_has_its_place() -> None:
    """The image holds binary and base; the binary comes from the main module, which has needs."""
    document = said()
    by_id = {one["SPDXID"]: one["name"] for one in document["packages"]}
    by_id[spdx.DOCUMENT], by_id["NOASSERTION"] = "document", "unknown"
    relations = [
        (by_id[r["spdxElementId"]], r["relationshipType"], by_id[r["relatedSpdxElement"]])
        for r in document["relationships"]
    ]
    program, main = "example.com/web/cmd/web", "example.com/web"

    assert relations[:4] == [
        ("document", "DESCRIBES", "web"),
        ("web", "CONTAINS", program),
        (program, "GENERATED_FROM", main),
        ("toolchain", "BUILD_TOOL_OF", program),
    ]
    assert (main, "DEPENDS_ON", "stdlib") in relations
    assert {"unknown", *by_id.values()} - {"document"} >= {target for _, _, target in relations}


def test_a_dirty_tree_is_never_called_a_commit() -> None:
    """The main module of a dirty tree is named by its tree alone."""
    clean, dirty = (
        next(one for one in document["packages"] if "sourceInfo" in one)
        for document in (said(), said(dirty=True))
    )

    assert "git commit cccc" in clean["sourceInfo"]
    assert dirty["sourceInfo"] == f"git tree {SOURCE.tree}"


def test_a_program_without_a_path_is_named_by_its_module() -> None:
    """Where the package has no last element the module names the image."""
    binary = msgspec.structs.replace(BINARY, package="")

    found = images.made(binary, IMAGE, SOURCE)

    assert found.name == "example.com/web v1.2.3"
