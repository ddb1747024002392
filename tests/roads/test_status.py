"""Status and history: what ran, what was stopped, what cannot be asked, and the exit kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.git import ROOT
from fakes.hands import Killed
from fakes.shop import WEB, WHERE, Shop, refused
from shipway.core.evidence import shipped, statement
from shipway.core.kube import head as heads
from shipway.errors import Kind, ShipwayError
from shipway.roads import history, status, where
from shipway.roads.where import WhereRequest

if TYPE_CHECKING:
    from shipway.core.evidence.link import Edge

FAR = WhereRequest(directory=ROOT, keys=("key",))
ALL = WhereRequest(directory=ROOT, environment="", keys=("key",))
DOWN = refused("kube.unreachable", Kind.TRANSIENT, "east does not answer")


def past(shop: Shop) -> status.Told:
    """Return the history."""
    return status.past(WHERE, limit=9, hands=shop)


def test_nothing_was_deployed_yet() -> None:
    """An environment without history says so, and that is no fault."""
    told = past(Shop())

    assert told.exit_kind is None
    assert list(told.lines()) == ["dev on shipway", "  nothing was deployed yet"]


def test_history_says_why_and_how() -> None:
    """Causes of a failed gate and reasons of a rollback stand beside their numbers."""
    shop = Shop()
    first = shop.carry()
    shop.edit("broken")
    shop.cluster.good = set(first.images.values())
    with pytest.raises(ShipwayError):
        shop.carry()
    _, newest, failed, _ = past(shop).lines()

    assert "rollback" in newest
    assert newest.endswith("(gate failed)")
    assert "failed" in failed


def test_a_limit_shows_the_newest() -> None:
    """No more numbers than asked for are shown, and none of the rest is called missing."""
    shop = Shop()
    for word in ("one", "two", "three"):
        shop.edit(word)
        shop.carry()
    (target,) = status.past(WHERE, limit=2, hands=shop).targets

    assert [one.number for one in target.deploys] == [3, 2]
    assert target.findings == ()


def test_an_unfinished_deploy_is_named_and_no_fault() -> None:
    """A killed run is said by name; the history is sound."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    shop.kill_at(0)
    with pytest.raises(BaseException) as caught:  # noqa: PT011  Killed, alone or among others
        _killed_at_apply(shop)
    assert isinstance(caught.value, Killed | BaseExceptionGroup)
    shop.kill_at(0)
    told = past(shop)

    assert told.targets[0].deploys[0].result == "deploy unfinished"
    assert any(line.startswith("  ! deploy unfinished") for line in told.lines())
    assert told.exit_kind is None


def _killed_at_apply(shop: Shop) -> None:
    """Carry an edit, and kill it at the first apply that changes something."""
    tick = shop._tick

    def at_apply(name: str) -> None:
        if name == "replace":
            shop._dead = True
            shop.calls.append(name)
            return
        tick(name)

    shop._tick = at_apply  # type: ignore[method-assign]
    try:
        shop.carry()
    finally:
        shop._tick = tick  # type: ignore[method-assign]


def test_a_forked_history_is_not_sound() -> None:
    """Two intents with one number that both went on are a matter of integrity."""
    shop = Shop()
    shop.carry()
    _fork(shop)
    told = past(shop)

    assert told.exit_kind is Kind.INTEGRITY
    assert any("history forked" in line for line in told.lines())


def _fork(shop: Shop) -> None:
    """Sign a second number 1 that ended well, as a stolen key could."""
    from shipway.stages.attest import AttestRequest, Said, sign  # noqa: PLC0415

    (place,) = where.destinations(WHERE, hands=shop)
    head = history.head("shop", "dev", "shipway", kube=shop.cluster)
    (entry,) = history.read(place.history(), registry=shop.registries, head=head).entries
    assert entry.outcome is not None
    subject = shop.registries.pull_manifest(place.evidence, entry.intent.release)[0]
    other = msgspec.structs.replace(entry.intent, reason="another")

    def put(payload: bytes, tag: str) -> Edge:
        (link,) = sign(
            AttestRequest(
                statements=(Said(payload=payload, subject=subject, tag=tag),),
                repository=place.evidence,
            ),
            signer=shop.key,
            content=shop.memory,
            registry=shop.registries,
            clock=shop.clock,
            links=shop.links,
        )
        return link.edge

    edge = put(statement.encode(shipped.intent(other)), "dev.shipway-000001.aaaaaaaa-intent")
    ended = msgspec.structs.replace(entry.outcome, intent=edge)
    put(statement.encode(shipped.outcome(ended)), "dev.shipway-000001.aaaaaaaa-outcome")


