"""CycloneDX 1.6 documents in JSON (ECMA-424), of any :class:`Bom`.

The same input gives the same bytes. What is not known is left out; components whose needs are not
known are named as such under ``compositions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.golang.metadata import rfc3339
from shipway.core.oci.digest import hex_of, of
from shipway.core.supply import bom as nouns

if TYPE_CHECKING:
    from shipway.core.supply.bom import Bom, Component

MEDIA_TYPE = "application/vnd.cyclonedx+json"

_TYPES = {
    nouns.CONTAINER: "container",
    nouns.APPLICATION: "application",
    nouns.SOURCE: "library",
    nouns.LIBRARY: "library",
    nouns.TOOL: "application",
    nouns.SYSTEM: "operating-system",
}

_Element = dict[str, Any]


def document(found: Bom, *, creator: str) -> bytes:
    """Return the document, with ``creator`` as ``NAME-VERSION`` of the tool that made it."""
    tool, _, version = creator.partition("-")
    by_ref = {one.ref: one for one in found.components}
    metadata: _Element = {
        "timestamp": rfc3339(found.time),
        "tools": {"components": [{"type": "application", "name": tool, "version": version}]},
        "component": _component(by_ref[found.subject]),
        "properties": _properties(("note", note) for note in found.notes),
    }
    body = {
        "metadata": {key: value for key, value in metadata.items() if value},
        "components": [_component(one) for one in found.components if one.ref != found.subject],
        "dependencies": _dependencies(found, by_ref),
        "compositions": [{"aggregate": "unknown", "dependencies": list(found.open)}]
        if found.open
        else [],
    }
    unique = _uuid(hex_of(of(msgspec.json.encode(body))))
    head = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{unique}",
        "version": 1,
    }
    return msgspec.json.encode(head | body)


def _component(one: Component) -> _Element:
    element: _Element = {
        "type": _TYPES[one.kind],
        "bom-ref": one.ref,
        "supplier": {"name": one.supplier} if one.supplier else {},
        "name": one.name,
        "version": one.version,
        "description": one.comment,
        "scope": "excluded" if one.kind == nouns.TOOL else "",
        "hashes": [{"alg": "SHA-256", "content": hex_of(one.digest)}] if one.digest else [],
        "licenses": _licences(one),
        "cpe": one.cpe,
        "purl": one.purl,
        "properties": _properties(
            (("file", one.file), ("go-sum", one.go_sum), ("source", one.origin))
        ),
    }
    return {key: value for key, value in element.items() if value}


def _licences(one: Component) -> list[_Element]:
    """Return each licence with who says so; an expression stands alone, as the format asks."""
    said = [("declared", one.declared), ("concluded", one.concluded)]
    known = [(who, licence) for who, licence in said if licence]
    for who, licence in reversed(known):
        if " " in licence:
            return [{"expression": licence, "acknowledgement": who}]
    return [{"license": {"id": licence, "acknowledgement": who}} for who, licence in known]


def _properties(pairs: Any) -> list[_Element]:  # noqa: ANN401  pairs of text
    return [{"name": f"shipway:{name}", "value": value} for name, value in pairs if value]


def _dependencies(found: Bom, by_ref: dict[str, Component]) -> list[_Element]:
    """Return who needs whom; what a program merely contains is reached by its main module."""
    needs: dict[str, dict[str, None]] = {one.ref: {} for one in found.components}
    for one in found.relations:
        inside = one.kind == nouns.CONTAINS and by_ref[one.subject].kind == nouns.APPLICATION
        if one.kind != nouns.BUILD_TOOL_OF and not inside:
            needs[one.subject][one.target] = None
    return [{"ref": ref, "dependsOn": list(targets)} for ref, targets in needs.items()]


def _uuid(unique: str) -> str:
    """Return a UUID of version 8 (RFC 9562) over what a hash gave."""
    digits = f"{unique[:12]}8{unique[13:16]}8{unique[17:32]}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
