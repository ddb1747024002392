"""What the ground asks of the machine, as root: files, certificates, one init, and answers.

``cluster.life`` is the only caller; ``adapters.ground`` keeps these on Linux and
``tests/fakes/ground.py`` in memory.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager


class File(msgspec.Struct, frozen=True):
    """A file of the cluster; its path is absolute and its owner root."""

    path: str
    text: str
    mode: int = 0o600


class Ask(enum.Enum):
    """How a part is asked whether it serves."""

    HTTP = "http"
    """GET; ready is one of the listed statuses."""
    GRPC = "grpc"
    """An HTTP/2 server on a Unix socket sends its settings."""
    DNS = "dns"
    """A name resolves over UDP."""
    ARP = "arp"
    """Whoever is at the other end of a link answers for an address (RFC 826)."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A question to one part, and what counts as its answer."""

    ask: Ask
    address: str = "127.0.0.1"
    """An address, the path of a Unix socket, or the name of a link."""
    port: int = 0
    path: str = "/"
    """Of the URL; for DNS the name."""
    statuses: tuple[int, ...] = (200,)
    contains: str = ""
    """Text that the answer's body must hold."""
    ca: str = ""
    """Path of the authority of an HTTPS server; plain HTTP without."""
    certificate: str = ""
    key: str = ""
    outside: bool = False
    """Asked from the host's network, as a person's client would."""


class Answer(enum.Enum):
    """What came back."""

    SILENT = "silent"
    """Nothing in time, or nobody listens."""
    UNREADY = "unready"
    """Something else than the wanted answer: it lives."""
    READY = "ready"


class Watched(msgspec.Struct, frozen=True):
    """One part as the prober sees it."""

    name: str
    check: Check
    program: str
    """Path of the executable whose processes are looked at; without one nothing is ever ended."""
    pidfile: str = ""
    """Path of a file with its process id, where others run the same executable."""
    asked: str = ""
    """Path that asks, by being there, for the part to end and be started anew."""


class Sight(msgspec.Struct, frozen=True):
    """One look at a part."""

    at: float
    """Seconds, monotonic."""
    answer: Answer
    pids: tuple[int, ...] = ()
    ticks: int = 0
    """Processor time of its processes so far."""
    stopped: bool = False
    """Whether one of them is stopped by a signal (state T)."""


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """How the one init starts: in new mount, network, pid, ipc and uts namespaces."""

    name: str
    hostname: str
    runtime: str
    """A folder under the host's ``/run``, seen at the same path inside a private ``/run``."""
    cgroups: tuple[tuple[str, str], ...]
    """(folder, hierarchy): the folder is made and bound over the hierarchy."""
    leaf: str = "ground"
    """The child of each folder that the ground's own processes live in."""
    binds: tuple[tuple[str, str], ...] = ()
    """(source, target), both existing."""
    shade: tuple[str, str] | None = None
    """(folder, kept): writes below ``folder`` are the cluster's alone and end with it, except
    those below ``kept``."""
    addresses: tuple[str, ...] = ()
    """IPv4 addresses that the loopback link gets, as /32."""
    sysctls: dict[str, str] = msgspec.field(default_factory=dict)
    """Paths under ``/proc/sys`` and values; one that cannot be written is passed over."""
    argv: tuple[str, ...] = ()
    env: dict[str, str] = msgspec.field(default_factory=dict)
    log: str = ""
    """Where the init's own output goes."""


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate to have: the files ``PATH.crt`` and ``PATH.key``."""

    path: str
    issuer: str
    """The path, without suffix, of the authority that signs it."""
    common_name: str
    organizations: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """DNS names."""
    addresses: tuple[str, ...] = ()
    server: bool = False
    client: bool = False
    days: int = 365


class Issued(msgspec.Struct, frozen=True):
    """A certificate and its key as PEM text, and when it ends (seconds since the epoch)."""

    certificate: str
    key: str
    authority: str
    ends: float


class Tree(Protocol):
    """Files that root alone may change, under one folder."""

    def secure(self, path: str) -> None:
        """Make the folder if it is not there, and prove that nobody but root can change it.

        Raises:
            ShipwayError: ``cluster.unsafe``: a link, or a folder that others own or may write to.
        """
        ...

    def locked(self, path: str) -> AbstractContextManager[None]:
        """Hold the folder ``path`` for this process alone, waiting for another's turn to end."""
        ...

    def read(self, path: str) -> str | None:
        """Return a file's text, nothing if there is none."""
        ...

    def write(self, file: File) -> bool:
        """Write a file whole or not at all; return whether it was changed."""
        ...

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file that need not outlive a crash, readable by root alone."""
        ...

    def folder(self, path: str, mode: int) -> None:
        """Have a folder of exactly this mode, and those above it."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file or a whole folder, if it is there."""
        ...

    def entries(self, path: str) -> tuple[str, ...]:
        """Return the names in a folder, none if it is not there."""
        ...


