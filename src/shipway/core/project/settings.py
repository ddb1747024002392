"""Settings: layers laid over one another, each value with its origin, and the rules of safety.

Roads and wiring ask here what to do; the layers come from detection, from ``shipway.toml``, from
``SHIPWAY__SECTION__KEY`` variables and from flags, in that order. Nothing here reads any of them.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube.health import custom
from shipway.core.kube.health.custom import Rule
from shipway.core.project import schema
from shipway.core.project.config import Config, Environment, Service
from shipway.core.project.existing import Existing
from shipway.core.project.schema import FILE, ConfigFault, Tree, dotted, nearest, quoted
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

DEFAULT = "default"
DEV = "dev"
"""The environment of ``up``, there without any config."""
PREFIX = "SHIPWAY__"
NOTHING = Existing()


class Layer(msgspec.Struct, frozen=True):
    """Some values and who says so."""

    origin: str
    """``shipway.toml``, a variable's name, a flag, or what a guess rests on."""
    values: Tree
    guess: bool = False


class Guess(msgspec.Struct, frozen=True):
    """A value that nobody wrote down, and the lines that would."""

    path: str
    value: str
    origin: str
    fix: str


class Settings(msgspec.Struct, frozen=True):
    """The effective config, where each value comes from, and what was guessed."""

    config: Config
    origins: dict[str, str]
    guesses: tuple[Guess, ...] = ()

    def origin(self, path: str) -> str:
        """Return where the value at a dotted key path comes from."""
        return self.origins.get(path, DEFAULT)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where one environment lives; without contexts it is the embedded cluster."""

    environment: str
    protected: bool
    contexts: tuple[str, ...]
    """Names in the kubeconfig; its current context is never asked for."""
    registry: str
    """Empty: the embedded cluster's."""
    namespaces: tuple[str, ...]
    """The first is given to objects that name none."""
    overlay: str
    via: str
    cluster_objects: tuple[str, ...]
    rollout: str = "stop-at-first"
    """``stop-at-first`` or ``all``: what becomes of the other contexts where one fails."""
    health: tuple[Rule, ...] = ()
    """Expressions that the gate asks of kinds that Kubernetes does not know."""
    existing: Existing = Existing()
    """The manifests that were found; its images count for a configured overlay too."""

    @property
    def hardened(self) -> bool:
        """Return whether its namespaces enforce Pod Security restricted."""
        return self.protected or not self.existing.images

    @property
    def embedded(self) -> bool:
        """Return whether this is the cluster on this machine."""
        return not self.contexts


def resolve(layers: Sequence[Layer]) -> Settings:
    """Return the layers as one config, later ones first to be heard.

    Raises:
        ShipwayError: ``config.invalid`` with every fault of every layer.
    """
    schema.refuse(tuple(fault for layer in layers for fault in _faults(layer)))
    origins: dict[str, str] = {}
    guesses: dict[str, Guess] = {}
    for layer in layers:
        for path, value in leaves(layer.values):
            origins[dotted(path)] = layer.origin
            guesses.pop(dotted(path), None)
            if layer.guess:
                guesses[dotted(path)] = _guess(path, value, layer.origin)
    return Settings(schema.parse(merged(layers)), origins, tuple(guesses.values()))


def merged(layers: Iterable[Layer]) -> Tree:
    """Return the tables of all layers as one, later ones first to be heard."""
    tree: Tree = {}
    for layer in layers:
        for path, value in leaves(layer.values):
            _put(tree, path, value)
    return tree


def from_variables(variables: Mapping[str, str]) -> tuple[Layer, ...]:
    """Return a layer for each ``SHIPWAY__SECTION__KEY``; values are TOML, else plain text.

    An underscore in a part stands for a dash where a service or environment is named.
    """
    return tuple(
        Layer(name, _nested(_path(name), _toml(value)))
        for name, value in sorted(variables.items())
        if name.startswith(PREFIX)
    )


def from_flags(flags: Mapping[str, tuple[str, Any]]) -> tuple[Layer, ...]:
    """Return a layer for each flag: key path (``test.dev``) to the flag and its value."""
    return tuple(
        Layer(flag, _nested(tuple(path.split(".")), value)) for path, (flag, value) in flags.items()
    )


