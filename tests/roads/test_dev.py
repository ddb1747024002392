"""Dev: a save is a round; what breaks is said once, and a save meanwhile starts again."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.git import ROOT
from fakes.go import WRONG
from fakes.hands import MAIN
from fakes.shop import FAR, WEB, Shop
from shipway import scope
from shipway.core.run.events import Fact, LogLine, Remark, RunFinished
from shipway.errors import ShipwayError
from shipway.roads import dev as road
from shipway.roads.up import UpRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPACE = "shop-dev"
IDLE = "watching for changes; Ctrl-C ends"
AGAIN = "saved meanwhile: starting again"


class Session:
    """A ``dev`` that runs beside the test."""

    def __init__(self, shop: Shop, **asked: Any) -> None:
        self.shop = shop
        self.error: BaseException | None = None
        self._scope = scope.Scope()
        up = UpRequest(directory=ROOT, architecture="amd64", tests="off", keys=("me.pub",))
        self._request = road.DevRequest(up=up, **asked)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._scope:
                road.dev(self._request, hands=self.shop, emit=self.shop.said.append)
        except BaseException as error:  # noqa: BLE001  the test looks at it
            self.error = error

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        ends = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < ends, (self.shop.texts(), self.error)
            assert self.error is None, self.error
            time.sleep(0.01)

    def idle(self, times: int) -> None:
        """Wait until it has waited for changes so often."""
        self.until(lambda: self.remarks.count(IDLE) == times)

    def save(self, path: str, text: str) -> None:
        """Write a file of the project as an editor does."""
        self.shop.write(path, text)
        self.shop.watching.touch()

    @property
    def remarks(self) -> list[str]:
        """Return all remarks so far."""
        return [one.text for one in self.shop.said if isinstance(one, Remark)]

    @property
    def runs(self) -> list[str]:
        """Return how the rounds ended."""
        return [one.result for one in self.shop.said if isinstance(one, RunFinished)]

    def end(self) -> None:
        """Press Ctrl-C."""
        began = time.monotonic()
        self._scope.cancel()
        self._thread.join(10)
        assert time.monotonic() - began < 2
        assert isinstance(self.error, ShipwayError), self.error
        assert self.error.id == "run.cancelled"


def aside(shop: Shop, path: str, text: str) -> None:
    """Write a file that no build reads."""
    shop.git.files[path] = text
    shop.project.files[path] = text.encode()


@pytest.fixture
def begin() -> Iterator[Callable[..., Session]]:
    """Give what starts a session; it is ended by Ctrl-C."""
    begun: list[Session] = []

    def session(shop: Shop, **asked: Any) -> Session:
        begun.append(Session(shop, **asked))
        return begun[-1]

    yield session
    for one in begun:
        one.end()


def test_a_save_is_served(begin: Callable[..., Session]) -> None:
    """Each save of something that counts is one more round; one that changes nothing is none."""
    way = begin(Shop())
    way.idle(1)
    first = way.shop.cluster.image(WEB)
    way.save("main.go", f"{MAIN}// two\n")
    way.idle(2)
    way.save("README.md", "read me")
    way.save("main.go", f"{MAIN}// two\n")
    way.save("main.go", f"{MAIN}// three\n")
    way.idle(3)

    assert first != way.shop.cluster.image(WEB)
    assert way.runs == ["passed"] * 3
    assert ROOT in way.shop.watching.watched


def test_what_does_not_compile_ends_nothing(begin: Callable[..., Session]) -> None:
    """The error is said once with its next step, the last version stays, and a fix is served."""
    way = begin(Shop())
    way.idle(1)
    before = way.shop.cluster.image(WEB)
    way.save("main.go", f"{MAIN}// {WRONG}\n")
    way.idle(2)
    said = [one for one in way.remarks if WRONG in one]
    assert (len(said), way.shop.cluster.image(WEB)) == (1, before)
    fixes = [one.fix for one in way.shop.said if isinstance(one, Remark) and one.loud]
    assert fixes == ["shipway explain build.compile"]
    way.save("main.go", f"{MAIN}// fine\n")
    way.idle(3)

    assert way.runs == ["passed", "failed", "passed"]


def test_a_save_in_mid_run_starts_again(begin: Callable[..., Session]) -> None:
    """The round under way is cancelled, and the newest sources serve in the end."""
    shop = Shop()
    shop.cluster.slow = True
    way = begin(shop)
    way.until(lambda: ("apply", str(WEB)) in shop.cluster.calls)
    shop.cluster.slow = False
    way.save("main.go", f"{MAIN}// newer\n")
    way.idle(1)

    assert AGAIN in way.remarks
    assert way.runs == ["cancelled", "passed"]
    assert [one for one in shop.said if isinstance(one, Remark) and one.loud] == []


def test_a_save_that_nobody_watches_starts_again_too(begin: Callable[..., Session]) -> None:
    """What is no input, but in the commit, spoils the round; the next one goes on by itself."""
    shop = Shop()
    saves = [{"notes.md": "saved"}]
    shop.go.before_build = lambda: shop.git.files.update(saves.pop() if saves else {})
    way = begin(shop)
    way.idle(1)

    assert way.remarks.count(AGAIN) == 1
    assert way.runs == ["failed", "passed"]
    assert [one for one in shop.said if isinstance(one, Remark) and one.loud] == []


def test_a_source_that_never_rests_is_said(begin: Callable[..., Session]) -> None:
    """After three such rounds in a row it says why, and waits for a save."""
    shop = Shop()
    words = iter(range(99))
    shop.go.before_build = lambda: shop.git.files.update({"notes.md": f"{next(words)}"})
    way = begin(shop)
    way.idle(1)
    said = [one.fix for one in shop.said if isinstance(one, Remark) and one.loud]
    assert (way.remarks.count(AGAIN), len(said)) == (2, 1)
    assert said[0].endswith("shipway explain build.moving")
    shop.go.before_build = lambda: None
    way.save("main.go", f"{MAIN}// at rest\n")
    way.idle(2)

    assert way.runs == ["failed"] * 3 + ["passed"]


def test_a_broken_config_is_said_and_mended(begin: Callable[..., Session]) -> None:
    """A save of shipway.toml counts, wrong or right; so does a manifest."""
    way = begin(Shop())
    way.idle(1)
    way.save("shipway.toml", "schema = 1\nwrong = 2\n")
    way.idle(2)
    way.save("shipway.toml", "schema = 1\n")
    way.idle(3)
    way.save("deploy/notes.yaml", "a: 1\n")
    way.idle(4)

    assert sum("wrong" in one for one in way.remarks) == 1


CA = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
CONFIG = """schema = 1
[services.shop]
package = "."
image.ca = "certs/ca.pem"
"""


@pytest.mark.parametrize(
    ("path", "first", "then"),
    [
        ("kodata/index.html", "<p>one", "<p>two"),
        ("certs/ca.pem", CA.format("b25l"), CA.format("dHdv")),
        ("k8s/web.yaml", "a: 1\n", "a: 2\n"),
    ],
    ids=["kodata", "ca", "manifests"],
)
def test_all_that_an_image_or_a_deploy_is_made_of_counts(
    begin: Callable[..., Session], path: str, first: str, then: str
) -> None:
    """Static files as ko has them, a company's authority, and manifests wherever they are."""
    shop = Shop()
    aside(shop, "shipway.toml", CONFIG + '[environments.dev]\noverlay = "k8s"\n')
    aside(shop, "certs/ca.pem", CA.format("b25l"))
    aside(shop, "k8s/kustomization.yaml", "resources: []\n")
    aside(shop, path, first)
    way = begin(shop)
    way.idle(1)
    aside(shop, path, then)
    shop.watching.touch()
    way.idle(2)

    assert f"{ROOT}/{path}".rpartition("/")[0] in shop.watching.watched


