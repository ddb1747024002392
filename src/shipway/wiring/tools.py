"""The hands of this process: settings become hands, each on its first use.

Only ``shipway.wiring`` imports this. Environment variables are read here and nowhere below. Heavy
libraries are imported by the hand that needs them, so that a command pays for what it does.
"""

from __future__ import annotations

import os
import platform
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway import redaction
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shipway.adapters.content.store import Store
    from shipway.adapters.keys import KeyFolder
    from shipway.adapters.registry.client import Client
    from shipway.core.engines.progress import Progress
    from shipway.core.evidence.key import PublicKey
    from shipway.core.evidence.trust import TrustedKey
    from shipway.core.ports.bases import Bases, ImageFiles
    from shipway.core.ports.cache import StageCache
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.engines import Engines
    from shipway.core.ports.evidence import Links
    from shipway.core.ports.files import Files
    from shipway.core.ports.git import Git
    from shipway.core.ports.go import Go
    from shipway.core.ports.hands import Ground
    from shipway.core.ports.journal import Runs
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.registry import Registry
    from shipway.core.ports.renderer import Renderer
    from shipway.core.ports.sandbox import Sandbox
    from shipway.core.ports.signer import Signer
    from shipway.core.run.events import Event
    from shipway.roads import cluster

    Emit = Callable[[Event], None]

