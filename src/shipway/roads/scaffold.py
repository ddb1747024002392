"""A project as it stands, read and guessed; and ``init``, which writes that down.

Every road that works on a project starts with :func:`load`, so that ``up`` without a config does
exactly what ``init`` would have written. Nothing is ever overwritten here.
"""

from __future__ import annotations

import contextlib
import posixpath
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.golang import discovery, modfile, toolchain
from shipway.core.project import existing, guess, lockfile, scaffold, schema, settings
from shipway.core.project.guess import Found
from shipway.core.project.lockfile import Lock  # noqa: TC001  msgspec reads types
from shipway.core.project.settings import Layer, Settings
from shipway.core.project.workload import Workload  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shipway.core.golang.discovery import Survey
    from shipway.core.ports.files import Files
    from shipway.core.ports.git import Git
    from shipway.core.ports.go import Go
    from shipway.core.project.config import Service
    from shipway.core.project.settings import Place
    from shipway.core.run.events import Event

YAML = (".yaml", ".yml")
Names = tuple[str, ...]


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
    packages: dict[str, str]
    """Service name to the import path of its main package."""
    manifests: dict[str, str]
    """The YAML below the folders where manifests are looked for, by path."""
    charts: tuple[str, ...]
    """Paths of Helm charts."""
    written: bool
    """Whether there is a ``shipway.toml``."""
    left: dict[str, dict[str, str]] = {}
    """Service name to the files that it reads and that no guess takes, since git ignores them: path
    in the image to path in the project."""

    @property
    def name(self) -> str:
        """Return the project's name."""
        return self.settings.config.project.name

    def at(self, environment: str) -> Place:
        """Return where an environment lives, with the manifests that are there for it.

        Raises:
            ShipwayError: what :func:`settings.place` raises.
        """
        services = self.settings.config.services
        lone = len(services) == 1
        known = {
            name: existing.names(name, settings.folder_of(one.package), self.name, lone=lone)
            for name, one in services.items()
        }
        found = existing.find(
            self.manifests, self.charts, known, project=self.name, environment=environment
        )
        return settings.place(self.settings.config, self.name, environment, existing=found)


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


def load(request: ProjectRequest, *, files: Files, go: Go, git: Git) -> LoadedProject:
    """Return the project: guesses under its config, under variables, under flags.

    Raises:
        ShipwayError: ``config.*`` with every fault of the files; ``config.no-module``.
    """
    data = files.read(schema.FILE)
    tree = {} if data is None else schema.read(data)
    above = _above(request, tree, written=data is not None)
    settings.resolve(above)  # every fault of what people wrote comes before any guess
    told = settings.merged(above)
    texts, charts = _manifests(files)

    def look(top: str) -> Found:
        return _found(request, told, texts, top, files=files, go=go, git=git)

    founds = _founds(request, told, files, look)
    folder = posixpath.basename(request.directory)
    guesses = guess.layers(*founds, package=request.package, written=told, folder=folder)
    effective = settings.resolve((*guesses, *above))
    places = {name: settings.folder_of(one.package) for name, one in _services(effective)}
    homes = {name: guess.home(founds, place) for name, place in places.items()}
    return LoadedProject(
        directory=request.directory,
        settings=effective,
        services=guess.workloads(founds, effective.config),
        modules={name: found.module_dir for name, found in homes.items()},
        packages={name: guess.import_path(homes[name], place) for name, place in places.items()},
        lock=lockfile.load(files.read(lockfile.FILE)),
        manifests=texts,
        charts=charts,
        written=data is not None,
        left={
            name: names
            for name, place in places.items()
            if "files" not in told.get("services", {}).get(name, {})
            and (names := guess.left(homes[name], place))
        },
    )


def init(
    request: InitRequest, *, files: Files, go: Go, git: Git, emit: Callable[[Event], None]
) -> Scaffolded:
    """Write ``shipway.toml`` and ``deploy/`` where they are missing, and say what was kept."""
    del emit  # an answer is all there is to say
    project = load(request.project, files=files, go=go, git=git)
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


def _services(effective: Settings) -> Iterable[tuple[str, Service]]:
    return effective.config.services.items()


def _founds(
    request: ProjectRequest, told: dict[str, Any], files: Files, look: Callable[[str], Found]
) -> tuple[Found, ...]:
    """Return the modules to read: those of the services, else the one of the package asked for.

    A project without a module of its own, or whose own has no program, is all modules below it
    that have one (those that go.work names, if it does).

    Raises:
        ShipwayError: ``config.no-module``.
    """
    named = [one.get("package", "") for one in told.get("services", {}).values()]
    places = [settings.folder_of(place) for place in named or [request.package]]
    tops = dict.fromkeys(_module_above(files, place) for place in places)
    if "" not in tops:
        founds = tuple(look(top) for top in tops)
        if named or request.package or any(_programs(found) for found in founds):
            return founds
        below = tuple(top for top in _modules_below(files, ".") if top not in tops)
        return _with_programs(look(top) for top in below) or founds
    below = _modules_below(files, places[0])
    if not below or (len(below) > 1 and (named or request.package)):
        raise _no_module(places[0], below)
    founds = tuple(look(top) for top in below)
    return _with_programs(founds) or founds


def _with_programs(founds: Iterable[Found]) -> tuple[Found, ...]:
    return tuple(found for found in founds if _programs(found))


def _programs(found: Found) -> bool:
    return bool(found.mains)


