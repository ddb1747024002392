"""All hands in memory: one project, one registry, one embedded cluster, and a way to kill a run.

Road tests use it. :meth:`FakeHands.kill_at` makes the n-th call of any port that changes the world
end the run as ``kill -9`` would: an exception that nothing catches, and nothing after it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from fakes.cache import MemoryStageCache
from fakes.clock import FakeClock
from fakes.content import MemoryContent
from fakes.debuggers import MemoryDebuggers
from fakes.files import MemoryFiles
from fakes.forwards import MemoryBrowser
from fakes.git import ROOT, MemoryGit
from fakes.go import FakeGo
from fakes.imagefiles import MemoryImageFiles
from fakes.journal import MemoryRuns
from fakes.keeping import MemoryKeeping
from fakes.kube import MemoryKube
from fakes.layouts import MemoryLayouts
from fakes.looking import MemoryLooking
from fakes.registry import MemoryRegistry
from fakes.renderer import MemoryRenderer
from fakes.signer import MemorySigner
from fakes.vulns import FakeScanner, MemoryDatabases
from fakes.watching import MemoryWatching
from shipway.adapters.forwards import LocalForwards
from shipway.core.evidence.trust import TrustedKey
from shipway.core.golang.linkage import Libraries
from shipway.core.kube.objects import Obj, Ref, ref_of
from shipway.core.oci.descriptor import LAYER_TAR, OCTETS, Platform
from shipway.core.oci.image import Base, BaseImage, Layer
from shipway.core.ports.hands import Ground
from shipway.core.vulns.gate import Rules
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipway.core.evidence.link import Link
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest

MAIN = (
    'package main\n\nimport "net/http"\n\nfunc main() {\n\thttp.ListenAndServe(":8080", nil)\n}\n'
)
CHANGES = {
    "registry": {"push_blob", "push_manifest", "attach", "delete"},
    "kube": {"apply", "create", "replace", "delete", "watch"},
    "content": {"put", "adopt", "compose"},
    "keeping": {"note", "remove"},
}
"""Calls that change the world, or wait for it."""


class Killed(BaseException):
    """The process is gone."""


class ServingKube(MemoryKube):
    """A cluster whose Deployments serve at once; if ``good`` is set, those images alone do."""

    def __init__(self) -> None:
        super().__init__()
        self.good: set[str] | None = None
        self.slow = False
        """Whether Deployments neither serve nor fail."""

    def apply(self, obj: Obj, **options: Any) -> Obj:
        """Apply, and let the controllers answer."""
        live = super().apply(obj, **options)
        if obj["kind"] == "Deployment" and not options.get("dry_run") and not self.slow:
            self._answer(live)
        return live

    def image(self, ref: Ref) -> str:
        """Return the image that a Deployment runs."""
        live = self.objects[ref.identity]
        return str(live["spec"]["template"]["spec"]["containers"][0]["image"])

    def _answer(self, live: Obj) -> None:
        ref = ref_of(live)
        status: dict[str, Any] = {"observedGeneration": live["metadata"]["generation"]}
        if self.good is not None and self.image(ref) not in self.good:
            why = {
                "type": "Progressing",
                "status": "False",
                "reason": "ProgressDeadlineExceeded",
            } | {"lastUpdateTime": "2999-01-01T00:00:00Z"}
            status |= {"replicas": 1, "conditions": [why]}
        else:
            counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            status |= dict.fromkeys(counts, 1)
        self.put({**live, "status": status})


class MemoryLinks:
    """Links by subject."""

    def __init__(self) -> None:
        self.kept: dict[Digest, dict[Digest, Descriptor]] = {}

    def keep(self, links: Sequence[Link]) -> None:
        """Remember."""
        for link in links:
            self.kept.setdefault(link.subject, {})[link.manifest.digest] = link.manifest

    def about(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Return the manifests about a subject."""
        return tuple(self.kept.get(subject, {}).values())


class MemoryBases:
    """One small base."""

    def __init__(self, content: MemoryContent) -> None:
        self._content = content

    def static(self, platform: Platform) -> BaseImage:
        """Return it."""
        layer = self._content.put(b"base", LAYER_TAR)
        roots = self._content.put(b"roots", OCTETS)
        return BaseImage(
            base=Base(name="shipway/static", digest=layer.digest),
            platform=platform,
            layers=(Layer(layer.digest, layer.size, "base"),),
            roots=roots,
            has_roots=True,
        )

    def pulled(self, reference: str, platform: Platform) -> BaseImage:
        """Return the same for every pinned reference."""
        if "@" not in reference:
            raise ShipwayError("base.unpinned", Kind.CONFIG, "no digest", subject=reference)
        return self.static(platform)

    def libraries(self, base: BaseImage) -> Libraries:
        """Return none."""
        del base
        return Libraries()


