"""Referrers where a registry does not list them: the fallback index and its merging.

Distribution-spec v1.1.1, "Referrers Tag Schema": an index under the tag ``sha256-HEX`` lists what
refers to that digest. Pure; other tools write it too, so merging loses nothing of theirs.
"""

from __future__ import annotations

import msgspec

from shipway.core.oci import manifest
from shipway.core.oci.descriptor import EMPTY, INDEX, Descriptor, Platform
from shipway.core.oci.digest import Digest
from shipway.core.oci.digest import parse as parse_digest
from shipway.errors import ShipwayError

MOST = 1000
"""Referrers of one subject that are read at most; a registry may be flooded."""


def tag(subject: Digest) -> str:
    """Return the fallback tag of ``subject``."""
    return subject.replace(":", "-")


def entry(descriptor: Descriptor, data: bytes) -> Descriptor:
    """Return how a referrers list shows the manifest ``data``.

    Its artifact type is the manifest's own, else its config's media type; its annotations are
    copied (distribution-spec, Listing Referrers).
    """
    if descriptor.media_type in manifest.INDEXES:
        index = manifest.parse_index(data)
        return _listed(descriptor, index.artifact_type, index.annotations)
    found = manifest.parse(data)
    return _listed(descriptor, found.artifact_type or found.config.media_type, found.annotations)


def parse(data: bytes) -> tuple[Descriptor, ...]:
    """Return the usable entries of a fallback index or API answer, at most :data:`MOST`.

    Odd entries (no digest, a foreign algorithm, wrong types) are left out; a wrong artifact type
    stays, since readers decide by what the manifest holds. Never raises.
    """
    found = (_usable(raw) for raw in _entries(data)[:MOST])
    return tuple(at for at in found if at is not None)


def is_list(data: bytes) -> bool:
    """Return whether ``data`` is a list of referrers at all, and no page of another kind."""
    return isinstance(_document(data).get("manifests"), list)


def merge(old: bytes | None, new: tuple[Descriptor, ...]) -> bytes | None:
    """Return the fallback index with ``new`` in it, or none if they are listed already.

    Entries of others stay as they are, odd ones too, and in their order.
    """
    document = _document(old)
    entries = _entries(old)
    known = {raw.get("digest") for raw in entries if isinstance(raw, dict)}
    added = {at.digest: at for at in new if at.digest not in known}
    if not added:
        return None
    fresh = [msgspec.to_builtins(at) for at in added.values()]
    document |= {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*entries, *fresh]}
    return msgspec.json.encode(document)


def without(old: bytes, gone: Digest) -> bytes | None:
    """Return the fallback index without ``gone``, or none if it is not listed."""
    document, entries = _document(old), _entries(old)
    kept = [raw for raw in entries if not (isinstance(raw, dict) and raw.get("digest") == gone)]
    if len(kept) == len(entries):
        return None
    return msgspec.json.encode(document | {"manifests": kept})


def _listed(at: Descriptor, artifact_type: str, annotations: dict[str, str]) -> Descriptor:
    kind = "" if artifact_type == EMPTY else artifact_type
    return Descriptor(at.media_type, at.digest, at.size, kind, annotations=annotations)


def _document(data: bytes | None) -> dict[str, object]:
    try:
        found = msgspec.json.decode(data or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _entries(data: bytes | None) -> list[object]:
    found = _document(data).get("manifests")
    return found if isinstance(found, list) else []


def _usable(raw: object) -> Descriptor | None:
    """Return an entry as a descriptor; what is merely odd about it is dropped."""
    if not isinstance(raw, dict):
        return None
    try:
        digest = parse_digest(str(raw.get("digest")))
    except ShipwayError:
        return None
    size, notes = raw.get("size"), raw.get("annotations")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= manifest.LIMIT:
        return None
    return Descriptor(
        _text(raw.get("mediaType")),
        digest,
        size,
        _text(raw.get("artifactType")),
        _platform(raw.get("platform")),
        {key: value for key, value in notes.items() if isinstance(value, str)}
        if isinstance(notes, dict)
        else {},
    )


def _platform(raw: object) -> Platform | None:
    try:
        return msgspec.convert(raw, Platform)
    except msgspec.ValidationError:
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
