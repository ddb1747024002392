"""One request to a registry: who we are, what may be repeated, which answers are expected.

Called within ``adapters.registry`` only. Repeated are, within the scope's deadline, requests that
the caller marks as safe to repeat, and those a registry did not act upon (429).
"""

from __future__ import annotations

import contextlib
import threading
from typing import IO, TYPE_CHECKING

from shipway import scope as scopes
from shipway.adapters.registry import faults
from shipway.adapters.registry.authority import Authority
from shipway.core.oci import challenge
from shipway.core.oci.reference import HUB, Reference, is_loopback
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.adapters.http.client import Answer, Http
    from shipway.adapters.http.network import Network
    from shipway.adapters.registry.credentials import Source

ATTEMPTS = 4
PATIENCE = 120.0
"""Seconds that repeating one request may take in all, where the scope gives no less."""
_FIRST_DELAY = 0.1
_FACTOR = 4.0
_HUB_HOST = "registry-1.docker.io"
_UNAUTHORIZED = 401
_PROBLEM_BYTES = 1 << 16


class Session:
    """Requests to registries, with logins kept for the process's life."""

    def __init__(self, network: Network, credentials: Source) -> None:
        self._network = network
        self._authority = Authority(credentials)
        self._lock = threading.Lock()
        self._http: Http | None = None

    @property
    def http(self) -> Http:
        """Return the HTTP hand; made, and urllib3 loaded, on first use."""
        with self._lock:
            if self._http is None:
                from shipway.adapters.http.client import Http  # noqa: PLC0415  urllib3 is slow to load

                self._http = Http(self._network, "registry")
            return self._http

    def close(self) -> None:
        """Close every kept connection."""
        if self._http is not None:
            self._http.close()

    def ping(self, domain: str) -> bool:
        """Show who we are to a registry; return whether it asked.

        Raises:
            ShipwayError: as :meth:`send`.
        """
        url = f"{endpoint(domain)}/v2/"
        for attempt in attempts():
            with attempt, self.send(
                "GET", Reference(domain, ""), url, expect=frozenset({200}), scope="",
                operation="logging in to",
            ) as answer:  # fmt: skip
                answer.read(_PROBLEM_BYTES)
        return self._authority.header(domain, "") is not None

    @contextlib.contextmanager
    def send(
        self,
        method: str,
        at: Reference,
        path: str,
        *,
        expect: frozenset[int],
        operation: str,
        push: bool = False,
        scope: str | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | IO[bytes] | None = None,
    ) -> Iterator[Answer]:
        """Yield the answer of ``/v2/NAME/PATH``, or of ``path`` where it is a whole URL.

        A token is asked for the repository, or for ``scope`` where that is given (several with
        spaces between them).

        Raises:
            ShipwayError: as :mod:`.faults` and ``adapters.http`` have it.
        """
        url = path if "://" in path else f"{endpoint(at.domain)}/v2/{at.path}/{path}"
        actions = ("pull", "push") if push else ("pull",)
        scope = challenge.scope_of(at.path, *actions) if scope is None else scope
        own = {"User-Agent": "shipway", **(headers or {})}
        known = self._authority.header(at.domain, scope) if _same_host(url, at) else None
        follow = method in {"GET", "HEAD"}
        for last in (False, True):
            sent = own | ({"Authorization": known} if known else {})
            with self.http.send(method, url, headers=sent, body=body, follow=follow) as answer:
                if answer.status in expect:
                    yield answer
                    return
                data = answer.read(_PROBLEM_BYTES)
            fresh = None if last else self._answer_to(answer, at, scope)
            if fresh is None or fresh == known:
                break
            known = fresh
            if body is not None and not isinstance(body, bytes):
                body.seek(0)
        raise faults.refused(
            answer.status, answer.headers, data, operation=operation, subject=at.repository
        )

    def _answer_to(self, answer: Answer, at: Reference, scope: str) -> str | None:
        """Return the login that a 401 of the registry itself asks for."""
        asked = answer.headers.get("WWW-Authenticate", "")
        if answer.status != _UNAUTHORIZED or not asked or not _same_host(answer.url, at):
            return None
        return self._authority.answer(self.http, at.domain, scope, asked)


def endpoint(domain: str) -> str:
    """Return the URL of a registry: plain HTTP on this machine, TLS everywhere else."""
    if domain == HUB:
        return f"https://{_HUB_HOST}"
    return f"http://{domain}" if is_loopback(domain) else f"https://{domain}"


def attempts(*, safe: bool = True) -> Iterator[contextlib.AbstractContextManager[None]]:
    """Yield blocks to enter (``with attempt``) until one succeeds.

    Transient errors are tried again where it is ``safe``, throttling always; after the last
    attempt, or when the wait would pass the deadline, the error leaves.
    """
    current = scopes.current()
    state = _Attempts(safe)
    while not state.done:
        yield state
        if not state.done:
            current.wait(state.delay)


class _Attempts:
    """The state between attempts; its context swallows what may be tried again."""

    def __init__(self, safe: bool) -> None:
        self._safe = safe
        self._left = ATTEMPTS
        self._patience = PATIENCE
        self._next = _FIRST_DELAY
        self.delay = 0.0
        self.done = False

    def __enter__(self) -> None:
        self._left -= 1

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None:
            self.done = True
            return False
        if not isinstance(error, ShipwayError) or not self._again(error):
            self.done = True
            return False
        return True

    def _again(self, error: ShipwayError) -> bool:
        """Return whether to try again after ``delay`` seconds."""
        if error.kind is not Kind.TRANSIENT or error.id.startswith("run."):
            return False
        if error.id == "registry.disk":  # another try would send all of it for nothing
            return False
        if not self._safe and error.id != "registry.throttled":
            return False
        self.delay = max(self._next, error.delay or 0.0)
        self._next *= _FACTOR
        self._patience -= self.delay
        left = scopes.current().remaining(self._patience) or 0.0
        return self._left > 0 and self._patience > 0 and self.delay < left


def _same_host(url: str, at: Reference) -> bool:
    """Return whether ``url`` is on the registry itself, which alone may see the login."""
    return url.startswith(endpoint(at.domain) + "/")
