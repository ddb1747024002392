"""What a run that failed leaves: its tests' result, signed, about its image or else its commit."""

from __future__ import annotations

import time

import pytest

from fakes.go import WRONG
from fakes.hands import MAIN, Killed
from fakes.shop import APPLY_WEB, WEB, WHERE, Shop, refused
from fakes.signer import MemorySigner
from shipway.core.evidence import revision
from shipway.core.evidence.revision import Revision
from shipway.core.run.events import StepFinished
from shipway.errors import Kind, ShipwayError
from shipway.roads import tracing

IMAGES = "127.0.0.1:5000/shop/shop"


def broken() -> Shop:
    """Return a project whose tests fail, committed."""
    shop = Shop()
    shop.write("main_test.go", WRONG)
    shop.git.commit_all(1_700_000_001)
    return shop


def blocked(shop: Shop) -> ShipwayError:
    """Carry it with tests that block; return what stopped it."""
    with pytest.raises(ShipwayError) as caught:
        shop.carry(tests="block")
    return caught.value


def ended(shop: Shop) -> None:
    """Wait until the tests beside have ended."""
    until = time.monotonic() + 10
    while not any(isinstance(one, StepFinished) and one.step == "test" for one in shop.said):
        assert time.monotonic() < until
        time.sleep(0.01)
    time.sleep(0.2)


def kept(shop: Shop, algorithm: str, name: str) -> int:
    """Return how many links the store has about a revision."""
    return len(shop.links.about(Revision(algorithm=algorithm, id=name).descriptor.digest))


def test_blocking_tests_that_fail_are_signed() -> None:
    """The result lies in the store about its commit, nothing in a registry, and trace proves it."""
    shop = broken()
    assert blocked(shop).id == "test.failed"

    assert f"signed: shipway trace {shop.git.commit}" in shop.texts()
    assert not shop.registries.writes
    shown = tracing.walk_back(shop.git.commit, WHERE, hands=shop)
    assert shown.exit_kind is None
    place, test = shown.trace.steps
    assert (place.name, place.subject) == ("commit", shop.git.commit)
    assert (test.name, test.state, test.signer) == ("test", "verified", shop.key.fingerprint)
    assert test.details == {"result": "FAILED", "failed": "example.com/shop.TestIt"}


def test_a_dirty_tree_is_named_by_its_tree() -> None:
    """What no commit holds is never said to be one."""
    shop = broken()
    shop.edit("more")
    blocked(shop)
    tree = shop.texts().rpartition("shipway trace ")[2][:40]

    assert tree != shop.git.commit
    assert kept(shop, "gitTree", tree) == 1
    assert kept(shop, "gitCommit", shop.git.commit) == 0
    assert tracing.walk_back(tree, WHERE, hands=shop).trace.steps[0].name == "tree"


def test_the_same_result_is_signed_once() -> None:
    """A rerun that says the same leaves one link, and one that says something else another."""
    shop = broken()
    blocked(shop)
    blocked(shop)
    assert kept(shop, "gitCommit", shop.git.commit) == 1
    shop.write("other_test.go", WRONG)
    shop.git.commit_all(1_700_000_002)
    blocked(shop)
    assert kept(shop, "gitCommit", shop.git.commit) == 1


def test_no_key_is_made_for_it() -> None:
    """Where no key is at hand nobody is asked and none is made: that is said, the error stays."""
    shop = broken()
    shop.near = False
    assert blocked(shop).id == "test.failed"

    assert "is not signed: no key is at hand" in shop.texts()
    assert kept(shop, "gitCommit", shop.git.commit) == 0


def test_what_cannot_be_signed_hides_nothing() -> None:
    """A full disk while signing is said; the failing tests are the error."""
    shop = broken()
    shop.broken["put"] = refused("content.disk", Kind.MISSING, "no space")
    assert blocked(shop).id == "test.failed"
    assert "is not signed: asking: no space" in shop.texts()


def test_a_build_that_fails_leaves_what_the_tests_said() -> None:
    """Tests beside that ended before the compiler gave up are signed about the commit."""
    shop = Shop()
    shop.write("main.go", f"{MAIN}// {WRONG}\n")
    shop.git.commit_all(1_700_000_001)
    shop.go.before_build = lambda: ended(shop)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.id == "build.compile"
    assert kept(shop, "gitCommit", shop.git.commit) == 1


def test_a_build_that_fails_before_its_tests_ended_leaves_nothing() -> None:
    """Without tests there is nothing to say of a commit that does not compile."""
    shop = Shop()
    shop.write("main.go", f"{MAIN}// {WRONG}\n")
    shop.git.commit_all(1_700_000_001)
    with pytest.raises(ShipwayError):
        shop.carry(tests="off")

    assert "signed" not in shop.texts()