def test_status_shows_how_objects_are() -> None:
    """The newest deploy's workloads are shown as they are now, gone ones too."""
    shop = Shop()
    shop.carry()
    told = status.now(WHERE, hands=shop)
    assert told.targets[0].objects[str(WEB)].startswith("healthy")
    assert any(str(WEB) in line for line in told.lines())

    shop.cluster.drop(WEB)
    assert status.now(WHERE, hands=shop).targets[0].objects[str(WEB)] == "gone"


def test_status_of_an_unfinished_deploy_names_no_objects() -> None:
    """Where nobody signed what stands, nothing is claimed."""
    shop = Shop()
    shop.cluster.refusals["apply", str(WEB)] = refused("run.cancelled", Kind.CANCELLED)
    with pytest.raises(ShipwayError):
        shop.carry()

    assert status.now(WHERE, hands=shop).targets[0].objects == {}


def test_status_without_an_environment_shows_all() -> None:
    """Every environment is shown; one that cannot be reached is said and makes the exit code."""
    shop = Shop()
    shop.carry()
    shop.write(
        "shipway.toml",
        "schema = 1\n[environments.dev]\n[environments.prod]\nprotected = true\n",
    )
    asked = WhereRequest(directory=ROOT, environment="")
    told = status.now(asked, hands=shop)

    dev, prod = told.targets
    assert dev.deploys[0].result == "passed"
    assert (prod.environment, prod.target) == ("prod", "-")
    assert "trusted" in prod.unreachable
    assert told.exit_kind is Kind.MISSING
    assert f"  {prod.unreachable}" in list(told.lines())


def test_status_without_an_environment_or_config_is_dev() -> None:
    """Without a config there is dev."""
    told = status.now(WhereRequest(directory=ROOT, environment=""), hands=Shop())

    assert [one.environment for one in told.targets] == ["dev"]
    assert told.exit_kind is None


def test_one_target_of_several_that_is_down_hides_no_other() -> None:
    """The targets that answer are shown; the other says why it does not."""
    shop = Shop()
    shop.far("east", "west")
    shop.carry(keys=("key",))
    shop.down["east"] = DOWN
    for told in (status.past(FAR, limit=5, hands=shop), status.now(FAR, hands=shop)):
        east, west = told.targets
        assert east.unreachable == "asking: east does not answer"
        assert west.deploys[0].result == "passed"
        assert told.exit_kind is Kind.MISSING


def test_a_lone_target_that_is_down_is_an_error() -> None:
    """Where nothing can be shown, the reason is the answer, with its own exit code."""
    shop = Shop()
    shop.far("east")
    shop.down["east"] = DOWN
    with pytest.raises(ShipwayError) as caught:
        status.past(FAR, limit=5, hands=shop)
    assert caught.value is DOWN

    (east,) = status.now(ALL, hands=shop).targets
    assert (east.target, east.unreachable) == ("east", "asking: east does not answer")


def test_a_head_that_somebody_wrote_is_a_matter_of_integrity() -> None:
    """Among several targets too, a forged head is not merely unreachable."""
    shop = Shop()
    shop.far("east", "west")
    shop.carry(keys=("key",))
    place = heads.ref("shop", "dev", "east").identity
    shop.clusters["east"].objects[place]["data"] = {"sequence": "many"}
    told = status.past(FAR, limit=5, hands=shop)

    assert told.exit_kind is Kind.INTEGRITY


def test_ctrl_c_is_not_an_unreachable_target() -> None:
    """A stopped command stops."""
    shop = Shop()
    shop.far("east", "west")
    shop.down["east"] = refused("run.cancelled", Kind.CANCELLED)
    with pytest.raises(ShipwayError) as caught:
        status.past(FAR, limit=5, hands=shop)

    assert caught.value.kind is Kind.CANCELLED
