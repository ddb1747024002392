"""A machine in memory for the ground: files, an init, ports and answers that tests steer."""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

from shipway.core.oci.digest import of
from shipway.core.ports.engines import Built, Installed
from shipway.core.ports.ground import Answer, Boot, Check, File, Issued, Leaf
from shipway.core.ports.hostfacts import Facts
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PROGRAMS = {
    "etcd": ("etcd",),
    "containerd": ("containerd", "containerd-shim-runc-v2", "ctr"),
    "cni": ("bridge", "host-local", "loopback", "portmap"),
    "registry": ("registry",),
    "kubernetes": (
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kubectl",
    ),
    "coredns": ("coredns",),
}
PACKAGED = (
    *("runc", "pasta", "runsvdir", "runsv", "svlogd"),
    *("xtables-nft-multi", "xtables-legacy-multi", "lib/libxtables.so.12"),
)


class MemoryTree:
    """Keeps the Tree port in a dictionary."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.folders: dict[str, int] = {}
        self.secured: list[str] = []
        self.locks = 0

    def secure(self, path: str) -> None:
        """Remember what was asked for."""
        self.secured.append(path)

    @contextlib.contextmanager
    def locked(self, path: str) -> Iterator[None]:
        """Count turns."""
        assert (
            path in self.secured
            or path in {posixpath.dirname(one) for one in self.files}
            or (any(one.startswith(path) for one in self.files))
        )
        self.locks += 1
        yield

    def read(self, path: str) -> str | None:
        """Return a file's text."""
        return self.files[path].text if path in self.files else None

    def write(self, file: File) -> bool:
        """Keep the file."""
        changed = self.files.get(file.path) != file
        self.files[file.path] = file
        return changed

    def write_bytes(self, path: str, data: bytes) -> None:
        """Keep it as text."""
        self.files[path] = File(path, data.decode("latin-1"))

    def folder(self, path: str, mode: int) -> None:
        """Remember its mode."""
        self.folders[path] = mode

    def remove(self, path: str) -> None:
        """Forget all below it."""
        below = path + "/"
        self.files = {
            name: file
            for name, file in self.files.items()
            if name != path and not name.startswith(below)
        }
        self.folders = {
            name: mode
            for name, mode in self.folders.items()
            if name != path and not name.startswith(below)
        }

    def entries(self, path: str) -> tuple[str, ...]:
        """Return the names right below."""
        below = path.rstrip("/") + "/"
        names = (*self.files, *self.folders)
        found = {name[len(below) :].split("/")[0] for name in names if name.startswith(below)}
        return tuple(sorted(found))


class CountingKeys:
    """Keeps the Keys port; what it makes is numbered instead of random."""

    def __init__(self, tree: MemoryTree) -> None:
        self._tree = tree
        self.issued: list[Leaf] = []

    def authority(self, path: str, common_name: str) -> None:
        """Write a pair once."""
        self._pair(path, "crt", common_name)

    def _pair(self, path: str, public: str, text: str) -> None:
        if self._tree.read(f"{path}.{public}") is None:
            self._tree.write(File(f"{path}.{public}", text, 0o644))
            self._tree.write(File(f"{path}.key", f"key of {text}"))

    def have(self, leaves: Sequence[Leaf]) -> None:
        """Write each pair once."""
        for leaf in leaves:
            self.authority(leaf.path, leaf.common_name)

    def issue(self, leaf: Leaf) -> Issued:
        """Return a numbered certificate."""
        self.issued.append(leaf)
        number = len(self.issued)
        return Issued(f"certificate {number}", f"key {number}", "authority", 1000.0 * number)

    def signer(self, path: str) -> None:
        """Write a pair once."""
        self._pair(path, "pub", "signer")

    def secret(self, path: str, size: int = 32) -> str:
        """Return the same text for the same path."""
        text = self._tree.read(path) or f"{posixpath.basename(path)}-{size}"
        self._tree.write(File(path, text))
        return text

    def password_hash(self, password: str) -> str:
        """Return something that names the password."""
        return f"$2b$04${password}"


