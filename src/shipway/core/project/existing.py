"""Manifests that are there already: which folder of a project's YAML is an environment's.

Roads ask :func:`find` before anything is rendered. Folders have the names that people give them;
one counts where it names an image of the project, by a placeholder or by the image's own name.
What is passed over is said. Nothing here reads a file.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube import documents, images, pods

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FOLDERS = ("deploy", "k8s", "kubernetes", "manifests", "kustomize", "deployments")
"""Where manifests are looked for, in this order."""
CHARTS = (*FOLDERS, "chart", "charts", "helm")
CHART = "Chart.yaml"
_BELOW = ("overlays/{}", "environments/{}", "envs/{}", "{}", "base", "")
"""Where an environment's kustomization lies in such a folder, the most telling first."""
_OURS = ("default", "shipway-system")
"""Namespaces that are nobody's guess; so is what starts with ``kube-``."""

Docs = list[dict[str, Any]]


class Existing(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment renders, and what stands there for the project's images."""

    folder: str = ""
    """To be rendered; empty where nothing fits."""
    images: dict[str, str] = {}
    """Repository of an image in it, without tag or digest, to the service that it stands for."""
    namespaces: tuple[str, ...] = ()
    """Where its objects say that they live."""
    remarks: tuple[tuple[str, str], ...] = ()
    """What a person should know, each with the line that settles it."""


def names(service: str, folder: str, project: str, *, lone: bool) -> frozenset[str]:
    """Return the names by which an image is that of a service whose package is ``folder``."""
    program = posixpath.basename(folder).strip(".")
    found = {service, f"{project}-{service}", program or service}
    return frozenset(found | {project} if lone else found)


def find(
    texts: Mapping[str, str],
    charts: tuple[str, ...],
    services: Mapping[str, frozenset[str]],
    *,
    project: str,
    environment: str,
) -> Existing:
    """Return the manifests of an environment.

    ``texts`` are the YAML files below :data:`FOLDERS` by path, ``charts`` the paths of Helm charts
    (``Chart.yaml``), ``services`` the names that the image of each service may have.
    """
    packed = tuple(f"{posixpath.dirname(path)}/" for path in charts)
    own = {path: text for path, text in texts.items() if not path.startswith(packed)}
    remarks: list[tuple[str, str]] = []
    for top in FOLDERS:
        here = {path: text for path, text in own.items() if path.startswith(f"{top}/")}
        parsed = {path: _parsed(text) for path, text in here.items()}
        placed = any(scheme in text for text in here.values() for scheme in images.SCHEMES)
        folder, problem = _folder(top, parsed, environment)
        if problem:
            remarks.append(problem)
        if not folder:
            continue
        stands = {} if placed else _stands(parsed, services)
        if not stands and not placed:
            remarks.append(_unused(folder, top, services))
            continue
        remarks += [
            (f"{folder}: image {repository} is services.{name}", f"image: shipway://{name}")
            for repository, name in stands.items()
        ]
        spaces = () if placed else _namespaces(parsed, folder)
        return Existing(folder=folder, images=stands, namespaces=spaces, remarks=tuple(remarks))
    remarks += [_chart(path, project, environment) for path in charts]
    return Existing(remarks=tuple(remarks))


def _folder(
    top: str, parsed: Mapping[str, Docs | None], environment: str
) -> tuple[str, tuple[str, str] | None]:
    """Return the folder to render, or what keeps one from being chosen."""
    kustomized = {posixpath.dirname(path) for path in parsed if _is_kustomization(path)}
    places = [posixpath.join(top, at.format(environment)).rstrip("/") for at in _BELOW]
    chosen = [at for at in places if at in kustomized] or sorted(kustomized)
    if len(chosen) == 1 or (chosen and chosen[0] in places):
        return chosen[0], None
    if chosen:
        several = f"{top} is not used: several kustomizations, none of them {environment}'s"
        return "", (several, f'[environments.{environment}]\noverlay = "{chosen[0]}"')
    inside = posixpath.join(top, environment)
    folder = inside if any(path.startswith(f"{inside}/") for path in parsed) else top
    here = {path: found for path, found in parsed.items() if path.startswith(f"{folder}/")}
    odd = [path for path, found in here.items() if found is None]
    if odd and any(here.values()):
        why = f"{folder} is not used: {odd[0]} holds something else than Kubernetes objects"
        return "", (why, f'[environments.{environment}]\noverlay = "FOLDER OF THE MANIFESTS"')
    return (folder if any(here.values()) else ""), None


def _stands(
    parsed: Mapping[str, Docs | None], services: Mapping[str, frozenset[str]]
) -> dict[str, str]:
    """Return which repositories stand for which services."""
    found: dict[str, str] = {}
    for reference in sorted(_references(parsed)):
        last = images.repository(reference).rpartition("/")[2]
        found |= {
            images.repository(reference): name for name, known in services.items() if last in known
        }
    return found


def _references(parsed: Mapping[str, Docs | None]) -> Iterator[str]:
    """Yield every image named in manifests, and what kustomizations make of one."""
    for path, found in parsed.items():
        for doc in found or ():
            if _is_kustomization(path):
                yield from _renamed(doc)
            else:
                yield from (image.reference for image in pods.images(doc))


def _renamed(doc: dict[str, Any]) -> Iterator[str]:
    for one in doc.get("images") or ():
        if isinstance(one, dict):
            yield str(one.get("newName") or one.get("name") or "")


def _namespaces(parsed: Mapping[str, Docs | None], folder: str) -> tuple[str, ...]:
    """Return the namespace that the folder's kustomization sets, else those that objects name."""
    here = {path: found or [] for path, found in parsed.items()}
    chosen = [
        path for path in here if posixpath.dirname(path) == folder and _is_kustomization(path)
    ]
    said = [doc.get("namespace") for path in chosen for doc in here[path]]
    if not any(said):
        said = [_namespace(doc) for found in here.values() for doc in found]
    named = {str(one) for one in said if one}
    return tuple(sorted(one for one in named if one not in _OURS and not one.startswith("kube-")))


def _namespace(doc: dict[str, Any]) -> object:
    metadata = doc.get("metadata")
    inside = metadata if isinstance(metadata, dict) else {}
    return inside.get("name" if doc.get("kind") == "Namespace" else "namespace")


def _parsed(text: str) -> Docs | None:
    """Return the objects of a file; nothing where it holds something else."""
    import yaml  # noqa: PLC0415  only a project with manifests pays for it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found = [doc for doc in yaml.load_all(text, Loader=loader) if doc is not None]
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return found if all(isinstance(doc, dict) and _is_object(doc) for doc in found) else None


def _is_object(doc: dict[str, Any]) -> bool:
    """Return whether a document is a Kubernetes object, or a kustomization, which may omit both."""
    return "kind" in doc or "resources" in doc or "images" in doc or "bases" in doc


def _is_kustomization(path: str) -> bool:
    return posixpath.basename(path) in documents.KUSTOMIZATIONS


def _unused(folder: str, top: str, services: Mapping[str, frozenset[str]]) -> tuple[str, str]:
    text = f"{folder} is not used: nothing below {top}/ names an image of this project"
    return text, f"image: shipway://{next(iter(services), 'SERVICE')}"


def _chart(path: str, project: str, environment: str) -> tuple[str, str]:
    """Return what is said of a Helm chart, and the command that makes manifests of it."""
    chart = posixpath.dirname(path) or "."
    into = f"k8s/{environment}"
    flags = f"--namespace {project}-{environment} --skip-tests --no-hooks"
    return (
        f"{chart} is a Helm chart, which Shipway does not render; generated manifests are used",
        f"mkdir -p {into} && helm template {project} {chart} {flags} > {into}/{project}.yaml",
    )
