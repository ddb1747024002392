"""What is in an image, as an SPDX 2.3 document (spdx.github.io/spdx-spec/v2.3).

The sbom stage calls it. All of it is first-hand: modules from the binary's own build information,
the base's packages from its lock. Nothing is claimed that is not known: a ``go.sum`` hash is no
checksum of a file and stands as an external reference, licences nobody read are NOASSERTION, and
local replacements have no version. The same image gives the same bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence.predicate import OWN
from shipway.core.golang.metadata import rfc3339
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import hex_of, of
from shipway.core.supply import purl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.golang.binary import Binary, Module
    from shipway.core.oci.image import Image, Package
    from shipway.core.project.source import Source

MEDIA_TYPE = "application/spdx+json"
DOCUMENT = "SPDXRef-DOCUMENT"
IMAGE = "SPDXRef-Image"
BINARY = "SPDXRef-Binary"
MAIN = "SPDXRef-Module-main"
STDLIB = "SPDXRef-Module-stdlib"
NOTHING = "NOASSERTION"

_Element = dict[str, Any]


class Sbom(msgspec.Struct, frozen=True):
    """An SPDX document in the store."""

    document: Descriptor
    packages: int
    """How many packages it names."""


def document(binary: Binary, image: Image, source: Source, *, creator: str) -> bytes:
    """Return the SPDX 2.3 JSON of one image, with ``creator`` as ``Tool: NAME-VERSION``."""
    elements = list(_elements(binary, image, source))
    body = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": f"{_program(binary)} {source.version}",
        "creationInfo": {"created": rfc3339(source.time), "creators": [creator]},
        "packages": [element for element, _ in elements],
        "relationships": [
            _relation(DOCUMENT, "DESCRIBES", IMAGE),
            *(relation for _, relations in elements for relation in relations),
        ],
    }
    unique = hex_of(of(msgspec.json.encode(body)))
    place = {"documentNamespace": f"{OWN}/spdx/{unique}"}
    return msgspec.json.encode(dict([*body.items()][:4]) | place | body)


def _elements(
    binary: Binary, image: Image, source: Source
) -> Iterator[tuple[_Element, list[_Element]]]:
    """Yield each package with the relationships that place it."""
    yield _image(image, source, binary), []
    yield _binary(binary, source), [_relation(IMAGE, "CONTAINS", BINARY)]
    yield _main(binary, source), [_relation(BINARY, "GENERATED_FROM", MAIN)]
    yield _stdlib(binary.go_version), [_relation(MAIN, "DEPENDS_ON", STDLIB)]
    for module in sorted(binary.modules, key=lambda module: (module.path, module.version)):
        element = _module(module)
        yield element, [_relation(MAIN, "DEPENDS_ON", element["SPDXID"])]
    for package in image.base.packages:
        element = _based(package)
        yield element, [_relation(IMAGE, "CONTAINS", element["SPDXID"])]


def _image(image: Image, source: Source, binary: Binary) -> _Element:
    layers = ", ".join(layer.diff_id for layer in image.layers)
    return _package(
        IMAGE,
        _program(binary),
        source.version,
        purpose="CONTAINER",
        comment=f"image for {image.platform} with config {image.config.digest}, layers {layers}",
    )


def _binary(binary: Binary, source: Source) -> _Element:
    element = _package(BINARY, binary.package, source.version, purpose="APPLICATION")
    element["packageFileName"] = _program(binary)
    element["checksums"] = [_checksum(hex_of(binary.content.digest))]
    return element


def _main(binary: Binary, source: Source) -> _Element:
    element = _package(MAIN, binary.module, source.version, purpose="SOURCE")
    element["externalRefs"] = [_locator(purl.golang(binary.module, source.version))]
    named = f"git tree {source.tree}"
    element["sourceInfo"] = named if source.dirty else f"git commit {source.commit}, {named}"
    return element


def _stdlib(version: str) -> _Element:
    element = _package(STDLIB, "stdlib", version, purpose="LIBRARY", licence="BSD-3-Clause")
    number = version.removeprefix("go")
    element["externalRefs"] = [
        {
            "referenceCategory": "SECURITY",
            "referenceType": "cpe23Type",
            "referenceLocator": f"cpe:2.3:a:golang:go:{number}:-:*:*:*:*:*:*",
        },
        _locator(purl.stdlib(version)),
    ]
    return element


def _module(module: Module) -> _Element:
    """Return a module as it was compiled in: a remote replacement is what it was replaced by."""
    real = module.replace or module
    is_local = module.replace is not None and not module.replace.version
    shown = module if is_local else real
    version = "" if is_local else real.version
    element = _package(_id("Module", shown.path, version), shown.path, version, purpose="LIBRARY")
    element["externalRefs"] = [_locator(purl.golang(shown.path, version))]
    if real.sum and not is_local:
        element["externalRefs"].append(
            {
                "referenceCategory": "OTHER",
                "referenceType": "go-sum",
                "referenceLocator": real.sum,
            }
        )
    if is_local:
        element["comment"] = "replaced by a local folder"
    elif module.replace is not None:
        element["comment"] = f"replaces {module.path} {module.version}".rstrip()
    return element


def _based(package: Package) -> _Element:
    element = _package(
        _id("Base", package.name, package.version),
        package.name,
        package.version,
        purpose="LIBRARY",
        licence=package.licence,
    )
    element["externalRefs"] = [_locator(package.purl)]
    if package.digest is not None:
        element["checksums"] = [_checksum(hex_of(package.digest))]
    return element


def _package(
    identity: str,
    name: str,
    version: str,
    *,
    purpose: str,
    licence: str = NOTHING,
    comment: str = "",
) -> _Element:
    element = {
        "SPDXID": identity,
        "name": name,
        "versionInfo": version,
        "supplier": NOTHING,
        "downloadLocation": NOTHING,
        "filesAnalyzed": False,
        "licenseConcluded": NOTHING,
        "licenseDeclared": licence,
        "copyrightText": NOTHING,
        "primaryPackagePurpose": purpose,
        "comment": comment,
    }
    return {key: value for key, value in element.items() if value != ""}


def _relation(subject: str, kind: str, target: str) -> _Element:
    return {
        "spdxElementId": subject,
        "relationshipType": kind,
        "relatedSpdxElement": target,
    }


def _locator(locator: str) -> _Element:
    return {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": locator,
    }


def _checksum(value: str) -> _Element:
    return {"algorithm": "SHA256", "checksumValue": value}


def _id(kind: str, name: str, version: str) -> str:
    """Return an SPDX identifier: letters, digits, dots and dashes, and unique."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{name}-{version}".rstrip("-"))
    return f"SPDXRef-{kind}-{plain}-{hex_of(of(f'{name}@{version}'.encode()))[:8]}"


def _program(binary: Binary) -> str:
    return binary.package.rpartition("/")[2] or binary.module
