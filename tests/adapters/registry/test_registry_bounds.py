"""Lists that a hostile or broken registry may send: bounded, and read over where odd."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakes.registry_server import Fault, RegistryServer
from shipway.adapters.registry.client import connect
from shipway.core.oci import referrers
from shipway.core.oci.descriptor import MANIFEST
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

NO_LOGIN = {"DOCKER_CONFIG": "/nonexistent"}
SUBJECT = of(b"subject")


def _list(start: int, count: int) -> bytes:
    entries = [
        {"mediaType": MANIFEST, "digest": f"sha256:{at:064x}", "size": 1}
        for at in range(start, start + count)
    ]
    return json.dumps({"schemaVersion": 2, "manifests": entries}).encode()


def test_a_flood_of_referrers_ends() -> None:
    """However many pages there are, a thousand entries are enough, and two requests."""
    with RegistryServer(api=True) as server:
        more = {"Link": '</v2/x/referrers/next>; rel="next"'}
        server.faults += [
            Fault("GET", "referrers", status=200, headers=more, body=_list(at * 600, 600))
            for at in range(2)
        ]

        found = connect(NO_LOGIN).referrers(f"{server.domain}/x", SUBJECT)

        assert len(found) == referrers.MOST
        assert server.count("referrers") == 2


def test_pages_in_a_circle_end() -> None:
    """A list whose next page is itself is left after a hundred pages."""
    with RegistryServer(api=True) as server:
        again = {"Link": f'</v2/x/referrers/{SUBJECT}>; rel="next"'}
        server.faults.append(
            Fault("GET", "referrers", times=999, status=200, headers=again, body=_list(0, 3))
        )

        assert len(connect(NO_LOGIN).referrers(f"{server.domain}/x", SUBJECT)) == 3
        assert server.count("referrers") == 100


def test_a_flood_of_tags_ends() -> None:
    """Ten thousand tags are enough."""
    with RegistryServer() as server:
        more = {"Link": '</v2/x/tags/list>; rel="next"'}
        body = json.dumps({"tags": [f"t{at}" for at in range(6000)]}).encode()
        server.faults.append(Fault("GET", "tags", times=999, status=200, headers=more, body=body))

        assert len(connect(NO_LOGIN).tags(f"{server.domain}/x")) == 10_000
        assert server.count("tags") == 2


@pytest.mark.parametrize("body", [b"<html>", b'{"tags": null}', b'{"tags": [1]}'])
def test_a_list_of_tags_that_is_none(body: bytes) -> None:
    """A page of another kind has no tags."""
    with RegistryServer() as server:
        server.faults.append(Fault("GET", "tags", status=200, body=body))

        assert connect(NO_LOGIN).tags(f"{server.domain}/x") == ()


@pytest.mark.parametrize("way", ["tags", "referrers", "resolve"])
def test_a_refusal_is_no_empty_list(way: str) -> None:
    """Forbidden is told, and not taken for nothing there."""
    with RegistryServer() as server:
        server.faults.append(Fault("GET", ".", times=99, status=403))
        client, repository = connect(NO_LOGIN), f"{server.domain}/x"
        ways: dict[str, Callable[[], object]] = {
            "tags": lambda: client.tags(repository),
            "referrers": lambda: client.referrers(repository, SUBJECT),
            "resolve": lambda: client.resolve(repository, "v1"),
        }

        with pytest.raises(ShipwayError) as caught:
            ways[way]()
        assert caught.value.id == "registry.denied"


def test_preload_and_close() -> None:
    """Both may be called at any time, before and after use."""
    client = connect(NO_LOGIN)
    client.close()
    client.preload()
    client.close()
    with RegistryServer() as server:
        assert client.tags(f"{server.domain}/x") == ()
    client.close()
