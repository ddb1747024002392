"""The hands of this process: settings become hands, each on its first use.

Only ``shipway.wiring`` imports this. Heavy libraries are imported by the hand that needs them, so
that a command pays for what it does.
"""

from __future__ import annotations

import os
import platform
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.wiring.ground import Grounded

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Self

    from shipway.adapters.content.store import Store
    from shipway.adapters.go.tool import GoTool
    from shipway.adapters.http.client import Http
    from shipway.adapters.looking import LocalLooking
    from shipway.adapters.registry.client import Client
    from shipway.core.engines.progress import Progress
    from shipway.core.kube.contexts import Access
    from shipway.core.ports.bases import Bases, ImageFiles
    from shipway.core.ports.cache import StageCache
    from shipway.core.ports.debuggers import Debuggers
    from shipway.core.ports.engines import Engines
    from shipway.core.ports.evidence import Links
    from shipway.core.ports.files import Files
    from shipway.core.ports.forwards import Browser, Forwards
    from shipway.core.ports.git import Git
    from shipway.core.ports.go import Go
    from shipway.core.ports.keeping import Keeping
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.layouts import Layouts
    from shipway.core.ports.logins import Logins
    from shipway.core.ports.looking import Looking
    from shipway.core.ports.machine import KeyState, Machine
    from shipway.core.ports.registry import Registry
    from shipway.core.ports.renderer import Renderer
    from shipway.core.ports.sandbox import Sandbox
    from shipway.core.ports.vulns import Databases, Scanner
    from shipway.core.ports.watching import Watching
    from shipway.roads import cluster

