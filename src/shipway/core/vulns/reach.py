"""Which services a vulnerability reaches: bills and entries of a database in, matches out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.vulns.bill import Part  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.vulns.osv import Entry


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One vulnerability in one module of a service."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    module: str
    version: str
    fixed: str


class Index:
    """Entries by the module that they are about."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._known: dict[str, list[Entry]] = {}
        for entry in entries:
            for module in entry.modules:
                self._known.setdefault(module, []).append(entry)
        self._seen: dict[tuple[str, str], tuple[Match, ...]] = {}

    def matches(self, part: Part) -> tuple[Match, ...]:
        """Return what is known of a service's modules, in order of ids and modules."""
        found = [match for at in part.modules for match in self._of(at)]
        return tuple(sorted(found, key=lambda one: (one.id, one.module)))

    def _of(self, at: tuple[str, str]) -> tuple[Match, ...]:
        """Return what is known of one version of a module; many services have the same."""
        if at not in self._seen:
            module, version = at
            self._seen[at] = tuple(
                Match(
                    id=one.id,
                    aliases=one.aliases,
                    summary=one.summary,
                    module=module,
                    version=version,
                    fixed=one.fixed(module, version),
                )
                for one in self._known.get(module, ())
                if one.affects(module, version)
            )
        return self._seen[at]
