"""Health expressions: what they mean, where they have no value, and what is no expression."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.kube.health import State, cel, custom
from shipway.core.kube.health.custom import Rule
from shipway.core.kube.scene import Scene
from shipway.errors import ShipwayError

READY = 'status.conditions.exists(c, c.type == "Ready" && c.status == "True")'
OBJECT: dict[str, Any] = {
    "apiVersion": "example.com/v1",
    "kind": "Thing",
    "metadata": {"name": "x", "generation": 2},
    "spec": {"size": 3, "on": True, "rate": 0.5},
    "status": {
        "phase": "Bound",
        "conditions": [
            {"type": "Synced", "status": "True"},
            {"type": "Ready", "status": "False", "reason": "Waiting", "message": "for a friend"},
        ],
    },
}


def value(text: str) -> Any:
    """Return the value of an expression over the object."""
    return cel.evaluate(cel.parse(text), {**OBJECT, "object": OBJECT})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 % 4", 3),
        ("-7 % 4", -3),
        ("7.0 / 2", 3.5),
        ("10 - 2 - 3", 5),
        ("-spec.size", -3),
        ("'a' + \"b\"", "ab"),
        (r"'it\'s'", "it's"),
        ("true", True),
        ("null", None),
        ("!false", True),
        ("!!true", True),
        ("1 == 1.0", True),
        ("1 == true", False),
        ("'1' == 1", False),
        ("1 != '1'", True),
        ("1 < 2 && 2 <= 2 && 3 > 2 && 2 >= 2", True),
        ("'a' < 'b'", True),
        ("true || false", True),
        ("1 == 1 ? 'yes' : 'no'", "yes"),
        ("false ? 1 : false ? 2 : 3", 3),
        ("[1, 2][1]", 2),
        ("[]", []),
        ("2 in [1, 2]", True),
        ("'phase' in status", True),
        ("1 in [true]", False),
        ("status.phase", "Bound"),
        ("object.status['phase']", "Bound"),
        ("status.conditions[0].type", "Synced"),
        ("has(status.phase)", True),
        ("has(status.nothing)", False),
        ("has(status.phase.nothing)", False),
        ("size(status.conditions)", 2),
        ("status.phase.contains('oun')", True),
        ("status.phase.startsWith('B')", True),
        ("status.phase.endsWith('B')", False),
        ("status.conditions.filter(c, c.status == 'True')[0].type", "Synced"),
        ("status.conditions.all(c, has(c.type))", True),
        ("status.conditions.all(c, c.status == 'True')", False),
        (READY, False),
        ("spec.on && spec.size > 2", True),
        ("spec.exists(key, key == 'rate')", True),
        # an error on one side yields to a side that decides
        ("status.nothing || true", True),
        ("true || status.nothing", True),
        ("status.nothing && false", False),
        ("[1, 2].exists(x, x == 2 || nothing)", True),
        ("status.conditions.exists(c, c.reason == 'Waiting')", True),
        ("status.conditions.all(c, c.reason == 'x')", False),
    ],
)
def test_value(text: str, expected: Any) -> None:
    """Each expression has the value that CEL gives it."""
    found = value(text)

    assert found == expected
    assert isinstance(found, bool) is isinstance(expected, bool)


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "status.nothing",
        "status.phase.nothing",
        "status.nothing || false",
        "status.nothing && true",
        "status.conditions[9]",
        "status.phase['x']",
        "1 + 'a'",
        "1 < 'a'",
        "true < false",
        "1 / 0",
        "1 in 2",
        "!1",
        "1 ? 2 : 3",
        "size(1)",
        "spec.size.contains('x')",
        "status.phase.contains(1)",
        "status.phase.exists(c, true)",
        "status.conditions.all(c, has(c.type) && c.reason == 'Waiting')",
        "status.conditions.filter(c, c.reason == 'x')",
    ],
)
def test_no_value(text: str) -> None:
    """A missing field, or types that do not fit, are no value."""
    with pytest.raises(cel.NoValueError):
        value(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "ends too early"),
        ("1 +", "ends too early"),
        ("status.phase = 'x'", "'=' is not expected"),
        ("1 2", "'2' is not expected"),
        ("(1", "')' is expected"),
        ("[1", "ends too early|',' is expected"),
        ("[1 2]", "',' is expected"),
        ("a ? 1", "':' is expected"),
        ("a.'b'", "a field's name is expected"),
        ("a[1", "']' is expected"),
        (") + 1", "is not expected"),
        ("has(1)", "has() takes one field"),
        ("a.exists(1, true)", "takes a name and an expression"),
        ("a.exists(x)", "takes a name and an expression"),
        ("open('x')", "there is no open() with 1 arguments here"),
        ("size()", "there is no size() with 0 arguments here"),
        ("a.matches('x')", "there is no matches()"),
        ("(" * 60 + "1" + ")" * 60, "nested too deeply"),
        ("'open", "is not expected"),
    ],
)
def test_no_expression(text: str, why: str) -> None:
    """What is no expression is refused with the place where it goes wrong."""
    with pytest.raises(ShipwayError) as caught:
        cel.parse(text)

    assert caught.value.id == "health.expression"
    assert any(one in caught.value.message for one in why.split("|"))


@given(st.text(alphabet="ab.()[]!&|<>=+-*/?:,'\"1 \\", max_size=30))
def test_any_text(text: str) -> None:
    """Whatever is written is a value, no value, or refused; nothing else happens."""
    with contextlib.suppress(ShipwayError, cel.NoValueError):
        value(text)


def thing(**status: Any) -> dict[str, Any]:
    """Return the object with this status."""
    return {**OBJECT, "status": status}


CONDITIONS = OBJECT["status"]["conditions"]


@pytest.mark.parametrize(
    ("rule", "live", "state", "message"),
    [
        ({"healthy": "status.phase == 'Bound'"}, OBJECT, State.HEALTHY, ""),
        ({"healthy": READY}, OBJECT, State.PROGRESSING, "Waiting: for a friend"),
        ({"healthy": READY}, thing(), State.PROGRESSING, f"{READY} does not hold yet"),
        ({"failed": "spec.size > 2", "healthy": "true"}, OBJECT, State.FAILED, "Waiting"),
        ({"failed": "spec.size > 2"}, thing(), State.FAILED, "it is failed by"),
        ({"progressing": "spec.on", "healthy": "true"}, thing(), State.PROGRESSING, "on its way"),
        ({"progressing": "spec.on"}, OBJECT, State.PROGRESSING, "Waiting"),
        ({"failed": "status.nothing"}, OBJECT, State.HEALTHY, ""),
        ({"failed": "spec.size"}, OBJECT, State.HEALTHY, ""),
        ({"healthy": "true"}, thing(observedGeneration=1), State.PROGRESSING, "not seen"),
        ({"healthy": "true"}, thing(observedGeneration=2), State.HEALTHY, ""),
    ],
)
def test_judge(rule: dict[str, str], live: Any, state: State, message: str) -> None:
    """Failed is asked first, then progressing, then healthy; no value does not hold."""
    found = custom.judge(Rule(kind="Thing.example.com", **rule), live)

    assert found.state is state
    assert message in found.message


def test_check() -> None:
    """Rules are read before they are needed, and the first broken one is named."""
    good = Rule(kind="Thing.example.com", healthy=READY)

    assert custom.check([good]) == (good,)
    with pytest.raises(ShipwayError):
        custom.check([good, Rule(kind="Other.example.com", failed="1 +")])


def test_scene_asks_the_rule() -> None:
    """The scene asks the rule of a kind, unless the object is being deleted."""
    scene = Scene((Rule(kind="Thing.example.com", healthy="false"),))
    ending = {**OBJECT, "metadata": {"name": "x", "deletionTimestamp": "now"}}

    assert scene.health(OBJECT).state is State.PROGRESSING
    assert scene.health(ending).message == "it is being deleted"
    assert custom.kind_of({"apiVersion": "v1", "kind": "Pod"}) == "Pod"
