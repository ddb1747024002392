"""A project as it stands, read and guessed; and ``init``, which writes that down.

Every road that works on a project starts with :func:`load`, so that ``up`` without a config does
exactly what ``init`` would have written. Nothing is ever overwritten here.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.golang import modfile, toolchain
from shipway.core.project import guess, lockfile, scaffold, schema, settings
from shipway.core.project.guess import Found
from shipway.core.project.lockfile import Lock  # noqa: TC001  msgspec reads types
from shipway.core.project.settings import Layer, Settings
from shipway.core.project.workload import Workload  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shipway.core.ports.files import Files
    from shipway.core.ports.go import Go
    from shipway.core.run.events import Event

YAML = (".yaml", ".yml")


class ProjectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which project, and what stands above its files."""

    directory: str
    """Absolute path of the project's folder."""
    package: str = ""
    variables: dict[str, str] = {}
    """The process's environment; only ``SHIPWAY__...`` counts."""
    flags: dict[str, tuple[str, Any]] = {}
    """Key path to flag and value, as ``test.dev`` to ``("--tests", "off")``."""
    ran: dict[str, tuple[int, ...]] = {}
    """Service name to the ports that its binary opened in a confined run."""


class LoadedProject(msgspec.Struct, frozen=True, kw_only=True):
    """A project's effective settings and services."""

    directory: str
    settings: Settings
    services: tuple[Workload, ...]
    modules: dict[str, str]
    """Service name to the folder of its go.mod, relative to the project."""
    lock: Lock
    overlays: tuple[str, ...]
    """Folders that hold a kustomization."""
    placed: bool
    """Whether a manifest below ``deploy`` names an image of the project (``shipway://``, ``ko://``)."""
    written: bool
    """Whether there is a ``shipway.toml``."""

    @property
    def name(self) -> str:
        """Return the project's name."""
        return self.settings.config.project.name


class InitRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What ``init`` is asked."""

    project: ProjectRequest
    dry_run: bool = False
    toolchain: str = ""
    """The Go of modules that ask for none newer; with it, the lock pins the Go of this project."""


class Scaffolded(msgspec.Struct, frozen=True, kw_only=True):
    """What ``init`` wrote, or would write."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    """Files that are there already and were left as they are."""
    dry_run: bool
    contents: dict[str, str] = {}
    """With ``dry_run``, the text of every file that would be written."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        verb = "would write" if self.dry_run else "wrote"
        for path in self.written:
            yield f"{verb} {path}"
            yield from (f"    {text}" for text in self.contents.get(path, "").splitlines())
        yield from (f"kept  {path}" for path in self.kept)


def load(request: ProjectRequest, *, files: Files, go: Go) -> LoadedProject:
    """Return the project: guesses under its config, under variables, under flags.

    Raises:
        ShipwayError: ``config.*`` with every fault of the files; ``config.no-module``.
    """
    data = files.read(schema.FILE)
    tree = {} if data is None else schema.read(data)
    above = _above(request, tree, written=data is not None)
    settings.resolve(above)  # every fault of what people wrote comes before any guess
    told = settings.merged(above)
    homes = {name: _home(files, one) for name, one in told.get("services", {}).items()}
    founds = tuple(_found(request, told, files, go, home) for home in _homes(request, files, homes))
    effective = settings.resolve((*_guesses(founds, told, homes, request.package), *above))
    modules = {name: homes.get(name, founds[0].module_dir) for name in effective.config.services}
    return LoadedProject(
        directory=request.directory,
        settings=effective,
        services=_workloads(founds, effective, modules),
        modules=modules,
        lock=lockfile.load(files.read(lockfile.FILE)),
        overlays=tuple(_overlays(files)),
        placed=any("shipway://" in text or "ko://" in text for text in _manifests(files).values()),
        written=data is not None,
    )


def init(
    request: InitRequest, *, files: Files, go: Go, emit: Callable[[Event], None]
) -> Scaffolded:
    """Write ``shipway.toml`` and ``deploy/`` where they are missing, and say what was kept."""
    del emit  # an answer is all there is to say
    project = load(request.project, files=files, go=go)
    wanted = scaffold.files(project.settings, project.services) | _locked(request, project, files)
    missing = {path: data for path, data in wanted.items() if files.read(path) is None}
    if request.dry_run:
        texts = {path: data.decode() for path, data in missing.items()}
        return _scaffolded(wanted, tuple(missing), contents=texts, dry_run=True)
    written = tuple(path for path, data in missing.items() if files.create(path, data))
    return _scaffolded(wanted, written, contents={}, dry_run=False)


