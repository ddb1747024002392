"""Both formats: valid for others, the minimum elements in each, and the same every time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from fakes.elf import program
from fakes.golang import BINARY, IMAGE, SOURCE
from shipway.core.golang import buildinfo
from shipway.core.oci.digest import of
from shipway.core.supply import bom, cyclonedx, images, programs, spdx
from shipway.core.supply.bom import Bom, Component, Relation
from shipway.core.supply.programs import Known, Program

if TYPE_CHECKING:
    from collections.abc import Callable

CREATOR = "shipway-0.1.0"
DATA = program()
BARE = programs.contents(Program(name="web", digest=of(DATA), info=buildinfo.parse(DATA)))
OURS = images.made(BINARY, IMAGE, SOURCE)
PARTS = tuple(
    Component(
        ref=f"x-{number}",
        kind=bom.SYSTEM if number else bom.CONTAINER,
        name="x",
        declared=declared,
        concluded=concluded,
        supplier="The Makers",
    )
    for number, (declared, concluded) in enumerate(
        [("MIT", "MIT"), ("MIT", "MIT OR Apache-2.0"), ("MIT OR ISC", ""), ("", "ISC")]
    )
)
ODD = Bom(name="x", time=0, subject="x-0", components=PARTS, relations=(), notes=("One.", "Two."))
KNOWN = programs.contents(
    Program(name="web", digest=of(DATA), info=buildinfo.parse(DATA)), Known(version="v1", needs={})
)
KINDS = {"bare": BARE, "known": KNOWN, "ours": OURS, "odd": ODD}

_CYCLONEDX = JsonStrictValidator(SchemaVersion.V1_6)


@pytest.mark.parametrize("name", KINDS)
def test_spdx_is_valid(name: str) -> None:
    """The SPDX project's own validator has nothing to say."""
    raw = json.loads(spdx.document(KINDS[name], creator=CREATOR))

    assert validate_full_spdx_document(JsonLikeDictParser().parse(raw)) == []


@pytest.mark.parametrize("name", KINDS)
def test_cyclonedx_is_valid(name: str) -> None:
    """The CycloneDX project's own validator, in its strict form, has nothing to say."""
    raw = cyclonedx.document(KINDS[name], creator=CREATOR)

    assert _CYCLONEDX.validate_str(raw.decode()) is None


def test_the_validators_would_speak() -> None:
    """Both validators refuse a document with one wrong word in it."""
    raw = cyclonedx.document(BARE, creator=CREATOR).replace(b'"application"', b'"applikation"')
    other = json.loads(
        spdx.document(BARE, creator=CREATOR).replace(b"GENERATED_FROM", b"DESCRIBES")
    )
    other["packages"][0]["SPDXID"] = "SPDXRef-another"

    assert _CYCLONEDX.validate_str(raw.decode()) is not None
    assert validate_full_spdx_document(JsonLikeDictParser().parse(other)) != []


def minimum_of_spdx(found: Bom) -> dict[str, Any]:
    """Return the seven elements of an SPDX document."""
    raw = json.loads(spdx.document(found, creator=CREATOR))
    packages = raw["packages"]
    return {
        "supplier": [one["supplier"] for one in packages],
        "component": [one["name"] for one in packages],
        "version": [
            one.get("versionInfo") or re.match("no version: .+", one["comment"]) for one in packages
        ],
        "identifier": [
            one["SPDXID"] and (one.get("externalRefs") or one.get("checksums") or one["comment"])
            for one in packages
        ],
        "relationship": [one["relationshipType"] for one in raw["relationships"]],
        "author": raw["creationInfo"]["creators"],
        "timestamp": [raw["creationInfo"]["created"]],
    }


def minimum_of_cyclonedx(found: Bom) -> dict[str, Any]:
    """Return the seven elements of a CycloneDX document, where suppliers nobody knows are none."""
    raw = json.loads(cyclonedx.document(found, creator=CREATOR))
    parts = [raw["metadata"]["component"], *raw["components"]]
    return {
        "supplier": [one["supplier"]["name"] for one in parts if "supplier" in one],
        "component": [one["name"] for one in parts],
        "version": [
            one.get("version") or re.match("no version: .+", one["description"]) for one in parts
        ],
        "identifier": [
            one["bom-ref"] and (one.get("purl") or one.get("hashes") or one["description"])
            for one in parts
        ],
        "relationship": [one["ref"] for one in raw["dependencies"]],
        "author": [one["name"] for one in raw["metadata"]["tools"]["components"]],
        "timestamp": [raw["metadata"]["timestamp"]],
    }


