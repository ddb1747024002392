"""What nobody wrote down: services, kinds, ports and probes, guessed from a module's files.

``layers`` makes the layers under ``shipway.toml`` and ``workloads`` the services as manifests want
them, so that an ``up`` without config renders exactly what ``init`` would write. Each guess names
what it rests on. Nothing here reads a file or runs a program.
"""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.golang import discovery
from shipway.core.golang.discovery import Main
from shipway.core.kube import images
from shipway.core.project import existing
from shipway.core.project.config import SERVED
from shipway.core.project.settings import DEFAULT, Layer, folder_of
from shipway.core.project.workload import Workload
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.core.project.config import Config
    from shipway.core.project.schema import Tree


_GENERAL = {"src", "services", "apps", "modules", "packages", "go"}
"""Last parts of what modules share that name no project."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What detection read of one module."""

    module: str
    module_dir: str = "."
    """Folder of its go.mod, relative to the project."""
    mains: tuple[Main, ...] = ()
    """Its programs, those that serve first."""
    dockerfiles: dict[str, str] = {}
    """Path relative to the project to text."""
    manifests: dict[str, str] = {}
    """Existing Kubernetes YAML: path to text."""
    assets: dict[str, dict[str, str]] = {}
    """Folder of a main package, relative to the module, to what it reads when it runs: path in the
    image to path in the project."""
    left: dict[str, dict[str, str]] = {}
    """Likewise, files that it reads and that no guess takes, since git ignores them."""
    ran: dict[str, tuple[int, ...]] = {}
    """Service name to the ports that its binary opened in a confined run."""

    def main(self, folder: str) -> Main:
        """Return the program in a folder relative to the module; one without facts if none is."""
        known = (main for main in self.mains if main.folder == folder)
        return next(known, Main(folder=folder, name=""))


def layers(
    *founds: Found, package: str = "", written: Tree | None = None, folder: str = ""
) -> tuple[Layer, ...]:
    """Return the guesses for what ``written`` (the tables of a config, judged) leaves open.

    ``founds`` are the project's modules, one at least; ``folder`` is the name of its folder.

    Raises:
        ShipwayError: ``config.no-service`` where no guess is sound.
    """
    tree = written or {}
    told = tree.get("project", {}).get("name")
    name, origin = (told, "go.mod") if told else _named(founds, folder)
    guesses = [Layer(origin, {"project": {"name": name}}, guess=True)]
    services: Tree = tree.get("services") or {}
    if not services:
        for key, path in _keys(founds, _mains(founds, package, name), name).items():
            services = {**services, key: {"package": path}}
            guesses.append(Layer("source", {"services": {key: services[key]}}, guess=True))
    for key, service in services.items():
        place = folder_of(service.get("package", ""))
        known = existing.names(key, place, name, lone=len(services) == 1)
        guesses += _details(home(founds, place), key, service, known)
    return tuple(guesses)


def workloads(founds: tuple[Found, ...], config: Config) -> tuple[Workload, ...]:
    """Return every service of the effective ``config`` as manifests want it."""
    places = {key: folder_of(service.package) for key, service in config.services.items()}
    return tuple(_workload(home(founds, at), config, key) for key, at in places.items())


def home(founds: tuple[Found, ...], folder: str) -> Found:
    """Return the module that a folder of the project belongs to: the nearest one above it."""
    above = [found for found in founds if _is_within(folder, found.module_dir)]
    return max(above or founds[:1], key=lambda found: len(found.module_dir.strip(".")))


def left(found: Found, folder: str) -> dict[str, str]:
    """Return what a program reads and no guess takes; its ``folder`` is relative to the project."""
    return found.left.get(_in_module(found, folder), {})


def import_path(found: Found, folder: str) -> str:
    """Return the import path of a package, whose ``folder`` is relative to the project."""
    return posixpath.normpath(posixpath.join(found.module, _in_module(found, folder)))


def _is_within(folder: str, top: str) -> bool:
    return top in {".", folder} or folder.startswith(f"{top}/")


def _named(founds: tuple[Found, ...], folder: str) -> tuple[str, str]:
    """Return the project's name and what says so.

    That of its module, of what several modules have in common, or of its folder.
    """
    if len(founds) == 1:
        return project_name(founds[0].module), "go.mod"
    common = posixpath.commonpath([found.module for found in founds])
    while posixpath.basename(common) in _GENERAL:
        common = posixpath.dirname(common)
    if "/" in common:
        return project_name(common), "go.mod files"
    return dns_label(folder), "the folder"


