"""One question to one server of a Sigstore instance, with its faults by name.

Called by the other modules of this package. A redirect is never followed, since what is sent may
be a token. What may go through later is asked again a few times; every request is harmless to
repeat (a log takes the same entry once).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shipway import redaction, scope
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.adapters.http.network import Network

MOST = 1 << 20
"""Bytes that an answer may have."""
PATIENCE = 30.0
"""Seconds for one answer; a log publishes a checkpoint first (rekor-tiles: at least 20 s)."""
PAUSES = (0.2, 1.0)
"""Seconds before each further try."""
_SAID = 300
_DOING = "asking"
_TOO_MANY, _SERVER = 429, 500


class Server:
    """A server by its name in error ids: ``fulcio``, ``rekor``, ``timestamp`` or ``identity``."""

    def __init__(
        self,
        service: str,
        network: Network,
        *,
        patience: float = PATIENCE,
        pauses: tuple[float, ...] = PAUSES,
    ) -> None:
        """Speak to nobody yet; ``patience`` and ``pauses`` are in seconds."""
        from shipway.adapters.http.client import Http  # noqa: PLC0415  slow to load

        self._service = service
        self._http = Http(network, service)
        self._patience = patience
        self._pauses = pauses

    def ask(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> bytes:
        """Return the body of the first answer that is one.

        Raises:
            ShipwayError: of ``SERVICE``: ``unreachable``, ``cut``, ``slow``, ``server``
                (transient), ``untrusted``, ``oversized`` (integrity), ``refused`` (denied).
        """
        for pause in self._pauses:
            try:
                return self._once(method, url, headers, body)
            except ShipwayError as error:
                if error.kind is not Kind.TRANSIENT or error.id.startswith("run."):
                    raise
            scope.current().wait(pause)
        return self._once(method, url, headers, body)

    def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        subject = urlsplit(url).netloc
        try:
            with (
                scope.open(seconds=self._patience),
                self._http.send(method, url, headers=headers, body=body) as answer,
            ):
                data, status = answer.read(MOST), answer.status
        except ShipwayError as error:
            scope.current().check()
            if error.id != "run.deadline":
                raise
            why = f"no answer in {self._patience:g} s"
            raise ShipwayError(
                f"{self._service}.slow", Kind.TRANSIENT, why, operation=_DOING, subject=subject
            ) from error
        if status == _TOO_MANY or status >= _SERVER:
            why = _told(status, data)
            raise ShipwayError(
                f"{self._service}.server", Kind.TRANSIENT, why, operation=_DOING, subject=subject
            )
        if status not in {200, 201}:
            why = _told(status, data)
            raise ShipwayError(
                f"{self._service}.refused", Kind.DENIED, why, operation=_DOING, subject=subject
            )
        if len(data) > MOST:
            why = f"it has more than {MOST} bytes"
            raise ShipwayError(
                f"{self._service}.oversized", Kind.INTEGRITY, why, operation=_DOING, subject=subject
            )
        return data


def _told(status: int, data: bytes) -> str:
    """Return a status and the first words of what a server said beside it, secrets masked."""
    said = redaction.text(data[: _SAID * 4].decode("utf-8", "replace"))
    words = " ".join("".join(one if one.isprintable() else " " for one in said).split())
    return f"status {status}: {words[:_SAID]}" if words else f"status {status}"
