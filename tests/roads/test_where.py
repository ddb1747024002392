"""Where an environment lives, and whose word counts there."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization as form

from fakes.git import ROOT
from fakes.shop import WHERE, Shop
from fakes.signer import MemorySigner
from shipway.errors import Kind, ShipwayError
from shipway.roads.where import WhereRequest, destinations

PROTECTED = "schema = 1\n[environments.dev]\nprotected = true\n"


def narrowed(*names: str) -> str:
    """Return a config that names keys."""
    return f"schema = 1\n[trust]\nkeys = [{', '.join(repr(one) for one in names)}]\n"


def pem(signer: MemorySigner) -> str:
    """Return the text of a public key file."""
    public = signer._private.public_key()
    return public.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo).decode()


def test_the_embedded_cluster_needs_no_config() -> None:
    """Without a config there is dev, on the embedded cluster, with its registry."""
    (found,) = destinations(WHERE, hands=Shop())

    assert (found.context, found.target) == ("shipway", "shipway")
    assert found.evidence == "127.0.0.1:5000/shop/evidence"
    assert found.namespaces == ("shop-dev",)
    assert found.asked.environment == "dev"
    assert not found.asked.protected


@pytest.mark.parametrize("never", [True, False])
def test_a_stopped_cluster_is_said(never: bool) -> None:
    """Nothing is started by looking: a cluster that never was or does not run is an error."""
    shop = Shop()
    shop.running, shop.unknown = False, never
    with pytest.raises(ShipwayError) as caught:
        destinations(WHERE, hands=shop)

    assert (caught.value.id, caught.value.kind) == ("cluster.stopped", Kind.MISSING)


def test_targets_are_chosen_by_context() -> None:
    """All targets of an environment count, or the one that was asked for."""
    shop = Shop()
    shop.far("east", "west")
    asked = WhereRequest(directory=ROOT, keys=("key",))
    both = destinations(asked, hands=shop)
    (west,) = destinations(WhereRequest(directory=ROOT, keys=("key",), target="west"), hands=shop)

    assert [one.context for one in both] == ["east", "west"]
    assert west == both[1]
    assert west.evidence == "registry.test/shop/evidence"


def test_a_target_that_is_not_there_is_said() -> None:
    """A wrong --target names what was asked for."""
    with pytest.raises(ShipwayError) as caught:
        destinations(WhereRequest(directory=ROOT, target="moon"), hands=Shop())

    assert (caught.value.id, caught.value.kind) == ("config.target", Kind.NOT_FOUND)
    assert "moon" in caught.value.subject


def test_the_trees_trust_takes_away() -> None:
    """Of two trusted keys the one counts whose file or fingerprint the tree names."""
    shop = Shop()
    other = MemorySigner(2)
    shop.trust = [shop.key, other]
    shop.write("keys/other.pem", pem(other))
    for name in ("keys/other.pem", other.fingerprint):
        shop.write("shipway.toml", narrowed(name))
        (found,) = destinations(WHERE, hands=shop)
        assert [one.key.fingerprint for one in found.trust.keys] == [other.fingerprint]


def test_the_trees_trust_never_adds() -> None:
    """A key that only the tree names is not trusted."""
    shop = Shop()
    shop.write("shipway.toml", narrowed(MemorySigner(2).fingerprint))
    with pytest.raises(ShipwayError, match="names none of the trusted keys") as caught:
        destinations(WHERE, hands=shop)

    assert caught.value.id == "trust.none"


def test_a_protected_environment_counts_no_own_key() -> None:
    """Where nothing is named, nobody is trusted there."""
    shop = Shop()
    shop.write("shipway.toml", PROTECTED)
    with pytest.raises(ShipwayError) as caught:
        destinations(WHERE, hands=shop)

    assert caught.value.id == "trust.none"
    assert "passphrase" in caught.value.hint
