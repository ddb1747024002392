"""Trusted roots: what is read of one, and what is refused."""

from __future__ import annotations

import contextlib
import importlib.resources
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.sigstore import trustedroot
from shipway.core.sigstore.trustedroot import Window
from shipway.errors import Kind, ShipwayError

PUBLIC = (
    importlib.resources.files("shipway").joinpath("trust", "sigstore-public-good.json").read_bytes()
)


def changed(*path: Any, to: Any) -> bytes:
    """Return the public root with one value changed; none removes it."""
    root = json.loads(PUBLIC)
    place = root
    for step in path[:-1]:
        place = place[step]
    if to is None:
        del place[path[-1]]
    else:
        place[path[-1]] = to
    return json.dumps(root).encode()


def test_the_public_root() -> None:
    """The root that comes with Shipway names both logs, two authorities, CT keys and a TSA."""
    root = trustedroot.parse(PUBLIC)

    assert [one.url for one in root.logs] == [
        "https://rekor.sigstore.dev",
        "https://log2025-1.rekor.sigstore.dev",
    ]
    assert [len(one.chain) for one in root.authorities] == [1, 2]
    assert [one.window.end is None for one in root.ct_logs] == [False, True]
    assert [len(one.chain) for one in root.timestamp_authorities] == [2]


def test_logs_by_id() -> None:
    """A log is found by the id that entries carry, and by no other."""
    root = trustedroot.parse(PUBLIC)

    assert root.log(root.logs[1].id) == root.logs[1]
    assert root.log(b"another") is None
    assert root.ct_log(root.ct_logs[1].id) == root.ct_logs[1]
    assert root.ct_log(root.logs[0].id) is None


def test_both_ends_belong_to_a_window() -> None:
    """A moment at either end counts, one beside it does not."""
    window = Window(10, 20)

    assert [window.covers(one) for one in (9.999, 10, 20, 20.001)] == [False, True, True, False]
    assert Window(10).covers(10**12)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[", "Expecting value"),
        (b"{}", "mediaType"),
        (changed("mediaType", to="application/json"), "media type"),
        (changed("tlogs", 0, "publicKey", "validFor", to=None), "since when"),
        (changed("tlogs", 0, "publicKey", "validFor", "start", to="soon"), "not a time"),
        (changed("tlogs", 0, "publicKey", "validFor", "start", to="2024-01-01"), "no time zone"),
        (changed("tlogs", 0, "logId", "keyId", to="??"), "not base64"),
        (changed("certificateAuthorities", 0, "certChain", "certificates", to=[]), "certificate"),
        (PUBLIC.replace(b'"tlogs"', b'"ctlogs"'), "twice"),
        (PUBLIC.replace(b'"tlogs"', b'"CTlogs"'), "twice"),
        (b"[" * 100_000, "recursion"),
        (b'{"mediaType": NaN}', "no number"),
        (b" " * (5 << 20), "more than"),
    ],
)
def test_refused(data: bytes, why: str) -> None:
    """What is no trusted root is refused as config, and the reason is told."""
    with pytest.raises(ShipwayError, match=why) as caught:
        trustedroot.parse(data)

    assert (caught.value.id, caught.value.kind) == ("trust.invalid", Kind.CONFIG)


@given(st.integers(0, len(PUBLIC) - 1), st.binary(max_size=3))
def test_mutated_roots(at: int, put: bytes) -> None:
    """Damaged bytes end in a root or in a refusal."""
    with contextlib.suppress(ShipwayError):
        assert trustedroot.parse(PUBLIC[:at] + put + PUBLIC[at + 1 :])