def test_what_is_read_for_the_targets_nodes_counts(begin: Callable[..., Session]) -> None:
    """Where nodes are of another platform, what the build for that one read is looked at."""
    shop = Shop()
    shop.write("shipway.toml", FAR.format('{context = "far"}'))
    node = {"status": {"nodeInfo": {"operatingSystem": "linux", "architecture": "arm64"}}}
    shop.cluster.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, **node})
    shop.write("data/words.txt", "embedded, so that go read it")
    way = begin(shop, logs=False, forward=False)
    way.idle(1)
    way.save("data/words.txt", "another")
    way.idle(2)

    assert way.runs == ["passed"] * 2


def test_logs_and_forwards_come_beside(begin: Callable[..., Session]) -> None:
    """Pods speak while it watches; a service without an address gets a local one, once."""
    shop = Shop()
    shop.write("shipway.toml", FAR.format('{context = "far"}'))
    shop.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "a", "namespace": SPACE},
            "spec": {"containers": []},
            "status": {"containerStatuses": [{"name": "web", "state": {"running": {}}}]},
        }
    )
    shop.cluster.living.add(("a", "web"))
    shop.cluster.say("a", "web", "2026-11-25T03:04:05.000000000Z hello")
    way = begin(shop)
    way.until(lambda: [one.text for one in shop.said if isinstance(one, LogLine)] == ["hello"])
    way.idle(1)
    way.save("main.go", f"{MAIN}// two\n")
    way.idle(2)
    urls = [one.value for one in shop.said if isinstance(one, Fact) and one.name == "url"]

    assert len(urls) == 1
    assert urls[0].startswith("http://127.0.0.1:")


def test_neither_logs_nor_forwards_where_they_are_not_wanted(
    begin: Callable[..., Session],
) -> None:
    """Without them nothing is asked of the pods."""
    shop = Shop()
    shop.write("shipway.toml", FAR.format('{context = "far"}'))
    way = begin(shop, logs=False, forward=False)
    way.idle(1)

    assert shop.cluster.asked == []
    assert [one for one in shop.said if isinstance(one, Fact) and one.name == "url"] == []


def test_a_folder_without_a_repository_is_an_error() -> None:
    """What can never work is an error at once."""
    way = Session(Shop())
    way.end()
    with pytest.raises(ShipwayError) as caught:
        road.dev(
            road.DevRequest(up=UpRequest(directory="/nowhere", architecture="amd64")),
            hands=Shop(),
            emit=lambda _: None,
        )

    assert caught.value.id == "source.no-repository"
