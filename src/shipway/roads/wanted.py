"""Wanted: what ``make`` is asked for, from a project as it stands.

``up``, ``build`` and ``test`` ask here, so that an image is the same one whichever road makes it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.descriptor import Platform
from shipway.core.project import settings
from shipway.core.project.config import SERVED
from shipway.roads.make import MakeRequest

if TYPE_CHECKING:
    from shipway.core.project.source import Source
    from shipway.roads.scaffold import LoadedProject

_GUESSED_PORT = "default guess"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What all services of one run have in common."""

    directory: str
    """Absolute path of the project's folder."""
    registry: str
    tests: str
    """``block``, ``beside`` or ``off``."""
    architecture: str
    """Of this machine, in Go's words."""


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
    return MakeRequest(
        source=source,
        name=name,
        service=service,
        project_dir=inside,
        module_dir=posixpath.normpath(posixpath.join(inside, module)),
        package=posixpath.relpath(folder, module),
        platform=platform(service.build.platforms, machine),
        host=machine,
        ports=(service.port,) if served and service.port else (),
        look=project.settings.origin(f"services.{name}.port") == _GUESSED_PORT,
        repository=f"{wanted.registry}/{project.name}/{name}",
        tests=wanted.tests,
        coverage=config.test.coverage,
        network=config.test.network,
        base=base,
        go=project.lock.go.version if project.lock.go else "",
    )


def platform(named: tuple[str, ...], machine: Platform) -> Platform:
    """Return the one platform that is built: this machine's where it is wanted, else the first."""
    if not named or str(machine) in named:
        return machine
    system, architecture, *variant = named[0].split("/")
    return Platform(architecture, system, variant[0] if variant else "")


def tag(source: Source) -> str:
    """Return the version as a tag: letters, digits and ``_.-`` only."""
    text = "".join(
        one if one.isascii() and (one.isalnum() or one in "_.-") else "-" for one in source.version
    )
    return text.lstrip(".-")[:128] or source.tree[:12]
