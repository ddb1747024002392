"""Engines put together: the right hand for whoever calls, as a user, as root, or through sudo.

Wiring calls :func:`for_caller` and :func:`store`; the test suite calls them with its own locks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters.engines.account import AccountEngines, behind_sudo, cache_of
from shipway.adapters.engines.build import EngineBuilder
from shipway.adapters.engines.locks import PACKAGED, LockFolder
from shipway.adapters.engines.store import InstalledEngines
from shipway.adapters.toolchain import GoToolchains

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.ports.engines import Engines
    from shipway.core.ports.process import Processes

INSTALL_ROOT = "/var/lib/shipway/engines"


def for_caller(
    processes: Processes, environ: Mapping[str, str], *, locks: Path = PACKAGED
) -> Engines:
    """Return the engines of the account that is calling, or that called sudo.

    Raises:
        ShipwayError: ``account.unknown`` if ``SUDO_UID`` names nobody.
    """
    folder = LockFolder(locks)
    account = behind_sudo(environ, os.geteuid())
    cache = cache_of(environ, account)
    if account:
        return AccountEngines(folder, processes, environ, account, cache)
    return builder(folder, processes, environ, cache)


def builder(
    folder: LockFolder, processes: Processes, environ: Mapping[str, str], cache: str
) -> EngineBuilder:
    """Return the engines in ``cache``, made by this very process."""
    toolchains = GoToolchains(processes, environ, cache)
    return EngineBuilder(folder, processes, toolchains, environ, cache)


def store(root: str = INSTALL_ROOT, *, locks: Path = PACKAGED) -> InstalledEngines:
    """Return root's engines under ``root``."""
    return InstalledEngines(LockFolder(locks), Path(root))