def _found(
    request: ProjectRequest,
    told: dict[str, Any],
    texts: dict[str, str],
    module_dir: str,
    *,
    files: Files,
    go: Go,
    git: Git,
) -> Found:
    """Return what there is to see of one module."""
    services = told.get("services", {}).values()
    folders = [settings.folder_of(str(one.get("package", ""))) for one in services]
    sources = go.survey(request.directory, module_dir)
    inside = [posixpath.join(module_dir, main.folder) for main in sources.mains]
    assets, left = _assets(sources, module_dir, files, partial(_ignored, request.directory, git))
    return Found(
        module=sources.module,
        module_dir=module_dir,
        mains=sources.mains,
        dockerfiles=dict(_dockerfiles(files, (*folders, *inside))),
        manifests=texts,
        assets=assets,
        left=left,
        ran=request.ran,
    )


def _assets(
    sources: Survey, module_dir: str, files: Files, ignored: Callable[[Names], Names]
) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Return what each program reads when it runs and what lies in its module, or beside it.

    And what git ignores of it. A folder with anything in it that a guess never puts into an image
    is its other files.
    """
    found: dict[str, dict[str, str]] = {}
    left: dict[str, dict[str, str]] = {}
    for main in sources.mains:
        for path in main.reads:
            tops = (module_dir, posixpath.join(module_dir, main.folder))
            places = [posixpath.normpath(posixpath.join(top, path)) for top in tops]
            for at in places:
                names, without = _fit(files, at, ignored)
                for ends, into in ((names, found), (without, left)):
                    if ends:
                        put = {f"/{path}{end}": f"{at}{end}" for end in ends}
                        into.setdefault(main.folder, {}).update(put)
                if names or without:
                    break
    return found, left


def _fit(files: Files, path: str, ignored: Callable[[Names], Names]) -> tuple[Names, Names]:
    """Return what of a path a guess may take, as ends of it: an empty one is all of it.

    And those that it leaves out since git ignores them, unless they are made to be shown. Nothing
    is taken of what cannot be used, as a link out of the project: it was but a guess.
    """
    with contextlib.suppress(ShipwayError):
        if files.has(path):
            without = tuple("" for _ in ignored((path,)))
            return (() if without else ("",)), without
        every = tuple(files.under(path, every=True))
        shown = tuple(name for name in files.under(path) if not discovery.is_secret(name))
        apart = frozenset(ignored(shown))
        if every and shown == every and not apart:
            return ("",), ()
        ends = [name for name in shown if name.isprintable()]
        return (
            tuple(name.removeprefix(path) for name in ends if name not in apart),
            tuple(name.removeprefix(path) for name in ends if name in apart),
        )
    return (), ()


def _ignored(directory: str, git: Git, names: Names) -> Names:
    """Return the files that no commit would have and that are not made to be shown."""
    asked = tuple(name for name in names if not discovery.is_shown(name))
    with contextlib.suppress(ShipwayError):  # the road says what is wrong with the repository
        return git.unnamed(directory, asked) if asked else ()
    return asked


def _module_above(files: Files, folder: str) -> str:
    """Return the nearest folder at or above ``folder`` with a go.mod; empty where there is none."""
    tops = _upwards(folder)
    return next((at for at in tops if files.read(posixpath.join(at, "go.mod")) is not None), "")


def _modules_below(files: Files, folder: str) -> tuple[str, ...]:
    """Return the folders of modules below: those that go.work uses, else all but test data."""
    work = modfile.parse(_text(files, posixpath.join(folder, "go.work"))).folders
    used = (posixpath.normpath(posixpath.join(folder, at)) for at in work)
    inside = [at for at in used if not at.startswith(("../", "/")) and at != ".."]
    if inside:
        return tuple(at for at in inside if files.read(posixpath.join(at, "go.mod")) is not None)
    found = [posixpath.dirname(path) or "." for path in files.under(folder, suffixes=("go.mod",))]
    return tuple(at for at in found if not any(_is_apart(part) for part in at.split("/")))


def _is_apart(name: str) -> bool:
    """Return whether the go command's ``./...`` would pass a folder of this name over."""
    return name in {"vendor", "testdata", "node_modules"} or name.startswith("_")


def _no_module(folder: str, below: tuple[str, ...]) -> ShipwayError:
    return ShipwayError(
        "config.no-module",
        Kind.CONFIG,
        f"several Go modules: {', '.join(below)}" if below else "no go.mod in this folder or below",
        operation="looking for the Go module of",
        subject=folder,
        hint=f"name the package: shipway up ./{below[0]}"
        if below
        else "name its folder (shipway -C FOLDER), or start one: go mod init example.com/NAME",
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


def _manifests(files: Files) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the YAML where manifests are looked for, and the charts that are no part of one."""
    found = [
        path
        for top in existing.CHARTS
        for path in files.under(top, suffixes=(*YAML, "Kustomization"))
    ]
    marks = sorted(path for path in found if posixpath.basename(path) == existing.CHART)
    tops = [posixpath.dirname(path) for path in marks]
    charts = tuple(
        path
        for path, own in zip(marks, tops, strict=True)
        if not any(own.startswith(f"{top}/") for top in tops)
    )
    inside = tuple(f"{folder}/" for folder in existing.FOLDERS)
    return {path: _text(files, path) for path in found if path.startswith(inside)}, charts


def _text(files: Files, path: str) -> str:
    return (files.read(path) or b"").decode(errors="replace")
