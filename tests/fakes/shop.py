"""The project ``shop`` of :class:`~fakes.hands.FakeHands`, with several clusters where asked for.

Road tests use it: one context after another may get a cluster of its own, folders beside the
project hold exports, and :meth:`Shop.carry` carries the project as ``shipway up`` would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fakes.files import MemoryFiles
from fakes.git import ROOT
from fakes.hands import CHANGES, MAIN, FakeHands, ServingKube, _Mortal
from shipway.core.kube.objects import Ref
from shipway.core.oci.descriptor import MANIFEST
from shipway.core.ports.renderer import Sourced
from shipway.errors import Kind, ShipwayError
from shipway.roads.up import Up, UpRequest, up
from shipway.roads.where import WhereRequest

if TYPE_CHECKING:
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.ports.hands import Ground
    from shipway.core.run.events import Event

WEB = Ref("apps/v1", "Deployment", "shop-dev", "shop")
APPLY_WEB = ("apply", str(WEB))
"""The key of its hook and its refusal."""
WHERE = WhereRequest(directory=ROOT)
OVERLAY = "deploy/overlays/dev"
SIDE = "registry.test/side:1"
FAR = 'schema = 1\n[environments.dev]\nregistry = "registry.test"\ntargets = [{}]\n'


class Shop(FakeHands):
    """A project, and what it is carried to."""

    def __init__(self) -> None:
        super().__init__()
        self.clusters: dict[str, ServingKube] = {}
        """By context; every other context is the one cluster."""
        self.beside: dict[str, MemoryFiles] = {}
        """Folders outside of the project."""
        self.down: dict[str, ShipwayError] = {}
        """Contexts that cannot be reached, and why."""
        self.unknown = False
        self.registry_at = ""
        """Where the embedded cluster's registry is; empty: where it was."""
        self.said: list[Event] = []

    def files(self, root: str) -> MemoryFiles:
        """Return the project's files, or another folder's."""
        return self.project if root == ROOT else self.beside.setdefault(root, MemoryFiles())

    def kube(self, context: str) -> Any:
        """Return the context's cluster."""
        if context in self.down:
            raise self.down[context]
        return _Mortal(self.clusters.get(context, self.cluster), CHANGES["kube"], self._tick)

    def ground(self, name: str) -> Ground | None:
        """Return the embedded cluster, if there ever was one."""
        if self.unknown:
            return None
        there = super().ground(name)
        return msgspec.structs.replace(there, registry=self.registry_at or there.registry)

    def drop(self, path: str) -> None:
        """Remove a file of the project."""
        del self.git.files[path], self.go.files[path], self.project.files[path]

    def far(self, *contexts: str) -> None:
        """Give the environment targets, each with a cluster of its own."""
        named = ", ".join(f'{{context = "{one}"}}' for one in contexts)
        self.write("shipway.toml", FAR.format(named))
        self.clusters = {one: ServingKube() for one in contexts}

    def edit(self, word: str) -> None:
        """Make another version."""
        self.write("main.go", f"{MAIN}// {word}\n")

    def carry(self, **asked: Any) -> Up:
        """Carry the project."""
        request = UpRequest(directory=ROOT, architecture="amd64", **asked)
        return up(request, hands=self, emit=self.said.append)

    def texts(self) -> str:
        """Return all remarks, a line each."""
        return "\n".join(str(getattr(one, "text", "")) for one in self.said)

    def image(self, reference: str, data: bytes = b"{}") -> Descriptor:
        """Put an image by another person into its registry."""
        repository, _, tag = reference.rpartition(":")
        return self.registries.push_manifest(repository, data, MANIFEST, tag)

    def overlay(self, *containers: dict[str, Any], more: tuple[dict[str, Any], ...] = ()) -> None:
        """Give the project an overlay: a Deployment of it beside other containers."""
        self.write(f"{OVERLAY}/kustomization.yaml", "resources: [web.yaml]\n")
        self.write(f"{OVERLAY}/web.yaml", "image: shipway://shop\n")
        web = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "shop"},
            "spec": {
                "selector": {"matchLabels": {"app": "shop"}},
                "template": {
                    "metadata": {"labels": {"app": "shop"}},
                    "spec": {
                        "containers": [{"name": "shop", "image": "shipway://shop"}, *containers]
                    },
                },
            },
        }
        file = f"{OVERLAY}/web.yaml"
        self.renderer.folders[OVERLAY] = tuple(Sourced(one, file) for one in (web, *more))


def refused(identifier: str, kind: Kind, message: str = "it says no") -> ShipwayError:
    """Return what another side answers."""
    return ShipwayError(identifier, kind, message, operation="asking")
