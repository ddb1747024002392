"""The one process-wide set of secret values, and the mask that stands in their place.

Whatever leaves the process passes here: events, notes, child output, errors and tracebacks.
A value is known in all the encodings it may reappear in, and is found across chunk borders.
Anyone but core may import this module; it imports the standard library only, keeps nothing on
disk, and never says what it masked.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, NewType, NoReturn

if TYPE_CHECKING:
    from types import TracebackType

MASK = "***"
SHORTEST = 4
"""Bytes; a shorter value is not masked, since it would turn every text into stars."""
LINE = 16
"""Bytes; lines of a longer secret (a PEM file) that count as secrets by themselves."""

SecretRef = NewType("SecretRef", str)
"""The name of a secret, as ``vault:kv/app#password``; safe to show, to record and to compare."""


class Secret:
    """A value that is masked wherever it appears: no repr, no equality, no hash, no pickling.

    Making one adds it to the known values. Only adapters may call :meth:`reveal`.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a dict would compare it

    def __init__(self, value: str | bytes) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)
        add(self._value)

    def reveal(self) -> bytes:
        """Return the value itself."""
        return self._value

    def reveal_text(self) -> str:
        """Return the value itself, as UTF-8 text."""
        return self._value.decode()

    def is_line(self) -> bool:
        """Return whether it is one line with something in it."""
        return bool(self._value) and b"\n" not in self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("a Secret is never compared")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret never leaves the process")


class Redactor:
    """A set of known values and how to mask them; the process has one, tests make their own."""

    def __init__(self) -> None:
        self._needles: tuple[bytes, ...] = ()
        self._lock = threading.Lock()

    def add(self, value: str | bytes) -> None:
        """Know ``value`` from now on, in every encoding; values under 4 bytes are left alone."""
        raw = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
        found = {form for part in _parts(raw) for form in _forms(part) if len(form) >= SHORTEST}
        with self._lock:
            self._needles = tuple(sorted(found.union(self._needles)))

    def data(self, data: bytes) -> bytes:
        """Return ``data`` with every known value masked."""
        return _masked(data, _found(data, self._needles)) if self._needles else data

    def text(self, text: str) -> str:
        """Return ``text`` with every known value masked."""
        if not self._needles:
            return text
        raw = text.encode("utf-8", "surrogatepass")
        found = _found(raw, self._needles)
        return _masked(raw, found).decode("utf-8", "replace") if found else text

    def stream(self) -> Stream:
        """Return a mask for bytes that arrive in pieces."""
        return Stream(self)

    @property
    def needles(self) -> tuple[bytes, ...]:
        """Return every form of every known value."""
        return self._needles


class Stream:
    """Masks what arrives in pieces; holds back only what may be the start of a known value."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = b""
        self._covered = 0  # leading bytes of _held whose mask was given out already

    def feed(self, data: bytes) -> bytes:
        """Return what can be shown by now."""
        buffer = self._held + data
        return self._give(buffer, _undecided(buffer, self._redactor.needles))

    def close(self) -> bytes:
        """Return the rest; the stream may be fed again afterwards."""
        return self._give(self._held, len(self._held))

    def _give(self, buffer: bytes, cut: int) -> bytes:
        """Return the masked bytes before ``cut`` and keep the others."""
        known = [(0, self._covered)] if self._covered else []
        spans = _merged([*known, *_found(buffer, self._redactor.needles)])
        shown = [(start, min(end, cut)) for start, end in spans if start < cut]
        out = _masked(buffer[:cut], shown)
        if self._covered and cut:
            out = out[len(MASK) :]
        rest = [end - cut for start, end in spans if start < cut < end]
        self._covered = rest[0] if rest else (0 if cut else self._covered)
        self._held = buffer[cut:]
        return out


_known = Redactor()


def add(value: str | bytes) -> None:
    """Mask ``value`` in everything that leaves this process from now on."""
    _known.add(value)


def text(text: str) -> str:
    """Return ``text`` with every value known to this process masked."""
    return _known.text(text)


def data(data: bytes) -> bytes:
    """Return ``data`` with every value known to this process masked."""
    return _known.data(data)


def stream() -> Stream:
    """Return a mask for one stream of bytes, such as a child's output."""
    return _known.stream()


def guard_tracebacks() -> None:
    """Mask tracebacks of uncaught exceptions, in the main thread and in all others."""
    sys.excepthook = _show
    threading.excepthook = lambda args: _show(args.exc_type, args.exc_value, args.exc_traceback)


def _show(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    import traceback  # noqa: PLC0415  only a crash pays for it

    sys.stderr.write(text("".join(traceback.format_exception(kind, error, trace))))


def _parts(raw: bytes) -> list[bytes]:
    """Return the value and, of a value in lines, each long line."""
    lines = [line.strip() for line in raw.splitlines()]
    return [raw, raw.strip(), *(line for line in lines if len(line) >= LINE)]


def _forms(raw: bytes) -> list[bytes]:
    """Return ``raw`` in every encoding it may reappear in."""
    if len(raw) < SHORTEST:
        return []
    from urllib.parse import quote, quote_plus  # noqa: PLC0415  only a run with secrets pays

    forms = [raw, raw.hex().encode(), raw.hex().upper().encode(), *_base64(raw)]
    for quoting in (quote, quote_plus):
        for safe in ("", "/"):
            quoted = quoting(raw, safe=safe)
            forms += [quoted.encode(), _lower_escapes(quoted).encode()]
    value = raw.decode("utf-8", "replace")
    if "\ufffd" not in value:
        forms += _escaped(value)
    return forms


def _escaped(value: str) -> list[bytes]:
    """Return ``value`` as JSON writers (Python's, Go's) and Python's own repr show it."""
    import json  # noqa: PLC0415  as above

    plain = json.dumps(value, ensure_ascii=False)[1:-1]
    go = plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    shown = [plain, json.dumps(value)[1:-1], go, plain.replace("/", "\\/"), repr(value)[1:-1]]
    return [form.encode("utf-8", "surrogatepass") for form in shown]


def _base64(raw: bytes) -> list[bytes]:
    """Return the part of base64 text that only ``raw`` decides, at each of three alignments."""
    import base64  # noqa: PLC0415  as above

    forms = []
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + raw)
        first = (shift * 8 + 5) // 6
        last = (shift + len(raw)) * 8 // 6
        kept = whole[first:last]
        forms += [kept, kept.translate(bytes.maketrans(b"+/", b"-_"))]
    return forms


def _lower_escapes(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)


def _found(data: bytes, needles: tuple[bytes, ...]) -> list[tuple[int, int]]:
    """Return the spans of all occurrences, overlapping ones merged."""
    spans = []
    for needle in needles:
        at = data.find(needle)
        while at >= 0:
            spans.append((at, at + len(needle)))
            at = data.find(needle, at + 1)
    return _merged(spans)


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return ``spans`` in order, overlapping (not touching) ones made one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _masked(data: bytes, spans: list[tuple[int, int]]) -> bytes:
    out, at = bytearray(), 0
    for start, end in spans:
        out += data[at:start] + MASK.encode()
        at = end
    return bytes(out + data[at:])


def _undecided(data: bytes, needles: tuple[bytes, ...]) -> int:
    """Return where the earliest unfinished occurrence starts, or the length of ``data``."""
    return min((_unfinished(data, needle) for needle in needles), default=len(data))


def _unfinished(data: bytes, needle: bytes) -> int:
    at = data.find(needle[:1], max(0, len(data) - len(needle) + 1))
    while at >= 0 and not needle.startswith(data[at:]):
        at = data.find(needle[:1], at + 1)
    return at if at >= 0 else len(data)
