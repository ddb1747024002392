"""Names that the shell completes, out of a project's config as it stands, right or wrong."""

from __future__ import annotations

import tomllib
from pathlib import Path

from shipway.core.project.schema import FILE
from shipway.core.project.settings import DEV


def environments(directory: str) -> tuple[str, ...]:
    """Return the environments of a project; without any, the one that is always there."""
    return _names(directory, "environments") or (DEV,)


def services(directory: str) -> tuple[str, ...]:
    """Return the services that a project's config names."""
    return _names(directory, "services")


def _names(directory: str, table: str) -> tuple[str, ...]:
    try:
        found = tomllib.loads(Path(directory, FILE).read_text()).get(table)
    except (OSError, ValueError):  # the command itself will say it
        return ()
    return tuple(found) if isinstance(found, dict) else ()