TOOLCHAIN = "go1.27.3"
"""The Go of services whose go.mod asks for none newer; also that of the engines."""
PASSPHRASE = ("SHIPWAY_KEY_PASSWORD", "COSIGN_PASSWORD")
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class _OwnTrust(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[trust]`` of the person's own configuration."""

    keys: tuple[str, ...] = ()
    """Public key files, relative to the configuration."""


class Tools:
    """The hands of this process (:class:`~shipway.core.ports.hands.Hands`)."""

    def __init__(
        self, emit: Emit, environ: dict[str, str] | None = None, *, ask: bool = True
    ) -> None:
        """Remember who hears events; ``ask`` lets a terminal be asked for a passphrase."""
        self._emit = emit
        self._asks = ask
        self._passphrase: str | None = None
        self._told: set[str] = set()
        self.variables = dict(os.environ if environ is None else environ)
        for name in PASSPHRASE:
            said = self.variables.pop(name, None)
            os.environ.pop(name, None)
            if said is not None and self._passphrase is None:
                self._passphrase = said
        if self._passphrase:
            redaction.add(self._passphrase)

    @cached_property
    def home(self) -> Path:
        """Return the person's home folder."""
        return Path(self.variables.get("HOME") or Path.home())

    def folder(self, variable: str, usual: str) -> str:
        """Return Shipway's folder below an XDG base directory."""
        return str(Path(self.variables.get(variable) or self.home / usual) / "shipway")

    @cached_property
    def cache_folder(self) -> str:
        """Return where what can be made again lies."""
        return self.folder("XDG_CACHE_HOME", ".cache")

    @cached_property
    def state_folder(self) -> str:
        """Return where the records of runs lie."""
        return self.folder("XDG_STATE_HOME", ".local/state")

    @cached_property
    def data_folder(self) -> str:
        """Return where the store lies."""
        return self.folder("XDG_DATA_HOME", ".local/share")

    @cached_property
    def config_folder(self) -> str:
        """Return where keys and the person's own configuration lie."""
        return self.folder("XDG_CONFIG_HOME", ".config")

    @cached_property
    def clock(self) -> Clock:
        """Return the time of this machine."""
        from shipway.adapters.clock import SystemClock

        return SystemClock()

    @cached_property
    def processes(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return what runs programs."""
        from shipway.adapters.process import SystemProcesses

        return SystemProcesses()

    @cached_property
    def runs(self) -> Runs:
        """Return the journals of this person's runs."""
        from shipway.adapters.journal import LocalRuns

        return LocalRuns(self.state_folder)

    @cached_property
    def cache(self) -> StageCache:
        """Return the results of earlier runs."""
        from shipway.adapters.cache import LocalStageCache

        return LocalStageCache(str(Path(self.cache_folder) / "stages"))

    @cached_property
    def content(self) -> Store:
        """Return the local store."""
        from shipway.adapters.content.store import Store

        return Store(Path(self.data_folder) / "store")

    @cached_property
    def links(self) -> Links:
        """Return the links that this machine keeps."""
        from shipway.adapters.linkstore import LinkStore

        return LinkStore(self.content)

    @property
    def registry(self) -> Registry:
        """Return the client of every registry."""
        return self._client

    @cached_property
    def _client(self) -> Client:
        """Return it as the adapter that it is, which can be loaded beforehand."""
        from shipway.adapters.registry.client import connect

        return connect(self.variables, self.processes)

    @cached_property
    def git(self) -> Git:
        """Return git, which runs nothing that a repository configures."""
        from shipway.adapters.git import GitRepositories

        return GitRepositories(self.processes, self.variables)

    @cached_property
    def sandbox(self) -> Sandbox:
        """Return the confinement of this machine."""
        from shipway.adapters.sandbox import NamespaceSandbox

        return NamespaceSandbox(self.processes)

    @cached_property
    def go(self) -> Go:
        """Return the go command."""
        from shipway.adapters.go.tool import GoTool
        from shipway.adapters.toolchain import GoToolchains

        scratch = Path(self.data_folder) / "store" / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return GoTool(
            self.processes,
            self.sandbox,
            GoToolchains(self.processes, self.variables, self.cache_folder),
            self.variables,
            ours=TOOLCHAIN,
            state=str(Path(self.state_folder) / "go"),
            scratch=str(scratch),
        )

    @cached_property
    def bases(self) -> Bases:
        """Return base images."""
        from shipway.adapters.baseimage import BaseImages

        return BaseImages(self.content, self.registry)

    @cached_property
    def imagefiles(self) -> ImageFiles:
        """Return files on their way into images."""
        from shipway.adapters.imagefiles import RepositoryFiles

        return RepositoryFiles(self.content)

    @cached_property
    def engines(self) -> Engines:
        """Return the locked programs of this account."""
        from shipway.adapters.engines import assembly

        return assembly.for_caller(self.processes, self.variables)

    @cached_property
    def renderer(self) -> Renderer:
        """Return plain YAML, or the real kustomize where a folder has a kustomization."""
        from shipway.adapters.manifests import ByFolder

        return ByFolder(lambda: self._kustomize)

    @cached_property
    def _kustomize(self) -> Renderer:
        """Return the real kustomize, made from its lock on first use."""
        from shipway.adapters.kustomize import Kustomize

        (built,) = self.engines.ensure(("kustomize",), on_progress=self._building)
        binary = str(Path(built.directory) / "kustomize")
        return Kustomize(binary, built.version, sandbox=self.sandbox)

    def _building(self, one: Progress) -> None:
        """Say that a program is made, once: until then a step would seem to hang."""
        from shipway.core.run.events import Remark

        if one.phase == "compile" and one.engine not in self._told:
            self._told.add(one.engine)
            text = f"{one.engine} is built from its lock, for the first and only time"
            self._emit(Remark(run="", trace="", at=self.clock.now(), text=text))

    def files(self, root: str) -> Files:
        """Return the files below ``root``."""
        from shipway.adapters.files import Folder

        return Folder(root)

    @cached_property
    def keys(self) -> KeyFolder:
        """Return where the person's key lies."""
        from shipway.adapters.keys import KeyFolder

        return KeyFolder(
            str(Path(self.config_folder) / "keys"),
            passphrase=self._passphrase,
            ask=_ask if self._asks and sys.stdin and sys.stdin.isatty() else None,
            on_made=self._made,
        )

    def _made(self, fingerprint: str) -> None:
        """Say which key was just made, by no run: a key outlives all of them."""
        from shipway.core.run.events import Fact

        self._emit(Fact(run="", trace="", at=self.clock.now(), name="key", value=fingerprint))

    @cached_property
    def _signer(self) -> Signer:
        return self.keys.signer()

    def warm(self) -> None:
        """Load the libraries of registry and cluster, which no step should wait for."""
        import shipway.adapters.kube.client
        import shipway.adapters.kube.kubeconfig  # noqa: F401  loaded, not used

        self._client.preload()

    def signer(self) -> Signer:
        """Return the person's key, made now if there is none."""
        return self._signer

    def fingerprint(self) -> str:
        """Return that of the person's key, without opening it where it is there."""
        return self._public().fingerprint

    def _public(self) -> PublicKey:
        """Return the person's public key; one that is not there is written from the private one."""
        try:
            return self.keys.public_key()
        except ShipwayError as error:
            if error.id != "key.missing":
                raise
            return self.signer().public_key

    def trusted(self, paths: tuple[str, ...], *, own: bool) -> tuple[TrustedKey, ...]:
        """Return the keys at ``paths``, of the person's ``[trust]``, and the own one."""
        from shipway.adapters.keys import public_key
        from shipway.core.evidence.trust import TrustedKey

        found = [
            TrustedKey(key=public_key(path), name=path, passphrase=self._guarded(path))
            for path in (*paths, *self._configured())
        ]
        if own:
            found.append(TrustedKey(key=self._public(), name="your own key", passphrase=False))
        return tuple(found)

    def _guarded(self, path: str) -> bool:
        """Return whether a key is not known to lie here without a passphrase."""
        from shipway.adapters.keys import public_key

        if not self.keys.exists():
            return True
        if public_key(path).fingerprint != self._public().fingerprint:
            return True
        return self.keys.guarded()

    def _configured(self) -> Iterable[str]:
        """Return the key files that the person's own configuration trusts."""
        import tomllib

        path = Path(self.config_folder) / "config.toml"
        try:
            said = tomllib.loads(path.read_text()).get("trust", {})
            keys = msgspec.convert(said, _OwnTrust).keys
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            raise ShipwayError(
                "config.syntax", Kind.CONFIG, str(error), operation="reading", subject=str(path)
            ) from error
        return tuple(str(path.parent / one) for one in keys)

    def kube(self, context: str) -> Kube:
        """Return the cluster of a kubeconfig context; its connections are kept."""
        known: dict[str, Kube] = self.__dict__.setdefault("_clusters", {})
        if context not in known:
            known[context] = self._connect(context)
        return known[context]

    def _connect(self, context: str) -> Kube:
        from shipway.adapters.kube.client import Cluster
        from shipway.adapters.kube.kubeconfig import read
        from shipway.core.kube.contexts import choose, merge

        access = choose(merge(read(self.variables)), context)
        return Cluster(access, processes=self.processes, environment=self.variables)

    @cached_property
    def account(self) -> Any:  # noqa: ANN401  the adapter's
        """Return for whom the work is done."""
        from shipway.adapters.userfiles import person

        return person(self.variables)

    @cached_property
    def userfiles(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return the person's own files."""
        from shipway.adapters.userfiles import AccountFiles

        return AccountFiles(self.account, self.variables)

    @cached_property
    def privilege(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return the way to the root part."""
        from shipway import rootpart
        from shipway.adapters.privilege import SudoPrivilege

        return SudoPrivilege(
            self.account,
            lambda order, on_moment: rootpart.carry_out(order, rootpart.hands(), on_moment),
            environ=self.variables,
        )

    @cached_property
    def ground_facts(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return what reads this machine."""
        from shipway.adapters.hostfacts import LinuxFacts

        return LinuxFacts()

    @cached_property
    def ground_tree(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return the files of clusters, as everybody may read them."""
        from shipway.adapters.ground.tree import RootTree

        return RootTree()

    @cached_property
    def ground_init(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return what knows whether a cluster's init lives."""
        from shipway.adapters.ground.init import NamespacedInit

        return NamespacedInit()

    def ground(self, name: str) -> Ground | None:
        """Return the embedded cluster as it is; none where there is none to work with."""
        from shipway.core.ports.hands import Ground
        from shipway.roads import cluster

        try:
            now = cluster.status(
                name, tree=self.ground_tree, init=self.ground_init, files=self.userfiles
            )
        except ShipwayError as error:
            if error.id != "cluster.unknown":
                raise
            return None
        running = cluster.usable(now, self.clock)
        return Ground(name=now.name, context=now.context, registry=now.registry, running=running)

    def raise_ground(self, name: str) -> Ground:
        """Return the embedded cluster, started if it does not run."""
        from shipway.core.ports.hands import Ground

        there = self.ground(name)
        if there is not None and there.running:
            return there
        up = self.start(name)
        return Ground(name=up.name, context=up.context, registry=up.registry, running=True)

    def start(self, name: str) -> cluster.Up:
        """Start the embedded cluster, its programs made first where they are missing."""
        from shipway.core.engines.progress import words
        from shipway.core.run.events import Unit
        from shipway.roads import cluster
        from shipway.run import Run

        with Run(
            "cluster up", runs=self.runs, clock=self.clock, emit=self._emit, subject=name
        ) as run:
            return cluster.up(
                name,
                facts=self.ground_facts,
                tree=self.ground_tree,
                engines=self.engines,
                privilege=self.privilege,
                files=self.userfiles,
                on_progress=lambda one: run.progress(
                    one.phase, Unit(service=one.engine), one.done, one.total, what=words(one)
                ),
                on_moment=lambda one: run.line(
                    "cluster", Unit(), f"{one.seconds:5.1f} s  {one.step} {one.subject}".rstrip()
                ),
            )

    def save(self, registry: str) -> cluster.Saved:
        """Copy links that only a registry has into the store, and say what could not be."""
        from shipway.roads import saving

        return saving.save(registry, registry=self.registry, content=self.content, links=self.links)

    def caches(self, everything: bool) -> tuple[str, ...]:
        """Return the person's paths that stay; with ``everything`` the engine cache goes."""
        import shutil

        made = [Path(self.cache_folder) / name for name in ("engines", "toolchains", "go-build")]
        if everything:
            for folder in made:
                shutil.rmtree(folder, ignore_errors=True)
        kept = [
            *made,
            Path(self.cache_folder),
            Path(self.data_folder, "store"),
            Path(self.keys.path),
        ]
        return tuple(str(path) for path in kept if path.exists())


def architecture() -> str:
    """Return this machine's architecture in Go's words."""
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)


def _ask(prompt: str) -> str:
    import getpass

    return getpass.getpass(prompt)
