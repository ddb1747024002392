"""Wanted: what ``make`` is asked for, from a project as it stands.

``up``, ``build`` and ``test`` ask here, so that an image is the same one whichever road makes it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import shelf
from shipway.core.golang import delve
from shipway.core.oci.descriptor import Platform
from shipway.core.project import settings
from shipway.core.project.config import SERVED
from shipway.roads.make import MakeRequest

if TYPE_CHECKING:
    from collections.abc import Collection

    from shipway.core.project.source import Source
    from shipway.roads.scaffold import LoadedProject

LASTING = (*SERVED, "worker")
"""Kinds whose program runs until it is stopped."""
GUESSED_PORT = "default guess"
"""Where a port comes from that nobody named and nothing showed."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What all services of one run have in common."""

    directory: str
    """Absolute path of the project's folder."""
    registry: str
    tests: str
    """``block``, ``beside`` or ``off``."""
    architecture: str
    """Of this machine, in Go's words."""
    platforms: tuple[Platform, ...] = ()
    """What services are built for that name none; empty: this machine's."""
    release: bool = False
    """Whether the images are made once and pulled often."""
    debug: bool = False
    """Whether they run under a debugger, those that go on running."""


def request(
    project: LoadedProject, name: str, source: Source, wanted: Wanted, *, base: str = ""
) -> MakeRequest:
    """Return what ``make`` is asked for one service; ``base`` is its base image by digest."""
    config = project.settings.config
    service = config.services[name]
    inside = posixpath.relpath(wanted.directory, source.root)
    module = project.modules.get(name, ".")
    folder = settings.folder_of(service.package)
    served = service.kind in SERVED and service.port is not None
    machine = Platform(wanted.architecture)
    first, *also = platforms(service.build.platforms, wanted.platforms, machine)
    return MakeRequest(
        source=source,
        name=name,
        service=service,
        project_dir=inside,
        module_dir=posixpath.normpath(posixpath.join(inside, module)),
        package=posixpath.relpath(folder, module),
        platform=first,
        also=tuple(also),
        host=machine,
        ports=(service.port,) if served and service.port else (),
        look=project.settings.origin(f"services.{name}.port") == GUESSED_PORT,
        repository=f"{wanted.registry}/{project.name}/{name}",
        release=wanted.release,
        tests=wanted.tests,
        coverage=config.test.coverage,
        network=config.test.network,
        race=config.test.race,
        seconds=config.test.timeout,
        base=base,
        go=project.lock.go.version if project.lock.go else "",
        debug=debugged(project, (name,)).get(name, 0) if wanted.debug else 0,
    )


def debugged(project: LoadedProject, names: Collection[str]) -> dict[str, int]:
    """Return those of these services that a debugger can follow, to its port in the pod.

    A job ends with its program, and one under Delve never would.
    """
    known = project.settings.config.services
    lasting = [name for name in names if known[name].kind in LASTING]
    return {name: delve.port(known[name].port) for name in lasting}


def platforms(
    named: tuple[str, ...], usual: tuple[Platform, ...], machine: Platform
) -> tuple[Platform, ...]:
    """Return what a service is built for, once each; this machine's, where it is one, first."""
    found = [_platform(one) for one in named] or usual or (machine,)
    return tuple(sorted(set(found), key=lambda one: (one != machine, str(one))))


def _platform(named: str) -> Platform:
    system, architecture, *variant = named.split("/")
    return Platform(architecture, system, variant[0] if variant else "")


def tag(source: Source) -> str:
    """Return the version as a tag."""
    return shelf.word(source.version).lstrip(".-") or source.tree[:12]
