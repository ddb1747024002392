"""SPDX 2.3 documents in JSON (spdx.github.io/spdx-spec/v2.3), of any :class:`Bom`.

The same input gives the same bytes. What is not known is NOASSERTION: a licence that nobody read, a
supplier that nobody named, and the needs of components in :attr:`Bom.open`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence.predicate import OWN
from shipway.core.golang.metadata import rfc3339
from shipway.core.oci.digest import hex_of, of
from shipway.core.supply import bom as nouns

if TYPE_CHECKING:
    from shipway.core.supply.bom import Bom, Component

MEDIA_TYPE = "application/spdx+json"
DOCUMENT = "SPDXRef-DOCUMENT"
NOTHING = "NOASSERTION"

_PURPOSES = {
    nouns.CONTAINER: "CONTAINER",
    nouns.APPLICATION: "APPLICATION",
    nouns.SOURCE: "SOURCE",
    nouns.LIBRARY: "LIBRARY",
    nouns.TOOL: "APPLICATION",
    nouns.SYSTEM: "OPERATING-SYSTEM",
}

_Element = dict[str, Any]


def document(found: Bom, *, creator: str) -> bytes:
    """Return the document, with ``creator`` as ``NAME-VERSION`` of the tool that made it."""
    body = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": found.name,
        "creationInfo": {"created": rfc3339(found.time), "creators": [f"Tool: {creator}"]},
        "packages": [_package(one) for one in found.components],
        "relationships": [
            _relation(DOCUMENT, "DESCRIBES", _id(found.subject)),
            *(_relation(_id(one.subject), one.kind, _id(one.target)) for one in found.relations),
            *(_relation(_id(ref), nouns.DEPENDS_ON, NOTHING) for ref in found.open),
        ],
    }
    if found.notes:
        body["comment"] = " ".join(found.notes)
    unique = hex_of(of(msgspec.json.encode(body)))
    place = {"documentNamespace": f"{OWN}/spdx/{unique}"}
    return msgspec.json.encode(dict([*body.items()][:4]) | place | body)


def _package(one: Component) -> _Element:
    element: _Element = {
        "SPDXID": _id(one.ref),
        "name": one.name,
        "versionInfo": one.version,
        "packageFileName": one.file,
        "supplier": f"Organization: {one.supplier}" if one.supplier else NOTHING,
        "downloadLocation": NOTHING,
        "filesAnalyzed": False,
        "checksums": [],
        "licenseConcluded": one.concluded or NOTHING,
        "licenseDeclared": one.declared or NOTHING,
        "copyrightText": NOTHING,
        "primaryPackagePurpose": _PURPOSES[one.kind],
        "externalRefs": [],
        "sourceInfo": one.origin,
        "comment": one.comment,
    }
    if one.digest is not None:
        element["checksums"] = [{"algorithm": "SHA256", "checksumValue": hex_of(one.digest)}]
    references = (
        ("SECURITY", "cpe23Type", one.cpe),
        ("PACKAGE-MANAGER", "purl", one.purl),
        ("OTHER", "go-sum", one.go_sum),
    )
    element["externalRefs"] = [
        {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}
        for category, kind, locator in references
        if locator
    ]
    return {key: value for key, value in element.items() if value not in ("", [])}


def _relation(subject: str, kind: str, target: str) -> _Element:
    return {
        "spdxElementId": subject,
        "relationshipType": kind,
        "relatedSpdxElement": target,
    }


def _id(ref: str) -> str:
    return f"SPDXRef-{ref}"
