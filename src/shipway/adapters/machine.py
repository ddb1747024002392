"""Looking at this machine for ``doctor`` (``core.ports.machine``).

Only wiring makes one. It runs nothing of a repository and changes nothing.
"""

from __future__ import annotations

import email.utils
import platform
import shutil
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import urllib3

from shipway.adapters.http import client, trust
from shipway.adapters.http.network import from_environment
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.core.ports.machine import EngineState, KeyState
    from shipway.core.ports.process import Processes
    from shipway.core.ports.sandbox import Sandbox

_PATIENCE = 5.0
_LIMITS = (
    ("kernel.unprivileged_userns_clone", "0"),
    ("kernel.apparmor_restrict_unprivileged_userns", "1"),
    ("user.max_user_namespaces", "0"),
)
"""Settings that forbid user namespaces, and the value that does."""


class ThisMachine:
    """Keeps :class:`~shipway.core.ports.machine.Machine`."""

    def __init__(
        self,
        processes: Processes,
        sandbox: Sandbox,
        environ: Mapping[str, str],
        *,
        store: str,
        toolchains: str,
        engines: Callable[[], tuple[EngineState, ...]],
        key: Callable[[], KeyState | None],
        root: str = "/",
    ) -> None:
        """``engines`` and ``key`` are asked of the hands that know them."""
        self._processes = processes
        self._sandbox = sandbox
        self._environ = environ
        self._store = Path(store)
        self._toolchains = Path(toolchains)
        self._root = Path(root)
        self.engines = engines
        self.key = key

    def python(self) -> str:
        """Return the version of the running Python."""
        return platform.python_version()

    def program(self, *argv: str) -> str:
        """Return the first line that a program prints; empty where there is no such program."""
        try:
            done = self._processes.run(argv, env=self._environ, timeout=_PATIENCE)
        except ShipwayError as error:
            if error.id not in {"process.missing", "process.timeout"}:
                raise
            return ""
        return done.out.decode(errors="replace").partition("\n")[0].strip()

    def toolchain(self, version: str) -> str:
        """Return where a Go toolchain lies; empty where it has to be fetched."""
        place = self._toolchains / version
        return str(place) if (place / "bin" / "go").is_file() else ""

    def confinement(self) -> str:
        """Return why programs cannot be held away from the network; empty where they can."""
        if self._sandbox.run(["/bin/true"], env={}).network == "none":
            return ""
        for name, forbids in _LIMITS:
            place = self._root.joinpath("proc/sys", *name.split("."))
            if place.is_file() and place.read_text().strip() == forbids:
                return f"{name} = {forbids}"
        return "no user namespaces here"

    def free(self) -> tuple[str, int]:
        """Return the folder of the local store and the bytes that are free there."""
        there = next(one for one in (self._store, *self._store.parents) if one.exists())
        return str(self._store), shutil.disk_usage(there).free

    def date(self, url: str) -> float | None:
        """Return what an HTTP server says the time is."""
        network = from_environment(self._environ)
        proxy = network.proxy(url)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        made: dict[str, object] = {"ssl_context": context, "assert_hostname": False}
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        pool: urllib3.PoolManager
        if proxy:
            checked = trust.context(network) if proxy.startswith("https:") else None
            pool = client.through(proxy, checked, made)
        else:
            pool = urllib3.PoolManager(**made)  # type: ignore[arg-type]  # urllib3's own keywords
        with pool:
            try:
                answer = pool.request("GET", url, retries=False, redirect=False, timeout=_PATIENCE)
            except urllib3.exceptions.HTTPError:
                return None
        return parsed(answer.headers.get("Date", ""))


def parsed(date: str) -> float | None:
    """Return an HTTP date (RFC 9110, 5.6.7) in seconds since the epoch; none for anything else."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None