def dns_label(text: str) -> str:
    """Return ``text`` as a DNS label: lower case, odd characters as dashes, 63 at most."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-") or "app"


def manifest_port(
    manifests: Mapping[str, str], service: str, known: frozenset[str] = frozenset()
) -> int | None:
    """Return the first container port of the container that runs ``service``, in existing YAML.

    ``known`` are the names that its image may have there.
    """
    for text in manifests.values():
        if "image" in text:
            for container in _containers(_documents(text)):
                if port := _port_of(container, service, known):
                    return port
    return None


def _workload(found: Found, config: Config, key: str) -> Workload:
    service = config.services[key]
    folder = _in_module(found, folder_of(service.package))
    probes = found.main(folder).probes
    http = service.kind == "web"
    return Workload(
        name=key,
        kind=service.kind,
        port=service.port or discovery.DEFAULT_PORT,
        startup=probes.startup if http else "",
        readiness=probes.readiness if http else "",
        liveness=probes.liveness if http else "",
        grpc_health=probes.grpc,
        **({"schedule": service.schedule} if service.schedule else {}),
    )


def _mains(founds: tuple[Found, ...], package: str, name: str) -> list[tuple[Found, Main]]:
    """Return the main packages that are services: the one asked for, else those that serve.

    ``package`` is a folder, or the name that its service would get.
    """
    known = [(one, main) for one in founds for main in one.mains]
    mains = known
    if package:
        named = _keys(founds, known, name).get(package, package)
        places = {_place(one, main) for one, main in known}
        wanted = folder_of(package) if folder_of(package) in places else folder_of(named)
        mains = [(one, main) for one, main in known if _place(one, main) == wanted]
    serving = [(one, main) for one, main in mains if main.serves]
    if len(mains) == 1 or serving:
        return serving or mains
    several = "several main packages, and none of them serves"
    names = " or ".join(_package(one, main.folder) for one, main in known[:5])
    raise ShipwayError(
        "config.no-service",
        Kind.CONFIG,
        several if mains else "no main package there" if known else "no main package",
        operation="looking for a service",
        subject=package or ", ".join(found.module for found in founds),
        hint=f"name the package: shipway up {names}"
        if known
        else "shipway carries programs: a folder with package main is needed",
    )


def _keys(founds: tuple[Found, ...], mains: list[tuple[Found, Main]], name: str) -> dict[str, str]:
    """Return a name for each service, and its package; programs of one name get their folder's."""
    lone = len(founds) == 1
    short = [name if lone and main.folder == "." else main.name for _, main in mains]
    labels = [dns_label(one) for one in short]
    return {
        (label if labels.count(label) == 1 else dns_label(_place(one, main))): _package(
            one, main.folder
        )
        for label, (one, main) in zip(labels, mains, strict=True)
    }


def _place(found: Found, main: Main) -> str:
    """Return a main package's folder, relative to the project."""
    return posixpath.normpath(posixpath.join(found.module_dir, main.folder))


def _details(found: Found, key: str, service: Tree, known: frozenset[str]) -> Iterator[Layer]:
    """Yield the guesses of kind and port of one service."""
    folder = folder_of(service.get("package", ""))
    kind = service.get("kind") or _kind(found, _in_module(found, folder), told="port" in service)
    if "kind" not in service:
        yield Layer("source", {"services": {key: {"kind": kind}}}, guess=True)
    inside = _in_module(found, folder)
    if "files" not in service and (files := found.assets.get(inside)):
        yield Layer("source", {"services": {key: {"files": files}}}, guess=True)
    if kind in SERVED and "port" not in service:
        port, origin = _port(found, key, folder, known)
        yield Layer(origin, {"services": {key: {"port": port}}}, guess=True)


def _kind(found: Found, inside: str, *, told: bool) -> str:
    """Return what a main package looks like: grpc, web, or a worker where it serves nothing.

    Who was ``told`` a port serves on it, whatever its sources look like.
    """
    main = found.main(inside)
    if not told and not main.serves:
        return "worker"
    if not main.grpc:
        return "web"
    asked = main.probes
    return "web" if asked.startup or asked.readiness or asked.liveness else "grpc"


def _port(found: Found, key: str, folder: str, known: frozenset[str]) -> tuple[int, str]:
    """Return the port and what says so: manifests, Dockerfile, source, a run, or 8080."""
    if port := manifest_port(found.manifests, key, known):
        return port, "manifests"
    text = _dockerfile(found.dockerfiles, folder)
    source = found.main(_in_module(found, folder)).port
    guess = discovery.decide(text, source, found.ran.get(key))
    return guess.number, guess.origin if guess.origin != DEFAULT else f"{DEFAULT} guess"


def _dockerfile(dockerfiles: Mapping[str, str], folder: str) -> str:
    """Return the Dockerfile nearest above a package."""
    while True:
        name = posixpath.normpath(posixpath.join(folder, "Dockerfile"))
        if name in dockerfiles:
            return dockerfiles[name]
        if folder in {"", "."}:
            return ""
        folder = posixpath.dirname(folder) or "."


def _documents(text: str) -> list[Any]:
    import yaml  # noqa: PLC0415  only a project with manifests pays for it

    try:
        return list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.YAMLError:
        return []


def _containers(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  any YAML
    """Yield everything in a document that looks like a container."""
    if isinstance(node, list):
        for entry in node:
            yield from _containers(entry)
    elif isinstance(node, dict):
        if isinstance(node.get("image"), str) and "name" in node:
            yield node
        for entry in node.values():
            yield from _containers(entry)


def _port_of(container: dict[str, Any], service: str, known: frozenset[str]) -> int | None:
    image = container["image"]
    ours = image == f"shipway://{service}" or images.repository(image).rpartition("/")[2] in known
    ours = ours or (image.startswith("ko://") and container["name"] == service)
    ports = container.get("ports")
    if not ours or not isinstance(ports, list) or not ports or not isinstance(ports[0], dict):
        return None
    number = ports[0].get("containerPort")
    return number if isinstance(number, int) else None


def project_name(module: str) -> str:
    """Return the last part of a module path, without a major version."""
    parts = [part for part in module.split("/") if part]
    if len(parts) > 1 and re.fullmatch(r"v[0-9]+", parts[-1]):
        parts.pop()
    return dns_label(parts[-1] if parts else "app")


def _in_module(found: Found, folder: str) -> str:
    return posixpath.relpath(folder, found.module_dir)


def _package(found: Found, folder: str) -> str:
    """Return a folder of the module as a package of the project: ``./cmd/web``, ``.``."""
    path = posixpath.normpath(posixpath.join(found.module_dir, folder))
    return path if path == "." else f"./{path}"
