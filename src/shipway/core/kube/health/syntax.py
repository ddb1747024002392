"""Reading health expressions: a subset of CEL's syntax (cel-spec, langdef.md).

``health.cel`` evaluates what :func:`parse` returns: nested tuples, the kind of node first. Depth is
bounded, nothing is called but what :data:`FUNCTIONS` and :data:`MACROS` name, and there are no
loops: an expression always ends.
"""

from __future__ import annotations

import re
from typing import Any

from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

Node = tuple[Any, ...]
"""The kind of the node, then its parts."""

FUNCTIONS = {"size": 1, "contains": 2, "startsWith": 2, "endsWith": 2}
"""Name and number of arguments, the target of a method included."""
MACROS = frozenset({"exists", "all", "filter"})
"""What takes a name and an expression over each item of a list."""

_TOKEN = late(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')"
    r"|(?P<mark>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]]))"
)
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("||",),
    ("&&",),
    ("==", "!=", "<=", ">=", "<", ">", "in"),
    ("+", "-"),
    ("*", "/", "%"),
)
_WORDS = {"true": True, "false": False, "null": None}
_DEPTH = 50


def parse(text: str) -> Node:
    """Return the expression ``text``.

    Raises:
        ShipwayError: ``health.expression`` (config) with the place where it is wrong.
    """
    parser = _Parser(text)
    node = parser.ternary()
    parser.end()
    return node


class _Parser:
    """Recursive descent over the tokens; each method takes what binds tighter than the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._depth = 0
        self._next()

    def ternary(self) -> Node:
        self._depth += 1
        if self._depth > _DEPTH:
            raise self._wrong("it is nested too deeply")
        node = self._binary(0)
        if self._take("?"):
            first = self.ternary()
            self._expect(":")
            node = ("choice", node, first, self.ternary())
        self._depth -= 1
        return node

    def end(self) -> None:
        if self._token:
            raise self._wrong(f"{self._token!r} is not expected")

    def _binary(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._unary()
        node = self._binary(level + 1)
        while self._kind != "text" and self._token in _LEVELS[level]:
            sign = self._token
            self._next()
            node = (sign if sign in {"&&", "||"} else "binary", node, self._binary(level + 1), sign)
        return node

    def _unary(self) -> Node:
        for sign in ("!", "-"):
            if self._take(sign):
                return ("not" if sign == "!" else "negative", self._unary())
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._take("."):
                name = self._name()
                node = self._call(name, node) if self._take("(") else ("field", node, name)
            elif self._take("["):
                node = ("index", node, self.ternary())
                self._expect("]")
            else:
                return node

    def _primary(self) -> Node:
        kind, token = self._kind, self._token
        if self._take("("):
            node = self.ternary()
            self._expect(")")
            return node
        if self._take("["):
            return ("list", self._list("]"))
        self._next()
        if kind == "number":
            return ("value", float(token) if "." in token else int(token))
        if kind == "text":
            return ("value", re.sub(r"\\(.)", r"\1", token[1:-1]))
        if kind == "name":
            if token in _WORDS:
                return ("value", _WORDS[token])
            return self._call(token, None) if self._take("(") else ("name", token)
        raise self._wrong(f"{token!r} is not expected" if token else "it ends too early")

    def _call(self, name: str, target: Node | None) -> Node:
        arguments = self._list(")")
        if target is None and name == "has":
            if len(arguments) == 1 and arguments[0][0] == "field":
                return ("has", arguments[0])
            raise self._wrong("has() takes one field")
        if name in MACROS and target is not None:
            if len(arguments) == 2 and arguments[0][0] == "name":  # noqa: PLR2004  a name, a test
                return ("macro", target, arguments[0][1], arguments[1], name)
            raise self._wrong(f"{name}() takes a name and an expression")
        given = (target, *arguments) if target is not None else arguments
        if FUNCTIONS.get(name) != len(given):
            raise self._wrong(f"there is no {name}() with {len(arguments)} arguments here")
        return ("call", given, name)

    def _list(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._take(end):
            if found:
                self._expect(",")
            found.append(self.ternary())
        return tuple(found)

    def _name(self) -> str:
        name = self._token
        if self._kind != "name":
            raise self._wrong("a field's name is expected")
        self._next()
        return name

    def _take(self, mark: str) -> bool:
        if self._kind != "mark" or self._token != mark:
            return False
        self._next()
        return True

    def _expect(self, mark: str) -> None:
        if not self._take(mark):
            raise self._wrong(f"{mark!r} is expected")

    def _next(self) -> None:
        rest = self._text[self._place :]
        found = _TOKEN.match(rest)
        self._kind, self._token = "", ""
        if found:
            self._place += found.end()
            self._kind = str(found.lastgroup)
            self._token = found[self._kind]
        elif rest.strip():
            raise self._wrong(f"{rest.strip()[0]!r} is not expected")

    def _wrong(self, why: str) -> ShipwayError:
        return ShipwayError(
            "health.expression",
            Kind.CONFIG,
            f"{why}, near character {self._place}",
            operation="reading the expression",
            subject=self._text[:200],
        )