def place(config: Config, project: str, name: str, *, existing: Existing = NOTHING) -> Place:
    """Return where environment ``name`` of ``project`` lives.

    ``existing`` are the manifests that were found for it: where the config says nothing, its folder
    is rendered, and the namespaces that it names are those of an unprotected environment.

    Raises:
        ShipwayError: ``config.environment`` (not found; without a table there is only ``dev``),
            ``config.via`` where it asks for a way that this version does not have,
            ``health.expression`` for an expression that cannot be read.
    """
    known = config.environments or {DEV: Environment()}
    if name not in known:
        raise ShipwayError(
            "config.environment",
            Kind.NOT_FOUND,
            f"no such environment; {nearest(name, known)}",
            operation="choosing an environment",
            subject=name,
            hint=f"add [environments.{name}] to {FILE}",
        )
    chosen = known[name]
    if chosen.overlay not in {"", existing.folder}:
        existing = msgspec.structs.replace(existing, remarks=())
    spaces = chosen.namespaces or (() if chosen.protected else existing.namespaces)
    if chosen.via != "apply":
        raise ShipwayError(
            "config.via",
            Kind.CONFIG,
            f"this version delivers by apply, not yet by {chosen.via}",
            operation="choosing an environment",
            subject=name,
            hint=f'[environments.{name}] via = "apply"',
        )
    return Place(
        environment=name,
        protected=chosen.protected,
        contexts=tuple(target.context for target in chosen.targets),
        registry=chosen.registry,
        namespaces=spaces or (f"{project}-{name}",),
        overlay=chosen.overlay or existing.folder,
        via=chosen.via,
        cluster_objects=chosen.cluster_objects,
        rollout=chosen.rollout,
        health=_health(config),
        existing=existing,
    )


def _health(config: Config) -> tuple[Rule, ...]:
    return custom.check(
        Rule(kind=kind, failed=one.failed, progressing=one.progressing, healthy=one.healthy)
        for kind, one in config.health.items()
    )


def chosen(config: Config, package: str) -> dict[str, Service]:
    """Return the services to work on: the one of that name or package, or all of them.

    Raises:
        ShipwayError: ``config.service`` (not found).
    """
    if not package:
        return dict(config.services)
    wanted = folder_of(package)
    found = {
        name: service
        for name, service in config.services.items()
        if package == name or folder_of(service.package) == wanted
    }
    if not found:
        raise ShipwayError(
            "config.service",
            Kind.NOT_FOUND,
            f"no service has this package; {nearest(package, config.services)}",
            operation="choosing a service",
            subject=package,
            hint=f"add [services.NAME] with package = {package!r} to {FILE}",
        )
    return found


def folder_of(package: str) -> str:
    """Return a package as a folder: ``./cmd/web/`` is ``cmd/web``, ``./`` is ``.``."""
    return package.removeprefix("./").strip("/") or "."


def leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Yield the key path and value of everything in ``tree`` that is no table."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value
    if path and not tree:
        yield path, {}


def _faults(layer: Layer) -> Iterable[ConfigFault]:
    """Return what is wrong with a layer; outside the file each fault says where it stands."""
    found = schema.faults(layer.values, complete=layer.origin == FILE)
    if layer.origin == FILE:
        return found
    return (ConfigFault(fault.path, f"{fault.why} [{layer.origin}]") for fault in found)


def _put(tree: Tree, path: tuple[str, ...], value: Any) -> None:  # noqa: ANN401  TOML's values
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    if value != {}:
        tree[path[-1]] = value
    else:
        tree.setdefault(path[-1], {})


def _guess(path: tuple[str, ...], value: Any, origin: str) -> Guess:  # noqa: ANN401
    return Guess(dotted(path), str(value), origin, lines(path[:-1], {path[-1]: value}))


def lines(table: tuple[str, ...], values: Mapping[str, Any]) -> str:
    """Return the lines of shipway.toml that set ``values`` in a table."""
    said = (f"{dotted((key,))} = {as_toml(value)}" for key, value in values.items())
    return "\n".join((f"[{dotted(table)}]", *said))


def as_toml(value: Any) -> str:  # noqa: ANN401
    """Return a value as TOML writes it."""
    if isinstance(value, dict):
        inner = ", ".join(f"{dotted((key,))} = {as_toml(entry)}" for key, entry in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(as_toml(entry) for entry in value)}]"
    return quoted(value) if isinstance(value, str) else msgspec.json.encode(value).decode()


def _nested(path: tuple[str, ...], value: Any) -> Tree:  # noqa: ANN401
    for part in reversed(path):
        value = {part: value}
    return dict(value)


def _path(variable: str) -> tuple[str, ...]:
    parts = variable.removeprefix(PREFIX).lower().split("__")
    if len(parts) > 1 and parts[0] in {"services", "environments"}:
        parts[1] = parts[1].replace("_", "-")
    return tuple(parts)


def _toml(text: str) -> Any:  # noqa: ANN401
    """Return a variable's text as a TOML value, else as it is."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