class StillSandbox:
    """A machine on which nothing can be confined, or on which programs open known ports."""

    def __init__(self) -> None:
        self.opened: tuple[int, ...] | None = None

    def ports(self, argv: Sequence[str], **limits: object) -> tuple[int, ...] | None:
        """Return the ports."""
        del argv, limits
        return self.opened


class _Mortal:
    """A port whose changing calls are counted, and one of which is the last."""

    def __init__(self, port: object, names: set[str], tick: Callable[[str], None]) -> None:
        self._port = port
        self._names = names
        self._tick = tick

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name not in self._names:
            return found

        def counted(*args: Any, **options: Any) -> Any:
            self._tick(name)
            return found(*args, **options)

        return counted


class FakeHands:
    """Everything a road asks for."""

    def __init__(self) -> None:
        self.cores = 2
        self.clock = FakeClock()
        self.runs = MemoryRuns()
        self.cache = MemoryStageCache()
        self.memory = MemoryContent()
        self.registries = MemoryRegistry()
        self.cluster = ServingKube()
        self.links = MemoryLinks()
        self.keeper = MemoryKeeping(self.memory)
        self.git = MemoryGit()
        self.go = FakeGo()
        self.sandbox = StillSandbox()
        self.layouts = MemoryLayouts()
        self.looking = MemoryLooking()
        self.watching = MemoryWatching()
        self.forwards = LocalForwards(linger=0.2)
        self.browser = MemoryBrowser()
        self.renderer = MemoryRenderer()
        self.debuggers = MemoryDebuggers(self.memory)
        self.databases = MemoryDatabases()
        self.scanner = FakeScanner(self.databases)
        self.scan_rules = Rules()
        self.project = MemoryFiles()
        self.imagefiles = MemoryImageFiles(self.memory, self.project)
        self.key = MemorySigner()
        self.near = True
        """Whether the key opens without asking."""
        self.trust = [self.key]
        self.variables: dict[str, str] = {}
        self.running = True
        self.calls: list[str] = []
        self.broken: dict[str, Exception] = {}
        """By name of a changing call (``push_manifest``): raised whenever it is called."""
        self._last = 0
        self._dead = False
        self._lock = threading.Lock()
        self.write("go.mod", "module example.com/shop\n\ngo 1.26\n")
        self.write("main.go", MAIN)
        self.write("main_test.go", "package main\n")
        self.git.commit_all(1_700_000_000)

    def write(self, path: str, text: str) -> None:
        """Change a file of the project, as git, go and the file port see it."""
        self.git.files[path] = text
        self.go.files[path] = text
        self.project.files[path] = text.encode()

    def kill_at(self, number: int) -> None:
        """Let the ``number``-th changing call from now on be the last that happens; 0: none."""
        self.calls.clear()
        self._last = number
        self._dead = False

    def _tick(self, name: str) -> None:
        with self._lock:
            self.calls.append(name)
            if self._last and len(self.calls) >= self._last:
                self._dead = True
            if self._dead:
                raise Killed
            if error := self.broken.get(name):
                raise error

    @property
    def content(self) -> Any:
        """Return the store."""
        return _Mortal(self.memory, CHANGES["content"], self._tick)

    @property
    def keeping(self) -> Any:
        """Return what is kept."""
        return _Mortal(self.keeper, CHANGES["keeping"], self._tick)

    @property
    def registry(self) -> Any:
        """Return the registry."""
        return _Mortal(self.registries, CHANGES["registry"], self._tick)

    @property
    def bases(self) -> MemoryBases:
        """Return base images."""
        return MemoryBases(self.memory)

    def files(self, root: str) -> MemoryFiles:
        """Return the project's files."""
        assert root == ROOT
        return self.project

    def warm(self) -> None:
        """Do nothing: everything is in memory."""

    def signer(self) -> MemorySigner:
        """Return the key."""
        return self.key

    def sealer(self) -> MemorySigner:
        """Return who signs by an identity: in memory, a key of its own."""
        return MemorySigner(77)

    def at_hand(self) -> bool:
        """Return whether the key is there."""
        return self.near

    def fingerprint(self) -> str:
        """Return that of the key."""
        return self.key.fingerprint

    def trusted(self, paths: tuple[str, ...], *, own: bool) -> tuple[TrustedKey, ...]:
        """Return the trusted keys; those at paths are not looked at."""
        if not own and not paths:
            return ()
        return tuple(
            TrustedKey(key=one.public_key, passphrase=one.has_passphrase) for one in self.trust
        )

    def kube(self, context: str) -> Any:
        """Return the one cluster."""
        assert context
        return _Mortal(self.cluster, CHANGES["kube"], self._tick)

    def ground(self, name: str) -> Ground:
        """Return the embedded cluster."""
        return Ground(
            name=name or "dev", context="shipway", registry="127.0.0.1:5000", running=self.running
        )

    def raise_ground(self, name: str) -> Ground:
        """Start it."""
        self.running = True
        return self.ground(name)
