"""One plain GET of a URL on this machine, for what only wants to see an answer."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from shipway.errors import Kind, ShipwayError

_PATIENCE = 10.0
_MOST = 1 << 16
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""This machine is never reached through a proxy."""


def fetch(url: str, *, patience: float = _PATIENCE) -> str:
    """Return the first 64 KiB that ``url`` answers, asked again for at most ``patience`` seconds.

    Raises:
        ShipwayError: ``demo.silent`` (transient) if nothing answers.
    """
    until = time.monotonic() + patience
    while True:
        try:
            with _DIRECT.open(url, timeout=_PATIENCE) as answer:
                return str(answer.read(_MOST).decode(errors="replace"))
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() >= until:
                raise ShipwayError(
                    "demo.silent",
                    Kind.TRANSIENT,
                    str(error),
                    operation="asking",
                    subject=url,
                    hint="shipway status shows what runs",
                ) from error
            time.sleep(0.1)