TOOLCHAIN = "go1.27.3"
"""The Go of services whose go.mod asks for none newer; also that of the engines."""
_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Tools(Grounded):
    """The hands of this process (:class:`~shipway.core.ports.hands.Hands`)."""

    @cached_property
    def cores(self) -> int:
        """Return how many processors this process may use."""
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1

    @cached_property
    def cache(self) -> StageCache:
        """Return the results of earlier runs."""
        from shipway.adapters.cache import LocalStageCache

        return LocalStageCache(str(Path(self.cache_folder) / "stages"))

    @cached_property
    def content(self) -> Store:
        """Return the local store."""
        from shipway.adapters.content.store import Store

        made = Store(Path(self.data_folder) / "store")
        made.hold()
        return made

    @cached_property
    def keeping(self) -> Keeping:
        """Return who keeps the local store."""
        from shipway.adapters.content.keeper import Keeper

        return Keeper(self.content, self.limit)

    @cached_property
    def links(self) -> Links:
        """Return the links that this machine keeps."""
        from shipway.adapters.content.links import LinkStore

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
    def logins(self) -> Logins:
        """Return the person's logins for registries."""
        from shipway.adapters.http.network import from_environment
        from shipway.adapters.registry.logins import DockerLogins

        network = from_environment(self.variables)
        return DockerLogins(self.userfiles, self.processes, self.variables, network)

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

    @property
    def go(self) -> Go:
        """Return the go command."""
        return self._go

    def ahead(self, directory: str) -> AbstractContextManager[None]:
        """Build beside the block what was built last, if it has changed; see the Go hand.

        A project with environments of its own waits: their targets are looked at before anything
        is built.
        """
        import contextlib

        from shipway.core.project import schema

        said = b" ".join(name.lower().encode(errors="replace") for name in self.variables)
        with contextlib.suppress(OSError):
            said += Path(directory, schema.FILE).read_bytes()
        if b"environments" in said:
            return contextlib.nullcontext()
        return self._go.ahead(directory)

    @cached_property
    def _go(self) -> GoTool:
        """Return it as the adapter that it is, which can begin a build before it is asked."""
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
    def databases(self) -> Databases:
        """Return databases of known vulnerabilities."""
        from shipway.adapters.vulndb import VulnDatabases

        return VulnDatabases(self._scanning, str(Path(self.cache_folder) / "vulndb"))

    def _scanning(self) -> Http:
        from shipway.adapters.http.client import Http
        from shipway.adapters.http.network import from_environment

        return Http(from_environment(self.variables), "scan")

    @cached_property
    def scanner(self) -> Scanner:
        """Return the real govulncheck, made from its lock on first use."""
        from shipway.adapters.go.vulncheck import Govulncheck
        from shipway.adapters.toolchain import GoToolchains

        return Govulncheck(
            lambda: self._govulncheck,
            self.sandbox,
            GoToolchains(self.processes, self.variables, self.cache_folder),
            self.variables,
            ours=TOOLCHAIN,
            state=str(Path(self.state_folder) / "go"),
        )

    @cached_property
    def _govulncheck(self) -> tuple[str, str]:
        (built,) = self.engines.ensure(("govulncheck",), on_progress=self._building)
        return str(Path(built.directory) / "govulncheck"), built.version

    @cached_property
    def bases(self) -> Bases:
        """Return base images."""
        from shipway.adapters.baseimage import BaseImages

        return BaseImages(self.content, self.registry)

    @cached_property
    def debuggers(self) -> Debuggers:
        """Return Delve, made from its lock on first use."""
        from shipway.adapters.delve import LockedDelve

        return LockedDelve(self._engines_for, self.content, self._building)

    def _engines_for(self, platform: str) -> Engines:
        """Return the locked programs for a platform, this account's."""
        from shipway.adapters.engines import assembly
        from shipway.adapters.engines.locks import PACKAGED, LockFolder

        folder = LockFolder(PACKAGED, platform)
        return assembly.builder(folder, self.processes, self.variables, self.cache_folder)

    @cached_property
    def imagefiles(self) -> ImageFiles:
        """Return files on their way into images."""
        from shipway.adapters.imagefiles import RepositoryFiles

        return RepositoryFiles(self.content)

    @cached_property
    def watching(self) -> Watching:
        """Return the kernel's watches."""
        from shipway.adapters.watching import FolderWatching

        return FolderWatching(self.variables)

    @cached_property
    def forwards(self) -> Forwards:
        """Return what listens on the loopback."""
        from shipway.adapters.forwards import LocalForwards

        return LocalForwards()

    @cached_property
    def browser(self) -> Browser:
        """Return the person's browser."""
        from shipway.adapters.browser import DesktopBrowser

        return DesktopBrowser(self.variables)

    @cached_property
    def machine(self) -> Machine:
        """Return what looks at this machine."""
        from shipway.adapters.engines import assembly, proof
        from shipway.adapters.engines.locks import PACKAGED, LockFolder
        from shipway.adapters.machine import ThisMachine

        builder = assembly.builder(
            LockFolder(PACKAGED), self.processes, self.variables, self.cache_folder
        )
        return ThisMachine(
            self.processes,
            self.sandbox,
            self.variables,
            store=str(Path(self.data_folder) / "store"),
            toolchains=str(Path(self.cache_folder) / "toolchains"),
            engines=lambda: proof.states(builder),
            key=self._key_state,
        )

    def _key_state(self) -> KeyState | None:
        from shipway.core.ports.machine import KeyState

        if not self.keys.exists():
            return None
        return KeyState(self.fingerprint(), self.keys.guarded())

    @cached_property
    def layouts(self) -> Layouts:
        """Return what writes images to files."""
        from shipway.adapters.layouts import LayoutFiles

        return LayoutFiles()

    @property
    def looking(self) -> Looking:
        """Return what looks into files of anybody."""
        return self._looking

    @cached_property
    def _looking(self) -> LocalLooking:
        """Return it as the adapter that it is, which can begin before it is asked."""
        from shipway.adapters.looking import LocalLooking

        return LocalLooking()

    def ahead_of(self, path: str) -> Self:
        """Begin to hash a file beside whatever is loaded meanwhile."""
        self._looking.ahead(path)
        return self

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

    def warm(self) -> None:
        """Load the libraries of registry and cluster, which no step should wait for."""
        import shipway.adapters.kube.client
        import shipway.adapters.kube.kubeconfig  # noqa: F401  loaded, not used

        self._client.preload()

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
        if access.insecure or not access.server.startswith("https:"):
            self._doubt(access)
        terminal = self.processes if self._asks and sys.stdin and sys.stdin.isatty() else None
        return Cluster(
            access, processes=self.processes, environment=self.variables, terminal=terminal
        )

    def _doubt(self, access: Access) -> None:
        """Say that nobody knows whether it is the cluster that answers."""
        from shipway.core.run.events import Remark

        why = "insecure-skip-tls-verify" if access.insecure else "plain HTTP"
        text = f"context {access.context}: {access.server} is not proved to be that cluster ({why})"
        self._emit(Remark(run="", trace="", at=self.clock.now(), text=text))

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
