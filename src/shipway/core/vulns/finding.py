"""What govulncheck found: each vulnerability with how near it comes to being run.

The scan stage reads the scanner's JSON stream with :func:`read` and joins what it said of the
source and of the program with :func:`join` (golang.org/x/vuln v1.9.0, internal/govulncheck).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CALLED, IMPORTED, REQUIRED = "called", "imported", "required"
GRADES = (CALLED, IMPORTED, REQUIRED)
"""Nearest first: the code runs; its package is in the program; only its module is asked for."""

LIMIT = 512 << 20
"""Bytes of one stream; it repeats every entry that is about a module of the program."""
_STEPS = 12
"""Frames of a call path that are kept."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One vulnerability in one module."""

    id: str
    """As the database names it, ``GO-2026-0001``."""
    aliases: tuple[str, ...] = ()
    """Other names: CVE and GHSA ids."""
    summary: str = ""
    module: str
    version: str = ""
    fixed: str = ""
    """The version that has it no more; empty where there is none."""
    grade: str
    """``called``, ``imported`` or ``required``: the nearest that any scan says."""
    symbol: str = ""
    """The vulnerable function that is reached or linked in, ``package.Type.Method``."""
    path: tuple[str, ...] = ()
    """A way from the program to it, its entry first; none where only the program was read."""
    seen: dict[str, str] = {}
    """What each scan says by itself: ``source`` and ``program`` to a grade, or to ``none``."""

    @property
    def names(self) -> frozenset[str]:
        """Return every name of the vulnerability."""
        return frozenset((self.id, *self.aliases))


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One scan."""

    go: str
    """Version of Go whose standard library was judged."""
    mode: str
    """``source`` or ``binary``."""
    modules: dict[str, str]
    """All modules that were looked at, to their versions."""
    findings: tuple[Finding, ...]


class _Frame(msgspec.Struct, frozen=True):
    module: str = ""
    version: str = ""
    package: str = ""
    function: str = ""
    receiver: str = ""

    @property
    def name(self) -> str:
        """Return the symbol with its package."""
        kind = f"{self.receiver.lstrip('*')}." if self.receiver else ""
        return f"{self.package}.{kind}{self.function}"


class _Found(msgspec.Struct, frozen=True):
    osv: str
    fixed_version: str = ""
    trace: tuple[_Frame, ...] = ()

    @property
    def grade(self) -> str:
        if self.trace[0].function:
            return CALLED
        return IMPORTED if self.trace[0].package else REQUIRED


class _Entry(msgspec.Struct, frozen=True):
    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""


class _Config(msgspec.Struct, frozen=True):
    scan_mode: str = ""
    go_version: str = ""


class _Module(msgspec.Struct, frozen=True):
    path: str = ""
    version: str = ""


class _Bill(msgspec.Struct, frozen=True):
    go_version: str = ""
    modules: tuple[_Module, ...] = ()


class _Message(msgspec.Struct, frozen=True):
    config: _Config | None = None
    bill: _Bill | None = msgspec.field(default=None, name="SBOM")
    osv: _Entry | None = None
    finding: _Found | None = None


def read(data: bytes) -> Report:
    """Return what a JSON stream of govulncheck says, each vulnerability once a module.

    Raises:
        ShipwayError: ``scan.report`` (integrity) for anything but a whole stream.
    """
    config, bill = None, _Bill()
    entries: dict[str, _Entry] = {}
    found: dict[tuple[str, str], _Found] = {}
    for message in _messages(data):
        config = config or message.config
        bill = message.bill or bill
        if message.osv is not None:
            entries[message.osv.id] = message.osv
        if message.finding is not None:
            _nearest(found, message.finding)
    if config is None:
        raise _invalid("it does not say which scanner wrote it")
    mode = config.scan_mode
    return Report(
        go=config.go_version or bill.go_version,
        mode=mode,
        modules={one.path: one.version for one in bill.modules},
        findings=tuple(
            _finding(one, entries.get(one.osv, _Entry(one.osv)), mode)
            for _, one in sorted(found.items())
        ),
    )


def join(*reports: Report) -> tuple[Finding, ...]:
    """Return the findings of several scans of one program, each with the nearest grade.

    A scan that does not name a finding of another says ``none`` of it. Where the program holds a
    vulnerable function to which the source shows no way, it counts as called.
    """
    kinds = [_kind(report.mode) for report in reports]
    found: dict[tuple[str, str], Finding] = {}
    for report in reports:
        for one in report.findings:
            known = found.setdefault((one.id, one.module), one)
            first, second = sorted((known, one), key=lambda at: GRADES.index(at.grade))
            found[one.id, one.module] = msgspec.structs.replace(
                first,
                symbol=first.symbol or second.symbol,
                path=first.path or second.path,
                seen=known.seen | one.seen,
            )
    return tuple(
        msgspec.structs.replace(one, seen=dict.fromkeys(kinds, "none") | one.seen)
        for _, one in sorted(found.items())
    )


def _messages(data: bytes) -> Iterator[_Message]:
    if len(data) > LIMIT:
        raise _invalid(f"{len(data)} bytes are more than the allowed {LIMIT}")
    try:
        text = data.decode()
        decoder = json.JSONDecoder()
        at = len(text) - len(text.lstrip())
        while at < len(text):
            value, at = decoder.raw_decode(text, at)
            at += len(text[at : at + 8]) - len(text[at : at + 8].lstrip())
            message = msgspec.convert(value, _Message)
            if message.finding is not None and not message.finding.trace:
                raise _invalid("a finding names no module")
            yield message
    except (ValueError, RecursionError) as error:
        raise _invalid(str(error)[:200]) from error


def _nearest(found: dict[tuple[str, str], _Found], one: _Found) -> None:
    """Keep the nearest of what is said of one vulnerability in one module, with a short path."""
    key = (one.osv, one.trace[0].module)
    known = found.get(key)
    if known is None or _order(one) < _order(known):
        found[key] = one


def _order(one: _Found) -> tuple[int, int, str]:
    return GRADES.index(one.grade), len(one.trace), one.trace[0].name


def _finding(one: _Found, entry: _Entry, mode: str) -> Finding:
    frame = one.trace[0]
    called = one.grade == CALLED
    ways = one.trace if called and len(one.trace) > 1 else ()
    return Finding(
        id=one.osv,
        aliases=tuple(sorted(entry.aliases)),
        summary=entry.summary,
        module=frame.module,
        version=frame.version,
        fixed=one.fixed_version,
        grade=one.grade,
        symbol=frame.name if called else "",
        path=tuple(at.name for at in reversed(ways))[-_STEPS:],
        seen={_kind(mode): one.grade},
    )


def _kind(mode: str) -> str:
    return "program" if mode == "binary" else mode


def names(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Return the ids of findings, sorted, each once."""
    return tuple(sorted({one.id for one in findings}))


def _invalid(why: str) -> ShipwayError:
    return ShipwayError(
        "scan.report", Kind.INTEGRITY, why, operation="reading", subject="what the scanner wrote"
    )
