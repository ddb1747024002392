"""The sbom stage, under an independent validator."""

from __future__ import annotations

import msgspec
import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from fakes.content import MemoryContent
from fakes.golang import BINARY, IMAGE, SOURCE
from shipway.core.golang.binary import Module
from shipway.errors import ShipwayError
from shipway.stages import sbom
from shipway.stages.sbom import SbomRequest


def test_the_document_is_valid() -> None:
    """The independent SPDX validator has nothing to say about the document."""
    content = MemoryContent()
    found = sbom.describe(SbomRequest(BINARY, IMAGE, SOURCE), content=content)
    path = f"{content.path(found.document.digest)}.spdx.json"
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(content.read(found.document.digest))
    document = parse_file(path)

    assert validate_full_spdx_document(document) == []
    assert found.document.media_type == "application/spdx+json"
    assert found.packages == len(document.packages)


def test_every_module_is_named() -> None:
    """A program of two hundred modules has a package for each of them, and for what else it is."""
    modules = tuple(Module(path=f"example.com/m{n}", version="v1.0.0") for n in range(200))
    binary = msgspec.structs.replace(BINARY, modules=modules)
    content = MemoryContent()
    found = sbom.describe(SbomRequest(binary, IMAGE, SOURCE), content=content)

    assert found.packages == 207


def test_another_image_is_refused() -> None:
    """An SBOM is never written for an image that holds another binary."""
    image = msgspec.structs.replace(IMAGE, binary=IMAGE.config.digest)
    with pytest.raises(ShipwayError) as failure:
        sbom.describe(SbomRequest(BINARY, image, SOURCE), content=MemoryContent())

    assert failure.value.id == "sbom.mismatch"
