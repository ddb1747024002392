"""The demo: what it shows, and that it does nothing that a person could not type."""

from __future__ import annotations

from fakes.shop import WHERE, Shop
from shipway.errors import Kind
from shipway.roads.demo import Demo, demo
from shipway.roads.tracing import walk_back
from shipway.roads.up import Up

URL = "http://127.0.0.1:30080"


def shown(exit_kind: Kind | None = None) -> Demo:
    """Return the demo of a project that serves."""
    shop = Shop()
    said = shop.carry()
    served = Up(
        environment=said.environment,
        release=said.release,
        images=said.images,
        urls={"shop": URL},
        tests=said.tests,
        changed=said.changed,
        exit_kind=exit_kind,
    )
    return demo(
        "/somewhere/hello",
        up=lambda _: served,
        fetch=lambda url: f"hello from {url}\n",
        trace=lambda _: walk_back("deployment/shop", WHERE, hands=shop),
    )


def test_the_demo_shows_answer_and_evidence() -> None:
    """The URL's answer, the trace and the next commands stand in this order."""
    lines = list(shown().lines())

    assert lines[0] == f"{URL} answers: hello from {URL}"
    assert "  the chain holds" in lines
    assert any("cd /somewhere/hello" in one for one in lines)
    assert shown().exit_kind is None


def test_failing_tests_make_the_demos_exit_code() -> None:
    """What ``up`` says counts here too."""
    assert shown(Kind.TESTS).exit_kind is Kind.TESTS
