"""DER by hand (X.690), for tokens and extensions that no library makes."""

from __future__ import annotations

SEQUENCE, SET = 0x30, 0x31
INTEGER, OCTETS, NULL, TIME = 0x02, 0x04, 0x05, 0x18
UTF8 = 0x0C


def tlv(tag: int, *parts: bytes) -> bytes:
    """Return a value of several parts with its tag and length."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def number(value: int) -> bytes:
    """Return an INTEGER that is not negative."""
    return tlv(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(text: str) -> bytes:
    """Return an OBJECT IDENTIFIER."""
    first, second, *rest = (int(part) for part in text.split("."))
    out = bytearray((first * 40 + second,))
    for part in rest:
        digits = [part & 0x7F]
        while part := part >> 7:
            digits.append(part & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return tlv(0x06, bytes(out))
