"""Checking: what an environment's manifests are, and whether they may be applied, before a build.

``render`` prints the set, ``check`` judges the sets of all environments. Neither needs a cluster, a
registry or a network: images are those that this machine built last, else their placeholders stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.kube.objects import Obj  # noqa: TC001  msgspec reads types
from shipway.core.project import manifests, settings
from shipway.errors import ShipwayError
from shipway.roads import outset, rendering
from shipway.stages import source
from shipway.stages.render import Draft, draft

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.project.source import Source
    from shipway.roads.scaffold import LoadedProject


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered set as far as it is known now."""

    environment: str
    objects: tuple[Obj, ...]
    notes: tuple[str, ...]
    """What is not as it will be applied, a sentence each."""

    def lines(self) -> Iterator[str]:
        """Yield a YAML stream, with what is still open as comments at its top."""
        yield from (f"# {note}" for note in self.notes)
        yield from manifests.dump(*self.objects).splitlines()


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Environments whose manifests may be applied, each with the number of its objects."""

    environments: dict[str, int]

    def lines(self) -> Iterator[str]:
        """Yield a line for each environment."""
        for name, count in self.environments.items():
            yield f"{name}: {count} objects, none is refused"


def render(directory: str, environment: str, *, hands: Hands) -> Shown:
    """Return the set of one environment.

    Raises:
        ShipwayError: what ``up`` would refuse of it, ``config.*``, ``source.*``.
    """
    project, base = _opened(directory, hands)
    found = _draft(project, base, environment, hands)
    return Shown(
        environment=environment,
        objects=found.objects,
        notes=tuple(_notes(project, environment, found)),
    )


def check(directory: str, environment: str, *, hands: Hands) -> Checked:
    """Judge config and manifests of one environment, or of all (``environment`` empty).

    Raises:
        ShipwayError: what ``up`` would refuse; of several environments, all of it together.
    """
    project, base = _opened(directory, hands)
    config = project.settings.config
    names = (environment,) if environment else (tuple(config.environments) or (settings.DEV,))
    counts: dict[str, int] = {}
    refused: list[ShipwayError] = []
    for name in names:
        try:
            counts[name] = len(_draft(project, base, name, hands).objects)
        except ShipwayError as error:
            refused.append(error)
    scope.fail_together(refused)
    return Checked(environments=counts)


def _opened(directory: str, hands: Hands) -> tuple[LoadedProject, Source]:
    asked = source.SourceRequest(directory, hands.variables)
    return outset.project(directory, hands=hands), source.resolve(asked, git=hands.git)


def _draft(project: LoadedProject, base: Source, environment: str, hands: Hands) -> Draft:
    place = project.at(environment)
    services = tuple(project.settings.config.services)
    asked = rendering.request(project, place, base, services, project.lock)
    built = rendering.recalled(services, project.directory, environment, hands.cache)
    known = msgspec.structs.replace(asked, images=built)
    return draft(known, services=services, renderer=hands.renderer)


def _notes(project: LoadedProject, environment: str, found: Draft) -> Iterator[str]:
    place = project.at(environment)
    yield from (text for text, _ in place.existing.remarks)
    for placeholder in found.open:
        yield f"{placeholder} stands for an image that this machine has not built for {environment}"
    for image in found.unpinned:
        yield f"{image} is pinned in shipway.lock by the next `shipway up`"
