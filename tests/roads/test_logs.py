"""Logs: all pods at once, joined and left, no line twice and none missing."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.git import ROOT
from fakes.shop import Shop, refused
from shipway import scope
from shipway.core.kube.objects import Ref
from shipway.core.run.events import LogLine, Remark
from shipway.errors import Kind, ShipwayError
from shipway.roads import logs as road
from shipway.roads.where import WhereRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SPACE = "shop-dev"


def stamped(second: float, text: str) -> str:
    """Return a line as the API server gives it."""
    return f"2026-11-25T03:04:{second:012.9f}Z {text}"


class Pods(Shop):
    """The project, with pods that a test puts there."""

    def pod(
        self, name: str, *, restarts: int = 0, image: str = "x/shop/shop@sha256:0", state: str = ""
    ) -> None:
        """Put a pod, or another state of it."""
        status = {"name": "web", "restartCount": restarts, "state": {state or "running": {}}}
        self.cluster.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": SPACE},
                "spec": {"containers": [{"name": "web", "image": image + "0" * 63}]},
                "status": {"containerStatuses": [status]},
            }
        )
        if state:
            self.cluster.living.discard((name, "web"))
        else:
            self.cluster.living.add((name, "web"))

    def write_line(self, pod: str, second: float, text: str, *, previous: bool = False) -> None:
        """Let a pod say something."""
        self.cluster.say(pod, "web", stamped(second, text), previous=previous)

    def gone(self, name: str) -> None:
        """Remove a pod."""
        self.cluster.living.discard((name, "web"))
        self.cluster.drop(Ref("v1", "Pod", SPACE, name))

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Return what was shown, by pod."""
        return [(one.pod, one.text) for one in self.said if isinstance(one, LogLine)]

    @property
    def remarks(self) -> list[str]:
        """Return what was said about pods."""
        return [one.text for one in self.said if isinstance(one, Remark)]


def show(shop: Pods, **asked: Any) -> None:
    """Show the project's logs."""
    request = road.LogsRequest(where=WhereRequest(directory=ROOT), **asked)
    road.logs(request, hands=shop, emit=shop.said.append)


class Following:
    """A ``logs -f`` that runs beside the test."""

    def __init__(self, shop: Pods, **asked: Any) -> None:
        self.shop = shop
        self.error: BaseException | None = None
        self._scope = scope.Scope()
        self._thread = threading.Thread(target=self._run, args=(asked,))
        self._thread.start()

    def _run(self, asked: dict[str, Any]) -> None:
        try:
            with self._scope:
                show(self.shop, follow=True, **asked)
        except ShipwayError as error:
            self.error = error

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        ends = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < ends, (self.shop.lines, self.shop.remarks, self.error)
            time.sleep(0.01)

    def end(self) -> ShipwayError:
        """Press Ctrl-C and return what it ended with."""
        self._scope.cancel()
        self._thread.join(10)
        assert isinstance(self.error, ShipwayError)
        return self.error


@pytest.fixture
def shop() -> Pods:
    """Give the project."""
    return Pods()


@pytest.fixture
def following(shop: Pods) -> Iterator[Callable[..., Following]]:
    """Give what starts to follow."""
    begun: list[Following] = []

    def begin(**asked: Any) -> Following:
        begun.append(Following(shop, **asked))
        return begun[-1]

    yield begin
    for one in begun:
        assert one.end().id == "run.cancelled"


def test_lines_of_all_pods_come_in_the_order_of_time(shop: Pods) -> None:
    """Each pod's lines keep their order, and together they are sorted."""
    for name in ("a", "b"):
        shop.pod(name)
    for pod, second in (("a", 1), ("a", 3), ("b", 2), ("b", 4)):
        shop.write_line(pod, second, f"at {second}")
    show(shop, tail=5, seconds=60)

    assert shop.lines == [("a", "at 1"), ("b", "at 2"), ("a", "at 3"), ("b", "at 4")]
    assert shop.cluster.asked[0] | {"tail": 5, "seconds": 60} == shop.cluster.asked[0]


def test_only_the_asked_service_and_run(shop: Pods) -> None:
    """A service's pods are those of its image; --previous shows the run before."""
    shop.pod("mine", restarts=1)
    shop.pod("other", image="x/shop/other@sha256:0")
    shop.write_line("mine", 1, "before", previous=True)
    shop.write_line("mine", 2, "now")
    shop.write_line("other", 1, "else")
    show(shop, service="shop", previous=True)

    assert shop.lines == [("mine", "before")]


