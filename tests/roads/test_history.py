"""Histories read from a registry: found by tags, believed by signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.chain import EVIDENCE, Chain
from fakes.kube import MemoryKube
from fakes.registry import MemoryRegistry
from shipway.core.evidence.answer import Answer
from shipway.core.evidence.history import Head
from shipway.core.kube import head as heads
from shipway.core.oci.digest import of
from shipway.roads import history
from shipway.roads.history import HistoryRequest
from shipway.stages.verify import verify

if TYPE_CHECKING:
    from shipway.core.oci.digest import Digest


def delivered(times: int) -> tuple[Chain, list[Digest]]:
    """Return a chain that was deployed some times, and its intents."""
    chain = Chain().whole()
    chain.decide(verify(chain.request(), registry=chain.registry, clock=chain.clock))
    intents: list[Digest] = []
    for number in range(1, times + 1):
        follows = intents[-1] if intents else None
        intents.append(chain.intend(number, follows=follows).payload)
        chain.end(number)
    return chain, intents


def request(chain: Chain, **other: int) -> HistoryRequest:
    """Ask for the history of dev."""
    return HistoryRequest(
        project="shop",
        environment="dev",
        target="local",
        repository=EVIDENCE,
        trust=chain.trust(),
        **other,
    )


def test_history() -> None:
    """Every number is read, newest first, and nothing is wrong."""
    chain, intents = delivered(3)
    head = Head(sequence=3, intent=intents[-1], state="passed")
    found = history.read(request(chain), registry=chain.registry, head=head)
    assert [one.intent.sequence for one in found.entries] == [3, 2, 1]
    assert found.findings == ()


def test_only_the_newest() -> None:
    """Only as much as asked is read, and the rest is no gap."""
    chain, intents = delivered(4)
    head = Head(sequence=4, intent=intents[-1], state="passed")
    found = history.read(request(chain, newest=2), registry=chain.registry, head=head)
    assert [one.intent.sequence for one in found.entries] == [4, 3]
    assert found.findings == ()


def test_deleted_number() -> None:
    """A number whose tags were deleted is a truncated history."""
    chain, intents = delivered(3)
    for kind in ("intent", "outcome"):
        chain.registry.delete(EVIDENCE, f"dev.local-000002-{kind}")
    head = Head(sequence=3, intent=intents[-1], state="passed")
    found = history.read(request(chain), registry=chain.registry, head=head)
    assert [one.answer for one in found.findings if one.subject == "number 2"] == [Answer.TRUNCATED]


def test_a_long_history_costs_no_more() -> None:
    """From the head on, only tags of the newest numbers are asked for, and none is missed."""
    chain, intents = delivered(4)
    asked: list[str] = []
    tags = chain.registry.tags

    class Counting(MemoryRegistry):
        """Remembers where listings began."""

        def tags(self, repository: str, *, after: str = "", prefix: str = "") -> tuple[str, ...]:
            """List."""
            asked.append(after)
            return tags(repository, after=after, prefix=prefix)

    counting = Counting()
    counting.__dict__.update(chain.registry.__dict__)
    head = Head(sequence=4, intent=intents[-1], state="passed")
    found = history.read(request(chain, newest=2), registry=counting, head=head)
    assert [one.intent.sequence for one in found.entries] == [4, 3]
    behind = Head(sequence=3, intent=intents[2], state="passed")  # a lost swap stands above it
    listed = history.listing(
        counting, EVIDENCE, environment="dev", target="local", newest=3, head=behind
    )
    assert len(listed.manifests) == 6
    assert asked == ["dev.local-000002z", ""]


def test_a_head_beyond_the_tags_hides_nothing() -> None:
    """Where the numbers at the head are gone, older ones are looked at, and the gap is told."""
    chain, _ = delivered(2)
    head = Head(sequence=40, intent=of(b"gone"), state="passed")
    found = history.read(request(chain, newest=2), registry=chain.registry, head=head)
    assert {one.answer for one in found.findings} == {Answer.TRUNCATED}
    assert "number 40" in {one.subject for one in found.findings}
    assert len(found.findings) == 3


def test_other_targets() -> None:
    """Tags of other targets and environments are not looked at."""
    chain, _ = delivered(1)
    listed = history.listing(chain.registry, EVIDENCE, environment="dev", target="other", newest=5)
    assert listed.manifests == ()


def test_head() -> None:
    """A head is read from its ConfigMap; where there is none, nothing was deployed."""
    kube = MemoryKube()
    assert history.head("shop", "dev", "local", kube=kube) == Head()
    said = Head(sequence=1, state="open")
    kube.put(heads.write(said, heads.fresh(heads.ref("shop", "dev", "local"))))
    assert history.head("shop", "dev", "local", kube=kube) == said
