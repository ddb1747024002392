"""The fallback index: nothing of others is lost, nothing odd is believed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci import manifest, referrers
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

_SUBJECT = describe(b"subject", MANIFEST)
_ONE = describe(b"one", MANIFEST)
_TWO = describe(b"two", MANIFEST)


def _index(*entries: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


def _raw(at: Descriptor, **more: Any) -> dict[str, Any]:
    return {"mediaType": at.media_type, "digest": at.digest, "size": at.size} | more


def test_the_tag_is_the_digest_with_a_dash() -> None:
    """The fallback tag has no colon."""
    assert referrers.tag(_SUBJECT.digest) == "sha256-" + _SUBJECT.digest[7:]


def test_entry_takes_type_and_annotations_from_the_manifest() -> None:
    """The artifact type, else the config's media type; the empty config is no type."""
    typed = manifest.artifact("a/b", (), subject=_SUBJECT, annotations={"k": "v"})
    image = manifest.image(describe(b"{}", CONFIG), (), {})
    plain = manifest.artifact("", ())
    index = manifest.index((), {"i": "j"})

    found = [
        referrers.entry(describe(data, kind), data)
        for data, kind in (
            (typed, MANIFEST),
            (image, MANIFEST),
            (plain, MANIFEST),
            (index, INDEX),
        )
    ]

    assert [at.artifact_type for at in found] == ["a/b", CONFIG, "", ""]
    assert [at.annotations for at in found] == [{"k": "v"}, {}, {}, {"i": "j"}]


def test_merge_adds_what_is_new_and_keeps_the_rest() -> None:
    """Entries of others stay in place, odd ones and unknown members too."""
    odd = {"digest": "md5:1", "strange": [1]}
    old = json.loads(_index(_raw(_ONE, urls=["u"]), odd, 7)) | {"annotations": {"x": "y"}}

    merged = referrers.merge(json.dumps(old).encode(), (_ONE, _TWO, _TWO))

    assert merged is not None
    found = json.loads(merged)
    assert [_raw(_ONE, urls=["u"]), odd, 7, _raw(_TWO)] == found["manifests"]
    assert found["annotations"] == {"x": "y"}
    assert (found["schemaVersion"], found["mediaType"]) == (2, INDEX)


@pytest.mark.parametrize("old", [None, b"", b"<html>", b"[]", b"\xff", b'{"manifests": 3}'])
def test_merge_begins_anew_where_there_is_no_index(old: bytes | None) -> None:
    """No index, or a page of another kind, gives an index with what is new."""
    merged = referrers.merge(old, (_ONE,))

    assert merged is not None
    assert [_raw(_ONE)] == json.loads(merged)["manifests"]


def test_merge_writes_nothing_for_nothing_new() -> None:
    """Listed ones, or none, need no write."""
    assert referrers.merge(_index(_raw(_ONE)), (_ONE,)) is None
    assert referrers.merge(None, ()) is None


@given(st.lists(st.sampled_from([describe(bytes([at]), MANIFEST) for at in range(9)])))
def test_merging_one_by_one_lists_all_once(new: list[Descriptor]) -> None:
    """In whatever portions they come, each is listed once, in order of arrival."""
    held: bytes | None = None
    for at in new:
        held = referrers.merge(held, (at,)) or held

    assert list(dict.fromkeys(at.digest for at in new)) == [
        at.digest for at in referrers.parse(held or b"")
    ]


def test_without_takes_one_out() -> None:
    """One entry goes, the others stay; an unlisted one needs no write."""
    data = _index(_raw(_ONE), 5, _raw(_TWO))

    left = referrers.without(data, _ONE.digest)

    assert left is not None
    assert [5, _raw(_TWO)] == json.loads(left)["manifests"]
    assert referrers.without(left, _ONE.digest) is None


def test_parse_tolerates_odd_entries() -> None:
    """What is unusable is left out, what is merely odd is kept."""
    entries = [
        "text",
        {"digest": 5},
        _raw(_ONE, size=True),
        _raw(_ONE, size=-1),
        _raw(_ONE, size=manifest.LIMIT + 1),
        _raw(_ONE, size="3"),
        _raw(_ONE, digest="sha512:" + "a" * 128),
        _raw(_ONE, artifactType=4, annotations={"a": 1, "b": "2"}, platform="p"),
        _raw(
            _TWO, mediaType=None, annotations=[], platform={"architecture": "amd64", "os": "linux"}
        ),
    ]

    found = referrers.parse(_index(*entries))

    assert found == (
        Descriptor(MANIFEST, _ONE.digest, 3, annotations={"b": "2"}),
        Descriptor("", _TWO.digest, 3, platform=Platform("amd64")),
    )


def test_parse_is_bounded() -> None:
    """A flooded list is read up to its bound."""
    flood = [_raw(Descriptor(LAYER_TAR, Digest(f"sha256:{at:064x}"), 1)) for at in range(1200)]

    assert len(referrers.parse(_index(*flood))) == referrers.MOST


@given(st.binary())
def test_parse_never_fails(data: bytes) -> None:
    """No bytes make it fail."""
    assert referrers.parse(data) == () or referrers.is_list(data)


def test_is_list() -> None:
    """A list is told from a page of another kind."""
    assert referrers.is_list(_index())
    assert not referrers.is_list(b"<html>")
    assert not referrers.is_list(b'{"manifests": {}}')
