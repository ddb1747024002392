"""Kubeconfig files as the person has them: those of KUBECONFIG, else ``~/.kube/config``.

Wiring reads them once per run; which context is used is never decided here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.kube.contexts import Document
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping


def read(variables: Mapping[str, str]) -> tuple[Document, ...]:
    """Return the files that exist, in order.

    Raises:
        ShipwayError: ``kube.kubeconfig`` (config) for a file that cannot be read as YAML.
    """
    named = [one for one in variables.get("KUBECONFIG", "").split(os.pathsep) if one]
    home = variables.get("HOME") or str(Path.home())
    paths = named or [str(Path(home, ".kube", "config"))]
    return tuple(_document(path) for path in paths if Path(path).exists())


def _document(path: str) -> Document:
    import yaml  # noqa: PLC0415  only who reaches a cluster pays for it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(Path(path).read_bytes(), Loader=loader)  # noqa: S506  a safe loader
    except (OSError, yaml.YAMLError) as error:
        raise _broken(path, str(error)) from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise _broken(path, "it is no mapping")
    return Document(path=path, content=content)


def _broken(path: str, why: str) -> ShipwayError:
    return ShipwayError(
        "kube.kubeconfig",
        Kind.CONFIG,
        why,
        operation="reading the kubeconfig",
        subject=path,
        hint="kubectl config view --kubeconfig FILE shows what is wrong",
    )
