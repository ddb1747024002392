"""Turning an environment's files into Kubernetes objects."""

from __future__ import annotations

from typing import Protocol

import msgspec

from shipway.core.kube.objects import Obj  # noqa: TC001  msgspec reads types


class Sourced(msgspec.Struct, frozen=True):
    """One object and the file it came from (relative to the repository; empty if made up)."""

    object: Obj
    file: str = ""


class Renderer(Protocol):
    """Files in, objects out; the same files always give the same objects."""

    def name(self, root: str, directory: str) -> str:
        """Return what renders ``directory``, as in ``kustomize v5.8.1``; evidence carries it."""
        ...

    def render(self, root: str, directory: str) -> tuple[Sourced, ...]:
        """Return the objects of ``directory`` (relative to the repository at ``root``).

        Raises:
            ShipwayError: ``render.failed`` (config) with the renderer's own words,
                ``render.remote`` (rejected) for a remote base without a commit id,
                ``render.yaml`` (config) for a file that is no Kubernetes YAML,
                ``render.missing`` (not found) without such a folder.
        """
        ...