def _locked(request: InitRequest, project: LoadedProject, files: Files) -> dict[str, bytes]:
    """Return the lock that pins the Go toolchain which ``up`` takes now; nothing without one."""
    if not request.toolchain:
        return {}
    mods = {posixpath.join(folder, "go.mod") for folder in project.modules.values()}
    texts = [_text(files, posixpath.normpath(path)) for path in (*sorted(mods), "go.work")]
    chosen = toolchain.choose(request.toolchain, tuple(modfile.parse(text) for text in texts))
    pinned = msgspec.structs.replace(project.lock, go=lockfile.Toolchain(chosen))
    return {lockfile.FILE: lockfile.dump(pinned)}


def _scaffolded(
    wanted: Iterable[str], written: tuple[str, ...], *, contents: dict[str, str], dry_run: bool
) -> Scaffolded:
    kept = tuple(path for path in wanted if path not in written)
    return Scaffolded(written=written, kept=kept, dry_run=dry_run, contents=contents)


def _above(request: ProjectRequest, tree: dict[str, Any], *, written: bool) -> tuple[Layer, ...]:
    """Return the layers that people wrote, the lowest first."""
    file = (Layer(schema.FILE, tree),) if written else ()
    variables = settings.from_variables(request.variables)
    return (*file, *variables, *settings.from_flags(request.flags))


def _home(files: Files, service: dict[str, Any]) -> str:
    return _module_dir(files, settings.folder_of(service.get("package", "")))


def _homes(request: ProjectRequest, files: Files, homes: dict[str, str]) -> Iterable[str]:
    """Return the modules to read: those of the services, else that of the package asked for."""
    asked = settings.folder_of(request.package)
    return dict.fromkeys(homes.values() if homes else [_module_dir(files, asked)])


def _guesses(
    founds: tuple[Found, ...], told: dict[str, Any], homes: dict[str, str], package: str
) -> Iterator[Layer]:
    services = told.get("services", {})
    for found in founds:
        here = {name: services[name] for name, home in homes.items() if home == found.module_dir}
        yield from guess.layers(found, package=package, written={**told, "services": here})


def _workloads(
    founds: tuple[Found, ...], effective: Settings, modules: dict[str, str]
) -> tuple[Workload, ...]:
    made = {
        workload.name: workload
        for found in founds
        for workload in guess.workloads(found, effective.config)
        if modules[workload.name] == found.module_dir
    }
    return tuple(made[name] for name in effective.config.services)


def _found(
    request: ProjectRequest, told: dict[str, Any], files: Files, go: Go, module_dir: str
) -> Found:
    """Return what there is to see of one module."""
    services = told.get("services", {}).values()
    folders = [settings.folder_of(str(one.get("package", ""))) for one in services]
    sources = go.read(request.directory, module_dir)
    inside = [posixpath.join(module_dir, folder) for folder in sources.packages]
    return Found(
        module=sources.module,
        module_dir=module_dir,
        packages=sources.packages,
        dockerfiles=dict(_dockerfiles(files, (*folders, *inside))),
        manifests={path: _text(files, path) for path in files.under("deploy", suffixes=YAML)},
        ran=request.ran,
    )


def _module_dir(files: Files, folder: str) -> str:
    """Return the nearest folder at or above ``folder`` with a go.mod, else the only one below.

    Raises:
        ShipwayError: ``config.no-module`` where there is none, or more than one to choose from.
    """
    for above in _upwards(folder):
        if files.read(posixpath.join(above, "go.mod")) is not None:
            return above
    below = [posixpath.dirname(path) for path in files.under(folder, suffixes=("go.mod",))]
    if len(below) == 1:
        return below[0]
    raise ShipwayError(
        "config.no-module",
        Kind.CONFIG,
        f"several Go modules: {', '.join(below)}" if below else "no go.mod here or above",
        operation="looking for the Go module of",
        subject=folder,
        hint="name the package: shipway up ./FOLDER" if below else "start one: go mod init NAME",
    )


def _upwards(folder: str) -> Iterator[str]:
    while folder not in {"", "."}:
        yield folder
        folder = posixpath.dirname(folder)
    yield "."


def _dockerfiles(files: Files, folders: Iterable[str]) -> Iterator[tuple[str, str]]:
    above = {place for folder in folders for place in _upwards(folder)}
    for place in sorted(above):
        path = posixpath.normpath(posixpath.join(place, "Dockerfile"))
        if (data := files.read(path)) is not None:
            yield path, data.decode(errors="replace")


def _manifests(files: Files) -> dict[str, str]:
    return {path: _text(files, path) for path in files.under("deploy", suffixes=YAML)}


def _overlays(files: Files) -> Iterator[str]:
    for path in files.under("deploy", suffixes=YAML):
        folder, name = posixpath.split(path)
        if name.startswith("kustomization."):
            yield folder


def _text(files: Files, path: str) -> str:
    return (files.read(path) or b"").decode(errors="replace")
