"""Up, on fakes: the whole road in memory, what stops it, and a kill at every call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakes.git import ROOT
from fakes.go import WRONG, FakeGo
from fakes.hands import MAIN, FakeHands, Killed
from fakes.signer import MemorySigner
from shipway.core.kube.objects import Ref
from shipway.errors import Kind, ShipwayError
from shipway.roads import rollback as backwards
from shipway.roads import status
from shipway.roads.up import Up, UpRequest, up
from shipway.roads.where import WhereRequest

if TYPE_CHECKING:
    from shipway.core.ports.go import Built, Target

WEB = Ref("apps/v1", "Deployment", "shop-dev", "shop")
WHERE = WhereRequest(directory=ROOT)


def go(hands: FakeHands, **asked: Any) -> Up:
    """Carry the project."""
    request = UpRequest(directory=ROOT, architecture="amd64", **asked)
    return up(request, hands=hands, emit=lambda _: None)


def edit(hands: FakeHands, word: str) -> None:
    """Make another version."""
    hands.write("main.go", f"{MAIN}// {word}\n")


def past(hands: FakeHands) -> tuple[status.Deploy, ...]:
    """Return the history, which has no fault but deploys that were stopped half way."""
    (target,) = status.past(WHERE, limit=50, hands=hands).targets
    stopped = ("deploy unfinished", "abandoned")
    assert [one for one in target.findings if not one.startswith(stopped)] == []
    return target.deploys


def test_a_project_without_config_is_carried_to_the_cluster() -> None:
    """Nothing but Go files leads to a Deployment of the published image, and a passed history."""
    hands = FakeHands()
    said = go(hands)

    assert said.changed
    assert hands.cluster.image(WEB) == said.images["shop"]
    assert [(one.number, one.kind, one.result) for one in past(hands)] == [(1, "deploy", "passed")]


def test_a_full_block_names_who_holds_it() -> None:
    """Where no node port is left, the error lists the Services that have them, and the way out."""
    hands = FakeHands()
    ports = {"ports": [{"nodePort": 20012}]}
    other = {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "blog", "name": "w"}}
    hands.cluster.put({**other, "spec": ports})
    words = "Internal error occurred: failed to allocate a nodePort: range is full"
    refused = ShipwayError("kube.failed", Kind.TRANSIENT, words, operation="applying", subject="s")
    hands.cluster.refusals["apply", "service/shop-dev/shop"] = refused
    with pytest.raises(ShipwayError, match=r"by blog/w \(20012\)") as caught:
        go(hands)

    assert (caught.value.id, caught.value.kind) == ("kube.no_node_port", Kind.MISSING)
    assert past(hands)[0].causes == ("kube.no_node_port",)


def test_nothing_changed_takes_no_number() -> None:
    """The same commit again makes the same release, and the history stays as it is."""
    hands = FakeHands()
    first = go(hands)
    second = go(hands)

    assert not second.changed
    assert second.release == first.release
    assert len(past(hands)) == 1


def test_an_edit_takes_the_next_number() -> None:
    """Another source makes another image, and it serves."""
    hands = FakeHands()
    first = go(hands)
    edit(hands, "two")
    second = go(hands)

    assert second.images != first.images
    assert hands.cluster.image(WEB) == second.images["shop"]
    assert [one.number for one in past(hands)] == [2, 1]


def test_what_moves_while_it_is_built_is_seen() -> None:
    """A deploy that another run finished in the meantime is followed, not overwritten."""
    hands = FakeHands()
    go(hands)
    edit(hands, "two")

    alone = hands.go

    class Slow(FakeGo):
        """A build beside which somebody else delivers."""

        def build(self, target: Target, ldflags: str) -> Built:
            hands.go = alone
            go(hands)
            return super().build(target, ldflags)

    hands.go = Slow(hands.go.files | {"main.go": f"{MAIN}// three\n"})
    go(hands)

    assert [(one.number, one.result) for one in past(hands)] == [
        (3, "passed"),
        (2, "passed"),
        (1, "passed"),
    ]


def test_rollback_puts_the_old_bytes_back() -> None:
    """The release before serves again under a new number, its reason recorded."""
    hands = FakeHands()
    first = go(hands)
    edit(hands, "two")
    go(hands)
    said = backwards.rollback(WHERE, reason="it was slow", hands=hands, emit=lambda _: None)

    assert hands.cluster.image(WEB) == first.images["shop"]
    assert said.numbers == {"shipway": 3}
    assert (past(hands)[0].kind, past(hands)[0].reason) == ("rollback", "it was slow")


def test_rollback_without_an_earlier_release_says_so() -> None:
    """One release alone cannot be rolled back."""
    hands = FakeHands()
    go(hands)
    with pytest.raises(ShipwayError) as caught:
        backwards.rollback(WHERE, reason="", hands=hands, emit=lambda _: None)

    assert caught.value.id == "rollback.none"


def test_a_release_that_does_not_serve_is_put_back() -> None:
    """The gate's no brings the old release back at once, and its outcome says in how long."""
    hands = FakeHands()
    first = go(hands)
    edit(hands, "broken")
    hands.cluster.good = set(first.images.values())
    with pytest.raises(ShipwayError) as caught:
        go(hands)

    assert (caught.value.id, caught.value.kind) == ("gate.progress_deadline", Kind.REJECTED)
    assert hands.cluster.image(WEB) == first.images["shop"]
    newest, failed, _ = past(hands)
    assert (failed.result, newest.kind, newest.result) == ("failed", "rollback", "passed")
    assert newest.seconds is not None


def test_a_first_release_that_does_not_serve_is_left() -> None:
    """Without a predecessor the error says that nothing was put back."""
    hands = FakeHands()
    hands.cluster.good = set()
    with pytest.raises(ShipwayError, match="there is no release before it"):
        go(hands)


