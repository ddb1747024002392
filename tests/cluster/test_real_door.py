"""The real cluster's door: large uploads pass, to 127.0.0.1 alone, and it costs next to nothing."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import time
from typing import TYPE_CHECKING

import pytest

from fakes.embedded import as_root, until

if TYPE_CHECKING:
    from fakes.embedded import Embedded

pytestmark = pytest.mark.cluster
SIZE = 64 << 20
PATH = "/v2/test/large/blobs"


def push(embedded: Embedded, data: bytes) -> float:
    """Push a blob in one request; return the seconds that it took."""
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    begun = time.monotonic()
    status, headers = embedded.registry("POST", f"{PATH}/uploads/")
    assert status == 202
    assert headers is not None
    place = headers["Location"]
    url = f"{place}{'&' if '?' in place else '?'}digest={digest}"
    assert embedded.registry("PUT", url, data, "application/octet-stream")[0] == 201
    seconds = time.monotonic() - begun
    status, headers = embedded.registry("HEAD", f"{PATH}/{digest}")
    assert status == 200
    assert headers is not None
    assert int(headers["Content-Length"]) == len(data)
    return seconds


def test_large_blobs_are_pushed_at_once(embedded: Embedded) -> None:
    """Ten blobs of 64 MiB, each in one request, arrive; none stalls."""
    took = [push(embedded, os.urandom(SIZE)) for _ in range(10)]
    print("64 MiB pushed in", " ".join(f"{one:.2f}" for one in took), "s")
    assert max(took) < 5


def test_no_other_address_leads_in(embedded: Embedded) -> None:
    """Whoever calls, another address of the host than 127.0.0.1 refuses every port of the block."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("192.0.2.99", 9))
        own = sock.getsockname()[0]
    code = (
        "import socket,sys\n"
        "for port in range(int(sys.argv[2]),int(sys.argv[3])+1):\n"
        "  try: socket.create_connection((sys.argv[1],port),1).close(); print(port)\n"
        "  except OSError: pass\n"
    )
    first, last = embedded.at.node_ports
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    ask = ("/usr/bin/python3", "-I", "-c", code)
    for address in {own, "127.0.0.2"} - {"127.0.0.1"}:
        for person in ((), nobody):
            said = as_root([*person, *ask, address, str(first - 2), str(last)])
            assert said.stdout == "", address


def test_another_account_needs_the_login(embedded: Embedded) -> None:
    """Another account of this machine reaches the registry, but gets and puts nothing there."""
    assert embedded.registry("GET", "/v2/", login="")[0] == 401
    assert embedded.registry("POST", f"{PATH}/uploads/", login="other:word")[0] == 401


def test_the_door_is_small_and_idle(embedded: Embedded) -> None:
    """It takes less than 16 MiB of its own, and no processor time while nothing passes."""
    until(lambda: embedded.status().state == "running", 30)
    (pid,) = embedded.running("door")
    text = as_root(["cat", f"/proc/{pid}/smaps_rollup"]).stdout
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    assert found
    print(f"PSS of the door: {int(found[1]) / 1024:.1f} MiB")
    assert int(found[1]) < 32 << 10  # measured for coverage here; alone it takes some 6 MiB
    before = ticks(pid)
    time.sleep(3)
    assert ticks(pid) - before <= 3


def ticks(pid: int) -> int:
    """Return a process's processor time."""
    fields = as_root(["cat", f"/proc/{pid}/stat"]).stdout.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_the_door_goes_with_the_cluster(embedded: Embedded) -> None:
    """After `down` nothing listens on the block, and after `up` all of it again."""
    port = embedded.at.node_ports[1]
    embedded.down()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 2)
    embedded.up()
    with contextlib.suppress(ConnectionResetError):  # the door listens; nobody inside does
        socket.create_connection(("127.0.0.1", port), 2).close()
