"""Rendering: what is asked of the renderer for one environment, on every road the same.

``up`` judges the set with :func:`shipway.stages.render.draft` while the program is built, and
renders it when there are images; ``render`` and ``check`` do the first of these alone.
"""

from __future__ import annotations

import posixpath
import threading
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.digest import Digest, of
from shipway.core.project import manifests
from shipway.roads import pins
from shipway.stages.render import RenderRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from shipway.core.ports.cache import StageCache
    from shipway.core.ports.renderer import Renderer, Sourced
    from shipway.core.project.lockfile import Lock
    from shipway.core.project.settings import Place
    from shipway.core.project.source import Source
    from shipway.roads.scaffold import LoadedProject


class Once:
    """A ``Renderer`` that reads each folder once: what was judged early is what is rendered."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str], tuple[Sourced, ...]] = {}

    def name(self, root: str, directory: str) -> str:
        """Return what renders ``directory``."""
        return self._renderer.name(root, directory)

    def render(self, root: str, directory: str) -> tuple[Sourced, ...]:
        """Return the objects of ``directory`` as they were when it was first asked for."""
        with self._lock:
            if (root, directory) not in self._found:
                self._found[root, directory] = self._renderer.render(root, directory)
            return self._found[root, directory]


def request(
    project: LoadedProject,
    place: Place,
    base: Source,
    services: Collection[str],
    lock: Lock,
    *,
    debugged: Mapping[str, int] = MappingProxyType({}),
) -> RenderRequest:
    """Return what to render for an environment and these services, with everything but images.

    ``debugged`` are those that run under a debugger, to its port.
    """
    overlay = place.overlay
    chosen = tuple(one for one in project.services if one.name in services)
    in_memory = manifests.Overlay(
        environment=place.environment, namespace=place.namespaces[0], node_port=place.embedded
    )
    inside = posixpath.relpath(project.directory, base.root)
    return RenderRequest(
        project=project.name,
        environment=place.environment,
        namespaces=place.namespaces,
        images={},
        packages={path: name for name, path in project.packages.items()},
        root=base.root if overlay else "",
        overlay=posixpath.normpath(posixpath.join(inside, overlay)) if overlay else "",
        objects=() if overlay else manifests.in_memory(project.name, chosen, in_memory),
        commit=base.tree if base.dirty else base.commit,
        cluster_objects=place.cluster_objects,
        make_namespaces=place.namespaces,
        named=place.existing.images if overlay else {},
        hardened=place.hardened,
        foreign=pins.listed(lock),
        debugged=dict(debugged),
    )


def remember(images: dict[str, str], directory: str, environment: str, cache: StageCache) -> None:
    """Keep what each service was last built as for an environment, for :func:`recalled`."""
    for service, reference in images.items():
        cache.put(_key(directory, environment, service), reference.encode())


def recalled(
    services: Collection[str], directory: str, environment: str, cache: StageCache
) -> dict[str, str]:
    """Return the references of the services that this machine built for an environment before."""
    found = {name: cache.get(_key(directory, environment, name)) for name in services}
    return {name: data.decode() for name, data in found.items() if data is not None}


def _key(directory: str, environment: str, service: str) -> Digest:
    return of(msgspec.json.encode(["last built", directory, environment, service]))
