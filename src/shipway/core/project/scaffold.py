"""The text of ``shipway.toml`` and the files beside it, as ``init`` writes them.

Only what was guessed or chosen is written, each guess with what it rests on; everything else is
shown as a comment. Manifests come from :mod:`shipway.core.project.manifests`. Nothing is written
here, and the same settings give the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.project import manifests
from shipway.core.project.schema import FILE, dotted
from shipway.core.project.settings import as_toml

if TYPE_CHECKING:
    from shipway.core.project.config import Service
    from shipway.core.project.settings import Settings
    from shipway.core.project.workload import Workload

_TAIL = """
[environments.dev]
overlay = "deploy/overlays/dev"

# Another cluster is named by its kubeconfig context, with a registry that its nodes can reach:
#
# [environments.prod]
# protected = true
# overlay = "deploy/overlays/prod"
# registry = "registry.example.com/{project}"
# targets = [{{ context = "prod" }}]

[test]
dev = "beside"
coverage = 80
"""


def files(settings: Settings, services: tuple[Workload, ...]) -> dict[str, bytes]:
    """Return path (relative to the project) and bytes of every file that ``init`` writes."""
    found = {FILE: text(settings).encode()}
    laid = manifests.files(settings.config.project.name, services)
    return found | {path: content.encode() for path, content in laid.items()}


def text(settings: Settings) -> str:
    """Return ``shipway.toml`` for the effective settings."""
    project = settings.config.project.name
    lines = ["schema = 1", "", "[project]", _line(settings, "project", "name", project)]
    for name, service in settings.config.services.items():
        lines += ["", f"[{dotted(('services', name))}]", *_service(settings, name, service)]
    return "\n".join(lines) + "\n" + _TAIL.format(project=project)


def _service(settings: Settings, name: str, service: Service) -> list[str]:
    values: dict[str, object] = {"package": service.package, "kind": service.kind}
    values["port"] = service.port
    values["schedule"] = service.schedule
    values["files"] = dict(service.files)
    path = dotted(("services", name))
    return [_line(settings, path, key, value) for key, value in values.items() if value]


def _line(settings: Settings, table: str, key: str, value: object) -> str:
    """Return one setting, and in a comment what a guess rests on."""
    guesses = {guess.path: guess.origin for guess in settings.guesses}
    origin = guesses.get(f"{table}.{key}")
    return f"{key} = {as_toml(value)}" + (f"  # guessed: {origin}" if origin else "")
