"""What a health expression means for one object, as CEL has it (cel-spec, langdef.md).

``health.custom`` asks. Values of different types are unequal, a missing field is no value, and an
error on one side of ``&&`` or ``||`` yields to the other side's verdict.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from shipway.core.kube.health.syntax import Node, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["NoValueError", "evaluate", "parse"]


class NoValueError(Exception):
    """An expression has no value for this object: a field is missing, or types do not fit."""


def evaluate(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    """Return the value of an expression.

    Raises:
        NoValueError: if it has none.
    """
    return _RULES[node[0]](node, variables)


def _both(node: Node, variables: Mapping[str, Any]) -> bool:
    """Return ``&&`` or ``||``: a side that decides makes the other's error irrelevant."""

    def holds(side: Node) -> bool:
        return _truth(evaluate(side, variables))

    return _decided(holds, node[1:3], decisive=node[0] == "||")


def _decided(test: Callable[[Any], bool], items: Iterable[Any], *, decisive: bool) -> bool:
    """Return ``decisive`` if ``test`` of one item is that; errors of others do not matter then."""
    failure: NoValueError | None = None
    for item in items:
        try:
            if test(item) is decisive:
                return decisive
        except NoValueError as error:
            failure = error
    if failure:
        raise failure
    return not decisive


def _binary(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    left, right = (evaluate(side, variables) for side in node[1:3])
    try:
        return _BINARY[node[3]](left, right)
    except (TypeError, ZeroDivisionError) as error:
        raise NoValueError(str(error)) from error


def _equal(left: Any, right: Any) -> bool:  # noqa: ANN401  any JSON value
    return isinstance(left, bool) is isinstance(right, bool) and bool(left == right)


def _compare(test: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(left: Any, right: Any) -> Any:  # noqa: ANN401  any JSON value
        if isinstance(left, bool) or isinstance(right, bool):
            raise NoValueError("a truth value is neither more nor less")
        return test(left, right)

    return compare


def _contained(left: Any, right: Any) -> bool:  # noqa: ANN401  any JSON value
    if not isinstance(right, list | dict):
        raise NoValueError("only lists and maps contain")
    return any(_equal(left, one) for one in right)


def _divide(left: Any, right: Any) -> Any:  # noqa: ANN401  any JSON value
    return int(left / right) if isinstance(left, int) and isinstance(right, int) else left / right


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "<": _compare(operator.lt),
    "<=": _compare(operator.le),
    ">": _compare(operator.gt),
    ">=": _compare(operator.ge),
    "in": _contained,
    "+": _compare(operator.add),
    "-": _compare(operator.sub),
    "*": _compare(operator.mul),
    "/": _compare(_divide),
    "%": _compare(lambda left, right: left - right * _divide(left, right)),
}


def _field(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    found = evaluate(node[1], variables)
    if not isinstance(found, dict) or node[2] not in found:
        raise NoValueError(f"there is no field {node[2]}")
    return found[node[2]]


def _has(node: Node, variables: Mapping[str, Any]) -> bool:
    holder = evaluate(node[1][1], variables)
    return isinstance(holder, dict) and holder.get(node[1][2]) is not None


def _index(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    found, key = evaluate(node[1], variables), evaluate(node[2], variables)
    try:
        return found[key]
    except (KeyError, IndexError, TypeError) as error:
        raise NoValueError(f"there is no {key!r}") from error


def _named(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    if node[1] not in variables:
        raise NoValueError(f"there is no {node[1]}")
    return variables[node[1]]


def _macro(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    found = evaluate(node[1], variables)
    if not isinstance(found, list | dict):
        raise NoValueError(f"{node[4]}() needs a list")

    def holds(item: Any) -> bool:  # noqa: ANN401  any JSON value
        return _truth(evaluate(node[3], {**variables, node[2]: item}))

    if node[4] == "filter":
        return [item for item in found if holds(item)]
    return _decided(holds, found, decisive=node[4] == "exists")


def _call(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    given = [evaluate(one, variables) for one in node[1]]
    try:
        return _FUNCTIONS[node[2]](*given)
    except (TypeError, AttributeError) as error:
        raise NoValueError(str(error)) from error


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "size": len,
    "contains": lambda text, part: text.find(part) >= 0,
    "startsWith": lambda text, part: text.startswith(part),
    "endsWith": lambda text, part: text.endswith(part),
}


def _truth(value: Any) -> bool:  # noqa: ANN401  any JSON value
    if not isinstance(value, bool):
        raise NoValueError("a truth value is expected")
    return value


def _negative(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    return _binary(("binary", ("value", 0), node[1], "-"), variables)


def _choice(node: Node, variables: Mapping[str, Any]) -> Any:  # noqa: ANN401  any JSON value
    return evaluate(node[2 if _truth(evaluate(node[1], variables)) else 3], variables)


_RULES: dict[str, Callable[[Node, Mapping[str, Any]], Any]] = {
    "value": lambda node, _: node[1],
    "name": _named,
    "field": _field,
    "index": _index,
    "has": _has,
    "list": lambda node, variables: [evaluate(one, variables) for one in node[1]],
    "call": _call,
    "macro": _macro,
    "not": lambda node, variables: not _truth(evaluate(node[1], variables)),
    "negative": _negative,
    "choice": _choice,
    "binary": _binary,
    "&&": _both,
    "||": _both,
}
