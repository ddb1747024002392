"""Which instance signs: whole, with addresses for tokens, and public only on purpose."""

from __future__ import annotations

import pytest

from shipway.core.keyless import instance
from shipway.core.keyless.instance import Said
from shipway.errors import ShipwayError

OWN = Said(
    fulcio="https://fulcio.example.com/",
    rekor="https://rekor.example.com",
    timestamp="https://tsa.example.com/api/v1/timestamp",
    identity="https://example.com/robot",
)


def refused(said: Said) -> ShipwayError:
    """Return why an instance is refused."""
    with pytest.raises(ShipwayError) as caught:
        instance.choose(said)
    return caught.value


def test_one_of_ones_own() -> None:
    """Three addresses make an instance that nobody else reads; there is nothing to agree to."""
    found = instance.choose(OWN)
    assert found.fulcio == "https://fulcio.example.com"
    assert (found.audience, found.identity) == ("sigstore", "https://example.com/robot")
    assert not found.public
    assert instance.shown(found, "me") == ()


def test_a_part_is_missing() -> None:
    """Nothing, two of three, or no audience: what is missing is named."""
    assert "no fulcio and no rekor and no timestamp" in refused(Said()).message
    partly = refused(Said(fulcio=OWN.fulcio, rekor=OWN.rekor, public=True))
    assert partly.id == "keyless.unset"
    assert "no timestamp" in partly.message
    nobody = Said(fulcio=OWN.fulcio, rekor=OWN.rekor, timestamp=OWN.timestamp, audience="")
    assert refused(nobody).message.endswith("no audience")


def test_the_public_one() -> None:
    """Public on purpose or by its address, it is known as that, and what stays there is said."""
    for said in (Said(public=True), Said(**instance.PUBLIC)):
        found = instance.choose(said)
        assert found.public
        first, second = instance.shown(found, "me@example.com")
        assert first.startswith("log2025-1.rekor.sigstore.dev is public")
        assert "me@example.com" in second
    with pytest.raises(ShipwayError) as caught:
        instance.refuse_unsaid()
    assert caught.value.id == "keyless.public"


def test_a_part_of_it_is_the_public_one() -> None:
    """One public server among private ones makes the whole public; a name like it does not."""
    mixed = Said(fulcio=OWN.fulcio, rekor=instance.PUBLIC["rekor"], timestamp=OWN.timestamp)
    assert instance.choose(mixed).public
    like = Said(fulcio=OWN.fulcio, rekor="https://notsigstore.dev", timestamp=OWN.timestamp)
    assert not instance.choose(like).public


@pytest.mark.parametrize(
    "url",
    [
        "http://fulcio.example.com",
        "ftp://fulcio.example.com",
        "fulcio.example.com",
        "https://",
        "https://user@fulcio.example.com",
        "https://fulcio.example.com?x=1",
        "https://fulcio.example.com#x",
        "https://fulcio.example.com:0",
        "https://fulcio.example.com:port",
        "http://127.0.0.1.example.com",
    ],
)
def test_addresses_that_a_token_is_not_sent_to(url: str) -> None:
    """Without TLS, with a login, with a query, or no URL at all: refused by name."""
    said = Said(fulcio=url, rekor=OWN.rekor, timestamp=OWN.timestamp)
    assert refused(said).id == "keyless.address"


@pytest.mark.parametrize("url", ["http://127.0.0.1:5555", "http://localhost", "http://[::1]:1"])
def test_this_machine(url: str) -> None:
    """A server on this machine is reached without TLS; a job's own address may have a query."""
    instance.check_address("fulcio", url)
    instance.check_address("job", "https://example.com/job?a=b", query=True)
