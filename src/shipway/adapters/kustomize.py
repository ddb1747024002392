"""The real kustomize as the ``Renderer`` port.

Wiring makes it with the engine's path. It runs with an empty environment, without plugins, with the
root-only load restrictor, and without a network unless a base is remote; a remote base must name a
commit id, in our files (looked at before) and in what those bases pull in (looked at after, by the
origin that kustomize reports for every object).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.core.kube import documents
from shipway.core.patterns import late
from shipway.core.ports.renderer import Sourced
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.kube.objects import Obj
    from shipway.core.ports.sandbox import Sandbox

_ORIGIN = "config.kubernetes.io/origin"
_LISTS = ("resources", "bases", "components", "generators", "transformers", "validators", "crds")
_PINNED = late(r"[?&]ref=[0-9a-f]{40}(?:&|\Z)")
_COMMIT = late(r"[0-9a-f]{40}\Z")
_THROUGH = late(r"accumulating resources: (accumulation err=.*recursed accumulation of .*?: )?")
_REMOTE = late(r"[a-z+]+://|[\w.-]+@[\w.-]+:|git::|[\w-]+(?:\.[\w-]+)+/|.*\?ref=", re.IGNORECASE)


class Kustomize:
    """The ``Renderer`` of a folder with a kustomization."""

    def __init__(self, binary: str, version: str, *, sandbox: Sandbox) -> None:
        """``version`` is as in ``v5.8.1``; the engine's lock knows it."""
        self._binary = binary
        self._version = version
        self._sandbox = sandbox

    def name(self, _root: str, _directory: str) -> str:
        """Return ``kustomize VERSION``."""
        return f"kustomize {self._version}"

    def render(self, root: str, directory: str) -> tuple[Sourced, ...]:
        """Return what ``kustomize build`` makes of ``directory``."""
        top = Path(root).resolve()
        remote = list(_scan(top, top / directory, set()))
        with tempfile.TemporaryDirectory(prefix="shipway-") as folder:
            here = Path(folder).resolve()
            target = os.path.relpath(top / directory, here)
            # a kustomization of our own around it asks for origins without touching theirs
            text = f'resources: ["{target}"]\nbuildMetadata: [originAnnotations]\n'
            (here / documents.KUSTOMIZATIONS[0]).write_text(text)
            out = self._build(here, directory, top=top, network=bool(remote))
            return tuple(_sourced(obj, here, top) for obj in documents.read(out, directory))

    def _build(self, folder: Path, directory: str, *, top: Path, network: bool) -> bytes:
        restrict = ("--load-restrictor", "LoadRestrictionsRootOnly")
        argv = [self._binary, "build", *restrict, str(folder)]
        env = {"PATH": _path_of_git(), "GIT_CONFIG_NOSYSTEM": "1"} if network else {}
        done = self._sandbox.run(argv, env=env, cwd=str(folder), network=network).completed
        if done.code:
            words = done.err.decode(errors="replace").strip().removeprefix("Error: ")
            raise ShipwayError(
                "render.failed",
                Kind.CONFIG,
                _plain(words.replace(str(folder), directory).replace(f"{top}{os.sep}", ""))[:2000],
                operation="rendering",
                subject=directory,
                hint="the words are kustomize's; a path of a kustomization counts from its folder",
            )
        return done.out


def _plain(words: str) -> str:
    """Return kustomize's message without the folders that it came through on its way to a fault."""
    return _THROUGH.sub("", words)


def _scan(root: Path, folder: Path, seen: set[Path]) -> Iterator[str]:
    """Yield the remote bases that ``folder`` and its local bases name.

    Raises:
        ShipwayError: ``render.remote`` (rejected) for one without a commit id, ``render.outside``
            (rejected) for a local base outside the repository, ``render.missing``.
    """
    folder = Path(os.path.normpath(folder))
    if folder in seen:
        return
    seen.add(folder)
    file = next(
        (folder / name for name in documents.KUSTOMIZATIONS if (folder / name).is_file()), None
    )
    if file is None:
        raise _missing(root, folder)
    for entry in _entries(file, root):
        if (folder / entry).is_dir():
            if not (folder / entry).resolve().is_relative_to(root):
                raise _refused("render.outside", "a base outside the repository", file, root, entry)
            yield from _scan(root, folder / entry, seen)
        elif not (folder / entry).exists() and _REMOTE.match(entry):
            if not _PINNED.search(entry):
                why = "a remote base must name a commit id (?ref=FORTY_HEX_DIGITS)"
                raise _refused("render.remote", why, file, root, entry)
            yield entry


def _entries(file: Path, root: Path) -> Iterator[str]:
    import yaml  # noqa: PLC0415  17 ms that only rendering files needs

    name = os.path.relpath(file, root)
    try:
        found: Any = yaml.safe_load(file.read_bytes()) or {}
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise documents.wrong(name, " ".join(str(error).split())) from error
    if not isinstance(found, dict):
        raise documents.wrong(name, "a kustomization is a mapping")
    for key in _LISTS:
        for entry in found.get(key) or ():
            if isinstance(entry, str) and "\n" not in entry:  # else an object in place
                yield entry


def _sourced(obj: Obj, folder: Path, root: Path) -> Sourced:
    """Return the object as its author wrote it, and where it came from."""
    annotations = dict((obj.get("metadata") or {}).get("annotations") or {})
    found = documents.read(annotations.pop(_ORIGIN, "kind: none").encode() + b"\nkind: Origin", "")
    origin = found[0] if found else {}
    if origin.get("repo") and not _COMMIT.match(str(origin.get("ref") or "")):
        raise ShipwayError(
            "render.remote",
            Kind.REJECTED,
            f"a remote base pulls in {origin['repo']} without a commit id",
            operation="rendering",
            subject=str(origin.get("path") or ""),
        )
    metadata = {**obj["metadata"], "annotations": annotations}
    if not annotations:
        del metadata["annotations"]
    return Sourced({**obj, "metadata": metadata}, _file(origin, folder, root))


def _file(origin: Obj, folder: Path, root: Path) -> str:
    path = str(origin.get("path") or origin.get("configuredIn") or "")
    if origin.get("repo"):
        return f"{origin['repo']}@{origin['ref']}:{path}"
    return os.path.relpath(folder / path, root) if path else ""


def _path_of_git() -> str:
    found = shutil.which("git")
    return os.path.dirname(found) if found else ""  # noqa: PTH120  one name, no file


def _missing(root: Path, folder: Path) -> ShipwayError:
    return ShipwayError(
        "render.missing",
        Kind.NOT_FOUND,
        "there is no kustomization in this folder",
        operation="rendering",
        subject=os.path.relpath(folder, root),
        hint="shipway init writes one",
    )


def _refused(name: str, why: str, file: Path, root: Path, entry: str) -> ShipwayError:
    return ShipwayError(
        name,
        Kind.REJECTED,
        f"{why}: {entry}",
        operation="reading",
        subject=os.path.relpath(file, root),
    )