def test_a_deploy_that_fails_has_its_tests_beside_its_image() -> None:
    """Once there is an image the result goes there, also where the gate says no."""
    shop = Shop()
    shop.cluster.good = set()
    shop.cluster.hooks[APPLY_WEB] = lambda: ended(shop)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.id == "gate.progress_deadline"
    image = shop.cluster.image(WEB)
    shown = tracing.judge(image, WHERE, hands=shop)
    assert "test" in [one.name for one in shown.trace.steps]
    assert kept(shop, "gitCommit", shop.git.commit) == 0


def test_blocking_tests_that_passed_are_signed_once() -> None:
    """A deploy that fails after tests that blocked has their link beside the image already."""
    shop = Shop()
    shop.go.profile = b"mode: set\nexample.com/shop/main.go:5.1,7.2 1 1\n"
    shop.cluster.good = set()
    with pytest.raises(ShipwayError):
        shop.carry(tests="block")

    steps = tracing.judge(shop.cluster.image(WEB), WHERE, hands=shop).trace.steps
    assert [one.name for one in steps].count("test") == 1


def test_a_stopped_run_signs_nothing() -> None:
    """Ctrl-C ends at once; the next run says it all again."""
    shop = Shop()
    shop.cluster.refusals["apply", str(WEB)] = refused("run.cancelled", Kind.CANCELLED)
    shop.cluster.hooks[APPLY_WEB] = lambda: ended(shop)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.kind is Kind.CANCELLED
    steps = (
        tracing.judge(shop.cluster.image(WEB), WHERE, hands=shop).trace.steps
        if (WEB.identity in shop.cluster.objects)
        else ()
    )
    assert "test" not in [one.name for one in steps]


def test_a_link_by_another_key_is_refused_by_name() -> None:
    """What a stranger signed about a commit does not count, and is shown."""
    shop = broken()
    blocked(shop)
    shop.trust = [MemorySigner(2)]
    shown = tracing.walk_back(shop.git.commit, WHERE, hands=shop)

    assert shown.exit_kind is Kind.INTEGRITY
    assert "signer not allowed for this link" in str(shown.trace.findings[0])


def test_an_altered_link_is_named() -> None:
    """Bytes in the store that are not what their digest says are an altered link."""
    shop = broken()
    blocked(shop)
    about = Revision(algorithm=revision.COMMIT, id=shop.git.commit).descriptor.digest
    (link,) = shop.links.about(about)
    shop.memory.blobs[link.digest] = b"{}"
    shown = tracing.walk_back(shop.git.commit, WHERE, hands=shop)

    assert shown.exit_kind is Kind.INTEGRITY
    assert "altered link" in str(shown.trace.findings[0])


def test_a_commit_that_nothing_is_known_of() -> None:
    """That is said, with where its links would be if it had an image."""
    with pytest.raises(ShipwayError, match="keeps no link") as caught:
        tracing.walk_back("0" * 40, WHERE, hands=Shop())

    assert (caught.value.id, caught.value.kind) == ("trace.not_found", Kind.NOT_FOUND)


def test_a_commit_needs_no_cluster() -> None:
    """What the store keeps can be read while the cluster is down."""
    shop = broken()
    blocked(shop)
    shop.running = False

    assert tracing.walk_back(shop.git.commit, WHERE, hands=shop).trace.ok


def test_a_commit_cannot_be_exported() -> None:
    """An export is of what runs, or of an image; asking for one of a commit is said to be wrong."""
    shop = broken()
    blocked(shop)
    with pytest.raises(ShipwayError) as caught:
        tracing.walk_back(shop.git.commit, WHERE, hands=shop, export="file")

    assert (caught.value.id, caught.value.kind) == ("trace.kind", Kind.USAGE)


def _changes() -> int:
    """Return how many changing calls a run makes whose blocking tests fail."""
    shop = broken()
    shop.kill_at(0)
    blocked(shop)
    return len(shop.calls)


@pytest.mark.parametrize("number", range(1, _changes() + 1))
def test_a_kill_while_leaving_loses_nothing(number: int) -> None:
    """Whatever call is the last, the same command again leaves the one link, whole."""
    shop = broken()
    shop.kill_at(number)
    with pytest.raises(Killed):
        shop.carry(tests="block")
    shop.kill_at(0)
    blocked(shop)

    assert kept(shop, "gitCommit", shop.git.commit) == 1
    assert tracing.walk_back(shop.git.commit, WHERE, hands=shop).trace.ok