class ScriptedInit:
    """Keeps the Init port; a start makes the parts of ``ready`` ready at once."""

    def __init__(self, tree: MemoryTree) -> None:
        self._tree = tree
        self.pid: int | None = None
        self.started: list[Boot] = []
        self.stopped: list[float] = []
        self.ready: tuple[str, ...] = ()
        self.left: tuple[str, ...] = ()
        self.dies = False

    def start(self, boot: Boot) -> int:
        """Start, and write ready files as the prober does."""
        self.started.append(boot)
        self.pid = None if self.dies else 4242 + len(self.started)
        for name in self.ready:
            self._tree.write(File(f"{boot.runtime}/ready/{name}", ""))
        return 4242 + len(self.started)

    def running(self, boot: Boot) -> int | None:  # noqa: ARG002  one init is all there is
        """Return the process id while it runs."""
        return self.pid

    def stop(self, boot: Boot, *, grace: float) -> None:  # noqa: ARG002
        """End it."""
        self.stopped.append(grace)
        self.pid = None

    def sweep(self, boot: Boot) -> tuple[str, ...]:
        """Say what was left, once."""
        self._tree.remove(boot.runtime)
        left, self.left = self.left, ()
        return left


class TakenPorts:
    """Keeps the Ports port: all are free but those that tests took."""

    def __init__(self) -> None:
        self.taken: dict[int, str] = {}

    def free(self, ports: Sequence[int]) -> bool:
        """Return whether none is taken."""
        return not set(ports) & set(self.taken)

    def holder(self, port: int) -> str:
        """Return who has it."""
        return self.taken.get(port, "")


class ScriptedAnswers:
    """Keeps the Answers port; requests are remembered."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.status = 201
        self.body = b"because"
        self.listening = True

    def ask(self, check: Check, *, timeout: float) -> Answer:  # noqa: ARG002
        """Answer as a server would that says the status that the test set."""
        if not self.listening:
            return Answer.SILENT
        good = self.status in check.statuses and check.contains.encode() in self.body
        return Answer.READY if good else Answer.UNREADY

    def request(
        self,
        check: Check,  # noqa: ARG002
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "",  # noqa: ARG002
    ) -> tuple[int, bytes]:
        """Answer with the status that the test set."""
        self.requests.append((method, path, body))
        return (self.status, self.body) if self.listening else (0, b"")


class ScriptedShell:
    """Keeps the Shell port; commands are remembered."""

    def __init__(self) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.code = 0
        self.output = "output"

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],  # noqa: ARG002
        inside: int = 0,  # noqa: ARG002
    ) -> tuple[int, str]:
        """End with the code that the test set."""
        self.commands.append(tuple(argv))
        return self.code, self.output


class MemoryVerify:
    """Keeps the Verify port: programs are what the test says they are."""

    def __init__(self) -> None:
        self.programs: dict[str, str] = {}
        self.unsafe: set[str] = set()

    def prove(self, programs: Mapping[str, str], done: Callable[[str], None]) -> None:
        """Compare digests."""
        for path, digest in programs.items():
            if path in self.unsafe:
                raise ShipwayError("cluster.unsafe", Kind.DENIED, "others can change it")
            if self.programs.get(path) != digest:
                raise ShipwayError("cluster.altered", Kind.INTEGRITY, "it has other bytes")
            done(path)


class FixedPackages:
    """Keeps the Packages port: everything lies under one folder."""

    def have(self, on_step: Callable[[str], None]) -> Mapping[str, tuple[str, str]]:
        """Return every program's path and a digest made of its name."""
        on_step("runc")
        return {
            name: (_packaged(name), of(name.encode()).removeprefix("sha256:")) for name in PACKAGED
        }


def _packaged(name: str) -> str:
    place = name if name.startswith("lib/") else f"bin/{name}"
    return f"/var/lib/shipway/packages/{place}"


class FixedEngineStore:
    """Keeps the EngineStore port: what is installed lies where root put it."""

    def install(self, built: Built) -> Installed:
        """Return the engine as installed."""
        return self.installed(built.name)

    def installed(self, name: str) -> Installed:
        """Return every program's path and a digest made of its name."""
        folder = f"/var/lib/shipway/engines/{name}/lock"
        files = {program: f"{folder}/{program}" for program in PROGRAMS[name]}
        digests = {program: of(program.encode()) for program in PROGRAMS[name]}
        return Installed(name, "v1", "lock", folder, files, digests)


def built() -> tuple[Built, ...]:
    """Return what the user's part hands over."""
    return tuple(Built(name, "v1", "lock", f"/home/u/{name}", {}) for name in PROGRAMS)


class FixedFacts:
    """Keeps the HostFacts port: says what the test says."""

    def __init__(self, facts: Facts | None = None) -> None:
        self.facts = facts or Facts(resolvers=("9.9.9.9",), networks=("192.168.1.0/24",))

    def read(self) -> Facts:
        """Return them."""
        return self.facts