def test_what_never_gets_ready_is_told_when_its_time_is_over() -> None:
    """A Deployment that neither serves nor fails is refused after the time that was given."""
    hands = FakeHands()
    hands.cluster.slow = True
    with pytest.raises(ShipwayError) as caught:
        go(hands, seconds=0.2)

    assert caught.value.id == "gate.timeout"
    assert past(hands)[0].causes == ("Timeout",)


def test_failing_tests_beside_are_loud_and_serve() -> None:
    """In an unprotected environment a failing test makes the exit code, not the deploy."""
    hands = FakeHands()
    hands.write("main_test.go", WRONG)
    said = go(hands)

    assert said.exit_kind is Kind.TESTS
    assert hands.cluster.image(WEB) == said.images["shop"]


def test_failing_tests_that_block_stop_before_the_image() -> None:
    """With --tests block nothing is built or pushed."""
    hands = FakeHands()
    hands.write("main_test.go", WRONG)
    with pytest.raises(ShipwayError) as caught:
        go(hands, tests="block")

    assert caught.value.id == "test.failed"
    assert not hands.registries.manifests


def test_tests_may_be_off() -> None:
    """With --tests off none run, and the verdict waives them by name."""
    said = go(FakeHands(), tests="off")

    assert said.tests == "off"


def test_a_protected_environment_takes_no_dirty_tree() -> None:
    """Changes that no commit holds stop before anything is built."""
    hands = FakeHands()
    hands.write("shipway.toml", "schema = 1\n[environments.dev]\nprotected = true\n")
    with pytest.raises(ShipwayError) as caught:
        go(hands, keys=("key",))

    assert caught.value.id == "source.dirty"


def test_a_protected_environment_needs_named_keys() -> None:
    """The user's own key counts there only if it was named."""
    hands = FakeHands()
    hands.write("shipway.toml", "schema = 1\n[environments.dev]\nprotected = true\n")
    with pytest.raises(ShipwayError) as caught:
        go(hands)

    assert caught.value.id == "trust.none"


def test_a_key_without_passphrase_never_counts_where_protected() -> None:
    """The verdict refuses links by such a key, and nothing is applied."""
    hands = FakeHands()
    hands.write("shipway.toml", "schema = 1\n[environments.dev]\nprotected = true\n")
    hands.write("main_test.go", "fine")
    hands.go.profile = b"mode: set\nexample.com/shop/main.go:5.1,7.2 1 1\n"
    hands.git.commit_all(1_700_000_001)
    hands.key = MemorySigner(has_passphrase=False)
    hands.trust = [hands.key]
    with pytest.raises(ShipwayError) as caught:
        go(hands, keys=("key",))

    assert caught.value.id == "verdict.failed"
    assert "no passphrase" in caught.value.message
    assert WEB.identity not in hands.cluster.objects


def test_a_signer_that_is_not_trusted_deploys_nothing() -> None:
    """Links by another key than the trusted one are refused by name."""
    hands = FakeHands()
    hands.trust = [MemorySigner(2)]
    with pytest.raises(ShipwayError, match="signer not allowed for this link"):
        go(hands)

    assert WEB.identity not in hands.cluster.objects


def test_other_targets_need_a_registry_of_theirs() -> None:
    """A target that is not embedded names where its nodes pull from."""
    hands = FakeHands()
    text = 'schema = 1\n[environments.dev]\ntargets = [{context = "far"}]\n'
    hands.write("shipway.toml", text)
    with pytest.raises(ShipwayError) as caught:
        go(hands, keys=("key",))

    assert caught.value.id == "config.invalid"
    assert "environments.dev.registry" in caught.value.message


def test_a_confined_run_tells_the_port() -> None:
    """Where only the default is left, the port that the program opens counts."""
    hands = FakeHands()
    hands.write(
        "main.go",
        'package main\n\nimport "net/http"\n\nfunc main() { http.Serve(listen(), nil) }\n',
    )
    hands.sandbox.opened = (9999,)
    go(hands)
    live = hands.cluster.objects[WEB.identity]
    (port,) = live["spec"]["template"]["spec"]["containers"][0]["ports"]

    assert port["containerPort"] == 9999


def test_what_others_made_is_not_taken_over() -> None:
    """An object that somebody else made stops the deploy, unless --adopt says otherwise."""
    hands = FakeHands()
    hands.cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-dev"}})
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": []}}}
    hands.cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop", "namespace": "shop-dev"},
            "spec": spec,
        }
    )
    with pytest.raises(ShipwayError) as caught:
        go(hands)

    assert (caught.value.id, caught.value.kind) == ("kube.not_ours", Kind.CONFLICT)
    assert "--adopt" in caught.value.hint


def _changes() -> int:
    """Return how many changing calls an edit's run makes."""
    hands = FakeHands()
    go(hands)
    edit(hands, "two")
    hands.kill_at(0)
    go(hands)
    return len(hands.calls)


@pytest.mark.parametrize("number", range(1, _changes() + 1))
def test_a_kill_at_any_call_loses_nothing(number: int) -> None:
    """Whatever call is the last, a rerun completes, and the history has no gap and no fork."""
    hands = FakeHands()
    go(hands)
    edit(hands, "two")
    hands.kill_at(number)
    with pytest.raises(BaseException) as caught:  # noqa: PT011  Killed, alone or among others
        go(hands)
    assert isinstance(caught.value, Killed | ShipwayError | BaseExceptionGroup)
    hands.kill_at(0)
    hands.clock.time += 60
    said = go(hands)

    assert hands.cluster.image(WEB) == said.images["shop"]
    assert past(hands)[0].result == "passed"
