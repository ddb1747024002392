"""Reading DER (X.690) as far as a timestamp token needs it.

Every value has one encoding, so lengths that could be shorter are refused.
"""

from __future__ import annotations

from typing import NamedTuple

BOOLEAN, INTEGER, OCTETS, NULL, OID = 0x01, 0x02, 0x04, 0x05, 0x06
TIME = 0x18
SEQUENCE, SET = 0x30, 0x31
CONTEXT = 0xA0
"""``[0]`` of values with parts."""
_HEAD = 2
_LONG = 0x80
_MANY = 0x1F
_MOST = 4
"""Bytes that a length may take."""


class Value(NamedTuple):
    """A value: its tag, what is in it, and all its bytes."""

    tag: int
    body: bytes
    raw: bytes

    def parts(self, *tags: int) -> tuple[Value, ...]:
        """Return the values in it; of ``tags``, the first ones must have these.

        Raises:
            ValueError: what is in it are no values, or others.
        """
        found: list[Value] = []
        rest = self.body
        while rest:
            one = _first(rest)
            found.append(one)
            rest = rest[len(one.raw) :]
        if tuple(one.tag for one in found[: len(tags)]) != tags:
            raise ValueError(f"other parts than {tags}")
        return tuple(found)

    def only(self, tag: int) -> Value:
        """Return the one value in it.

        Raises:
            ValueError: there are others.
        """
        found = self.parts(tag)
        if len(found) != 1:
            raise ValueError(f"{len(found)} values instead of one")
        return found[0]

    @property
    def number(self) -> int:
        """Return an INTEGER's value."""
        return int.from_bytes(self.body, "big", signed=True)

    @property
    def oid(self) -> str:
        """Return an OBJECT IDENTIFIER's value in digits and points (X.690, 8.19)."""
        numbers = [0]
        for byte in self.body:
            numbers[-1] = numbers[-1] << 7 | byte & ~_LONG
            if not byte & _LONG:
                numbers.append(0)
        first = min(numbers[0] // 40, 2)
        return ".".join(str(one) for one in (first, numbers[0] - 40 * first, *numbers[1:-1]))


def read(data: bytes, tag: int) -> Value:
    """Return the one value that ``data`` is.

    Raises:
        ValueError: it is none, of another tag, or more than one.
    """
    return Value(tag, data, data).only(tag)


def _first(data: bytes) -> Value:
    if len(data) < _HEAD or data[0] & _MANY == _MANY:
        raise ValueError("not a value")
    length, at = data[1], _HEAD
    if length & _LONG:
        at += length & ~_LONG
        length = int.from_bytes(data[_HEAD:at], "big")
        short = length < _LONG or length < 1 << 8 * (at - _HEAD - 1)
        if at > _HEAD + _MOST or len(data) < at or short:
            raise ValueError("a length that is not written like that")
    if len(data) < at + length:
        raise ValueError("fewer bytes than the value has")
    return Value(data[0], data[at : at + length], data[: at + length])