@pytest.mark.parametrize("name", ["bare", "ours"])
@pytest.mark.parametrize("minimum", [minimum_of_spdx, minimum_of_cyclonedx])
def test_the_minimum_elements(minimum: Callable[[Bom], dict[str, Any]], name: str) -> None:
    """The seven of the NTIA are there for every component; what is not known says so."""
    found = minimum(KINDS[name])

    assert set(found) == {
        "supplier",
        "component",
        "version",
        "identifier",
        "relationship",
        "author",
        "timestamp",
    }
    for element, values in found.items():
        assert values, element
        assert all(values), element


@pytest.mark.parametrize("write", [spdx.document, cyclonedx.document])
def test_the_same_gives_the_same(write: Callable[..., bytes]) -> None:
    """The same contents give the same bytes, others another number."""
    assert write(BARE, creator=CREATOR) == write(BARE, creator=CREATOR)
    numbers = {
        json.loads(write(one, creator=CREATOR)).get(name)
        for one in KINDS.values()
        for name in ("documentNamespace", "serialNumber")
    }
    assert len(numbers) == 5


def test_needs_that_are_not_known() -> None:
    """Open needs are NOASSERTION in SPDX and an unknown composition in CycloneDX."""
    one = json.loads(spdx.document(BARE, creator=CREATOR))
    other = json.loads(cyclonedx.document(BARE, creator=CREATOR))

    opened = [
        relation["spdxElementId"].removeprefix("SPDXRef-")
        for relation in one["relationships"]
        if relation["relatedSpdxElement"] == "NOASSERTION"
    ]
    assert opened == list(BARE.open)
    assert other["compositions"] == [{"aggregate": "unknown", "dependencies": opened}]
    assert one["comment"] == programs.OPEN


def test_the_graph_of_cyclonedx() -> None:
    """An image needs its program, that its main module; a tool is excluded and needed by nobody."""
    raw = json.loads(cyclonedx.document(OURS, creator=CREATOR))
    by_ref = {one["bom-ref"]: one for one in [raw["metadata"]["component"], *raw["components"]]}
    needs = {
        by_ref[one["ref"]]["name"]: [by_ref[ref]["name"] for ref in one["dependsOn"]]
        for one in raw["dependencies"]
    }

    assert raw["metadata"]["component"]["bom-ref"] == "Image"
    assert needs["web"] == ["example.com/web/cmd/web", "certifi", "tzdata"]
    assert needs["example.com/web/cmd/web"] == ["example.com/web"]
    assert needs["example.com/web"][0] == "stdlib"
    (tool,) = (one for one in raw["components"] if one.get("scope") == "excluded")
    assert tool["name"] == "toolchain"
    assert "toolchain" not in {name for names in needs.values() for name in names}


def test_licences_of_cyclonedx() -> None:
    """Each licence says whose word it is; an expression stands alone."""
    raw = json.loads(cyclonedx.document(ODD, creator=CREATOR))
    found = [one["licenses"] for one in (raw["metadata"]["component"], *raw["components"])]

    assert found == [
        [
            {"license": {"id": "MIT", "acknowledgement": "declared"}},
            {"license": {"id": "MIT", "acknowledgement": "concluded"}},
        ],
        [{"expression": "MIT OR Apache-2.0", "acknowledgement": "concluded"}],
        [{"expression": "MIT OR ISC", "acknowledgement": "declared"}],
        [{"license": {"id": "ISC", "acknowledgement": "concluded"}}],
    ]


def test_several_become_one() -> None:
    """What several have in common is there once."""
    components, relations = bom.merged((BARE, BARE, ODD))

    assert components == (*BARE.components, *ODD.components)
    assert relations == BARE.relations


def test_references_are_short_and_told_apart() -> None:
    """An identifier has only what both formats allow; another version is another one."""
    one = bom.ref("Module", "a/" * 200, "v1")

    assert re.fullmatch(r"[A-Za-z0-9.-]{1,140}", one)
    assert one != bom.ref("Module", "a/" * 200, "v2")
    assert Relation("a", "b", "c") == Relation("a", "b", "c")
