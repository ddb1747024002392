"""Credentials and clocks: what has run out, what is not valid yet, and whose clock is wrong."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import json
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver as servers
from shipway.adapters.kube import validity
from shipway.adapters.kube.client import Cluster
from shipway.core.kube.contexts import Access
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from adapters.kube.conftest import Misbehaving
    from fakes.apiserver import ApiServer

NOW = 1_800_000_000.0


def jwt(**claims: Any) -> str:
    """Return a token with these claims, signed by nobody."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{body}.signature"


def judge(token: str = "", certificate: bytes = b"", date: float | None = NOW) -> str:
    """Return what a 401 is put down to."""
    said = "" if date is None else email.utils.formatdate(date, usegmt=True)
    found = validity.refusal(
        token, certificate, said, now=NOW, operation="reading", subject="pod/x"
    )
    return f"{found.id}: {found.message}" if found else ""


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"token": jwt(exp=NOW - 1)}, "kube.expired: the token ran out at 2027-01-15 07:59:59 UTC"),
        ({"token": jwt(nbf=NOW + 9)}, "kube.clock: the token is not valid before 2027-01-15"),
        ({"token": jwt(exp=NOW + 9, nbf=NOW - 9)}, ""),
        ({"token": jwt()}, ""),
        ({"token": "opaque"}, ""),
        ({"token": "a.!!!.c"}, ""),
        ({"token": "a.W10.c"}, ""),
        ({"certificate": b"no certificate"}, ""),
        ({"date": NOW + 61}, "kube.clock: the server's clock says 2027-01-15 08:01:01 UTC, this"),
        ({"date": NOW - 61}, "kube.clock: the server's clock says 2027-01-15 07:58:59 UTC, this"),
        ({"date": NOW + 59}, ""),
        ({"date": None}, ""),
    ],
)
def test_refusals(asked: dict[str, Any], expected: str) -> None:
    """Only what time explains is put down to time, with the times."""
    found = judge(**asked)

    assert found.startswith(expected)
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("hours", "expected", "text"),
    [(-48, "kube.expired", "ran out at"), (48, "kube.clock", "is not valid before")],
)
def test_client_certificates(apiserver: ApiServer, hours: float, expected: str, text: str) -> None:
    """The real server refuses a certificate of another day, and we say which day that is."""
    name = f"client{hours}"
    servers.issue(apiserver, name, group="system:masters", hours=hours)
    access = Access(
        context="test", namespace="default", server=apiserver.server, ca_file=apiserver.ca_file,
        cert_file=str(apiserver.folder / f"{name}.crt"),
        key_file=str(apiserver.folder / f"{name}.key"),
    )  # fmt: skip
    with contextlib.closing(Cluster(access)) as cluster, pytest.raises(ShipwayError) as caught:
        cluster.version()

    assert (caught.value.id, caught.value.kind) == (expected, Kind.DENIED)
    assert text in caught.value.message
    assert caught.value.hint


@contextlib.contextmanager
def serving(apiserver: ApiServer, name: str) -> Iterator[str]:
    """Give the address of a server that shows a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(apiserver.folder / f"{name}.crt", apiserver.folder / f"{name}.key")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def once() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    context.wrap_socket(connection, server_side=True)

        thread = threading.Thread(target=once, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize(
    ("hours", "expected", "text"),
    [(-48, "kube.expired", "has run out"), (48, "kube.clock", "is not valid yet")],
)
def test_server_certificates(apiserver: ApiServer, hours: float, expected: str, text: str) -> None:
    """A server's certificate of another day is not called unreachable."""
    servers.issue(apiserver, f"server{hours}", hours=hours)
    with serving(apiserver, f"server{hours}") as address:
        access = Access(
            context="test", namespace="default", server=address, ca_file=apiserver.ca_file
        )
        with contextlib.closing(Cluster(access)) as cluster, pytest.raises(ShipwayError) as caught:
            cluster.version()

    assert (caught.value.id, caught.value.kind) == (expected, Kind.DENIED)
    assert text in caught.value.message


def test_other_faults_of_tls_are_none_of_time() -> None:
    """Only the two codes of OpenSSL that are about time count."""
    error = ssl.SSLCertVerificationError(1, "self-signed certificate")
    error.verify_code = 18

    assert validity.handshake(error, "s", now=NOW, operation="", subject="") is None
    assert validity.handshake(OSError(), "s", now=NOW, operation="", subject="") is None


def test_a_server_whose_clock_is_wrong(misbehaving: Misbehaving) -> None:
    """A 401 by a server of another time names both clocks."""
    date = email.utils.formatdate(time.time() - 3600, usegmt=True)
    misbehaving.answers.append(answer(date))
    access = Access(context="test", namespace="default", server=misbehaving.url, token="opaque")
    with contextlib.closing(Cluster(access)) as cluster, pytest.raises(ShipwayError) as caught:
        cluster.version()

    assert caught.value.id == "kube.clock"
    assert caught.value.message.startswith("the server's clock says")


def answer(date: str) -> Any:
    """Return a 401 with a date."""

    def refuse(handler: Any) -> None:
        handler.send_response_only(401)
        handler.send_header("Date", date)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return refuse