class Keys(Protocol):
    """Makes keys and certificates; private keys never leave the machine's root but by return."""

    def authority(self, path: str, common_name: str) -> None:
        """Have a certificate authority at ``path`` (``.crt``, ``.key``) for ten years."""
        ...

    def have(self, leaves: Sequence[Leaf]) -> None:
        """Have these certificates; one that says what is wanted and lasts 30 days stays."""
        ...

    def issue(self, leaf: Leaf) -> Issued:
        """Return a new certificate that is written nowhere."""
        ...

    def signer(self, path: str) -> None:
        """Have a key pair that signs service account tokens: ``.key`` and ``.pub``."""
        ...

    def secret(self, path: str, size: int = 32) -> str:
        """Return the random URL-safe text kept at ``path``; made of ``size`` bytes at first."""
        ...

    def password_hash(self, password: str) -> str:
        """Return a new bcrypt hash as htpasswd(5) carries it."""
        ...


class Init(Protocol):
    """The one process whose end is the end of everything."""

    def start(self, boot: Boot) -> int:
        """Start it in namespaces of its own and return its process id on the host.

        Raises:
            ShipwayError: ``cluster.namespaces``.
        """
        ...

    def running(self, boot: Boot) -> int | None:
        """Return the process id of a living init."""
        ...

    def stop(self, boot: Boot, *, grace: float) -> None:
        """Ask pods, then parts to end, at most ``grace`` seconds; then end everything."""
        ...

    def sweep(self, boot: Boot) -> tuple[str, ...]:
        """Remove what an ended cluster left in ``/run`` and the cgroup folders; say what it was."""
        ...


class Ports(Protocol):
    """TCP ports of this machine."""

    def free(self, ports: Sequence[int]) -> bool:
        """Return whether all of them could be listened on, on any address."""
        ...

    def holder(self, port: int) -> str:
        """Return who listens on a port (``nginx (pid 12)``), empty if nobody does."""
        ...


class Answers(Protocol):
    """Asks parts whether they serve."""

    def ask(self, check: Check, *, timeout: float) -> Answer:
        """Return what comes back within ``timeout`` seconds."""
        ...

    def request(
        self, check: Check, method: str, path: str, body: bytes = b"", *, content_type: str = ""
    ) -> tuple[int, bytes]:
        """Send one HTTP request to the server that ``check`` names; return status and body.

        Status 0 says that nobody answered.
        """
        ...


class Shell(Protocol):
    """Runs the cluster's own programs."""

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], inside: int = 0
    ) -> tuple[int, str]:
        """Run to the end, in the namespaces of process ``inside`` if given.

        Returns exit code and output.
        """
        ...


class Verify(Protocol):
    """Proves programs before they are started."""

    def prove(self, programs: Mapping[str, str], done: Callable[[str], None]) -> None:
        """Read each file (path to SHA-256 in hex) and call ``done(path)`` as it is proved.

        Raises:
            ShipwayError: ``cluster.altered`` (integrity), ``cluster.unsafe``.
        """
        ...


class Packages(Protocol):
    """Programs from the distribution's packages."""

    def have(self, on_step: Callable[[str], None]) -> Mapping[str, tuple[str, str]]:
        """Return path and SHA-256 (hex) by program name; ``on_step`` hears of each package fetched.

        Raises:
            ShipwayError: ``packages.apt``, ``packages.layout``.
        """
        ...