def test_a_log_that_breaks_off_is_no_whole_log(shop: Pods) -> None:
    """What came is shown, and the break is an error, so that nobody takes it for all there is."""
    shop.pod("a")
    shop.write_line("a", 1, "one")
    shop.write_line("a", 2, "two")
    shop.cluster.breaks["a", "web", False] = 1
    with pytest.raises(ShipwayError) as caught:
        show(shop)

    assert shop.lines == [("a", "one")]
    assert (caught.value.id, caught.value.kind) == ("kube.unreachable", Kind.TRANSIENT)


def test_nothing_to_show_is_told(shop: Pods) -> None:
    """No pod is an error of its own; a service that is not there is named."""
    with pytest.raises(ShipwayError, match="all services in dev") as caught:
        show(shop)
    assert (caught.value.id, caught.value.kind) == ("logs.none", Kind.NOT_FOUND)
    with pytest.raises(ShipwayError) as unknown:
        show(shop, service="wbe")
    assert unknown.value.id == "config.service"


def test_pods_join_and_leave(shop: Pods, following: Callable[..., Following]) -> None:
    """What comes later is followed too; what goes is left, and said."""
    shop.pod("a")
    shop.write_line("a", 1, "one")
    way = following()
    way.until(lambda: ("a", "one") in shop.lines)
    shop.pod("b")
    shop.write_line("b", 2, "two")
    way.until(lambda: ("b", "two") in shop.lines)
    shop.write_line("a", 3, "three")
    shop.gone("a")
    way.until(lambda: "a/web left" in shop.remarks)

    assert shop.lines == [("a", "one"), ("b", "two"), ("a", "three")]
    assert shop.remarks[:1] == ["a/web joined"]


def test_a_broken_connection_loses_and_repeats_nothing(
    shop: Pods, following: Callable[..., Following]
) -> None:
    """Lines written while it is down come afterwards, those seen do not come again."""
    shop.pod("a")
    way = following()
    for number in range(12):
        if number % 3 == 2:
            way.until(lambda: len(shop.lines) == number)  # noqa: B023  now only
            shop.cluster.cut()
        shop.write_line("a", number / 4, f"{number}")
    way.until(lambda: len(shop.lines) >= 12)

    assert shop.lines == [("a", f"{number}") for number in range(12)]
    assert len(shop.cluster.asked) > 1


def test_a_restart_shows_the_end_of_the_run_before(
    shop: Pods, following: Callable[..., Following]
) -> None:
    """Last words that a crash cut off are read from the previous run, before the new one's."""
    shop.pod("a")
    shop.write_line("a", 1, "begun")
    way = following()
    way.until(lambda: shop.lines)
    shop.pod("a", state="waiting")
    shop.cluster.cut()
    shop.cluster.streams["a", "web", True] = [stamped(1, "begun"), stamped(2, "panic")]
    shop.cluster.streams["a", "web", False] = [stamped(3, "again")]
    shop.pod("a", restarts=1)
    way.until(lambda: ("a", "again") in shop.lines)

    assert shop.lines == [("a", "begun"), ("a", "panic"), ("a", "again")]


def test_last_words_are_read_again_after_a_break(
    shop: Pods, following: Callable[..., Following]
) -> None:
    """The previous run is read to its end, however its connection breaks, and told once."""
    shop.pod("a")
    shop.write_line("a", 1, "begun")
    way = following()
    way.until(lambda: shop.lines)
    shop.pod("a", state="waiting")
    shop.cluster.cut()
    shop.cluster.streams["a", "web", True] = [
        stamped(1, "begun"),
        stamped(2, "panic"),
        stamped(3, "main.go:7"),
    ]
    shop.cluster.streams["a", "web", False] = [stamped(4, "again")]
    shop.cluster.breaks["a", "web", True] = 2
    shop.pod("a", restarts=1)
    way.until(lambda: ("a", "again") in shop.lines)

    assert [text for _, text in shop.lines] == ["begun", "panic", "main.go:7", "again"]


def test_a_cluster_that_does_not_answer_is_asked_again(
    shop: Pods, following: Callable[..., Following]
) -> None:
    """A transient refusal of a log is waited out; one of the watch is said."""
    shop.pod("a")
    shop.write_line("a", 1, "one")
    shop.cluster.refusals["log-stream", f"pod/{SPACE}/a"] = refused(
        "kube.unreachable", Kind.TRANSIENT
    )
    way = following()
    way.until(lambda: shop.lines)

    assert shop.lines == [("a", "one")]


def test_a_refusal_ends_it(shop: Pods) -> None:
    """Who may not read logs is told so, once."""
    shop.pod("a")
    shop.cluster.refusals["log-stream", f"pod/{SPACE}/a"] = refused("kube.forbidden", Kind.DENIED)
    way = Following(shop)
    way._thread.join(10)

    assert isinstance(way.error, ShipwayError)
    assert way.error.id == "kube.forbidden"
