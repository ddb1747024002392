"""The person's browser: ``$BROWSER``, else what the desktop opens URLs with.

Only wiring makes one. It outlives the command that started it, so it is no child of ours that is
ended with us. Text browsers are not looked for: they would take the terminal.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_USUAL = ("open",) if sys.platform == "darwin" else ("xdg-open", "wslview")
_PATIENCE = 2.0
"""Seconds within which a program that cannot show anything says so."""


class DesktopBrowser:
    """Keeps :class:`~shipway.core.ports.forwards.Browser`."""

    def __init__(self, environ: Mapping[str, str], *, patience: float = _PATIENCE) -> None:
        self._environ = dict(environ)
        self._patience = patience

    def open(self, url: str) -> bool:
        """Show ``url``; return whether there was anything to show it with."""
        named = self._environ.get("BROWSER", "")
        return any(self._shows(program, url) for program in ((named,) if named else _USUAL))

    def _shows(self, program: str, url: str) -> bool:
        try:
            child = subprocess.Popen(
                [program, url],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            return False
        try:
            return child.wait(self._patience) == 0
        except subprocess.TimeoutExpired:  # it shows, and stays
            return True
