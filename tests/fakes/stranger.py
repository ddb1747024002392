"""A stranger's repository on its way: real git, real Go and real files; the rest in memory.

Tests of shapes use it: :meth:`Stranger.carry` takes the road that ``shipway up`` takes, up to a
cluster and a registry that are fakes, and what was made can be looked into.
"""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING, Any

import msgspec

from fakes.gotools import HOST, real_go
from fakes.hands import FakeHands
from fakes.repository import ENV, Repository
from shipway.adapters.baseimage import BaseImages
from shipway.adapters.files import Folder
from shipway.adapters.git import GitRepositories
from shipway.adapters.imagefiles import RepositoryFiles
from shipway.adapters.manifests import ByFolder
from shipway.adapters.process import SystemProcesses
from shipway.core.golang.binary import Binary
from shipway.core.oci import config as configs
from shipway.core.oci import manifest as manifests
from shipway.core.oci.descriptor import CONFIG, LAYER_TAR, MANIFEST
from shipway.core.oci.layer import Entry, archive
from shipway.core.run.events import Remark
from shipway.core.run.note import Note
from shipway.roads.up import Up, UpRequest, up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from shipway.core.golang.binary import OutsideInput
    from shipway.core.oci.config import Configuration
    from shipway.core.ports.renderer import Renderer
    from shipway.core.run.events import Event

WEB = """package main

import (
	"fmt"
	"net/http"
)

func answer(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }

func main() {
	http.HandleFunc("/healthz", answer)
	http.ListenAndServe(":8080", nil)
}
"""
TOOL = "package main\n\nfunc main() {}\n"


class Stranger(FakeHands):
    """One repository, given as paths to texts, and what it is carried to."""

    def __init__(
        self, go_path: str, folder: Path, files: Mapping[str, str], **variables: str
    ) -> None:
        super().__init__()
        self.folder = folder.resolve()
        self.repository = Repository(self.folder / "repo")
        self.root = self.repository.root
        for path, text in files.items():
            self.repository.write(path, text)
        self.repository.commit()
        self.variables = variables
        self.git: Any = GitRepositories(SystemProcesses(), ENV)
        self.go: Any = real_go(go_path, self.folder / "state", variables)
        self.imagefiles: Any = RepositoryFiles(self.memory)
        self.renderer: Any = ByFolder(self._no_kustomize)
        self.said: list[Event] = []
        self.pulls = False
        """Whether base images come from the registry."""

    def with_kustomize(self, made: Callable[[], Renderer]) -> None:
        """Render kustomizations by the real program."""
        self.renderer = ByFolder(made)

    def files(self, root: str) -> Any:
        """Return the files below a folder."""
        return Folder(root)

    def carry(self, package: str = "", directory: str = ".", **asked: Any) -> Up:
        """Carry it, as ``shipway up`` would; tests are off unless asked for."""
        asked = {"tests": "off", **asked}
        place = str((self.root / directory).resolve())
        request = UpRequest(
            directory=place, package=package, architecture=HOST.architecture, **asked
        )
        return up(request, hands=self, emit=self.said.append)

    @property
    def bases(self) -> Any:
        """Return real bases, but for the static one where only that is asked for."""
        return BaseImages(self.memory, self.registries) if self.pulls else super().bases

    def base(self, repository: str, files: dict[str, bytes]) -> str:
        """Put a base image of these files into its registry; return its digest."""
        entries = tuple(Entry(path=path, data=data) for path, data in sorted(files.items()))
        layer = self.memory.compose(archive(entries), LAYER_TAR)
        said = {"architecture": HOST.architecture, "os": "linux"}
        root = {"type": "layers", "diff_ids": [layer.digest]}
        config = self.memory.put(msgspec.json.encode(said | {"rootfs": root}), CONFIG)
        for one in (layer, config):
            self.registries.push_blob(repository, one, self.memory)
        data = manifests.image(config, (layer,), {})
        return str(self.registries.push_manifest(repository, data, MANIFEST).digest)

    def remarks(self) -> list[str]:
        """Return what was said so far."""
        return [one.text for one in self.said if isinstance(one, Remark)]

    def objects(self, kind: str) -> dict[str, Any]:
        """Return the live objects of one kind by name."""
        live = self.cluster.objects.values()
        return {one["metadata"]["name"]: one for one in live if one["kind"] == kind}

    def container(self, kind: str, name: str) -> dict[str, Any]:
        """Return the one container of a workload."""
        (found,) = self.objects(kind)[name]["spec"]["template"]["spec"]["containers"]
        return dict(found)

    def outside(self) -> list[OutsideInput]:
        """Return what builds read that no commit names."""
        written = [one for run in self.runs.journals.values() for one in run.written.values()]
        kept = [msgspec.json.decode(one, type=Note) for one in written]
        results = [note.result for note in kept if note.step == "build"]
        found = [msgspec.json.decode(result, type=Binary) for result in results]
        return [one for binary in found for one in binary.inputs]

    def config(self, said: Up, name: str) -> Configuration:
        """Return the configuration of a service's image."""
        repository, _, digest = said.images[name].partition("@")
        data = self.registries.pull_manifest(repository, digest)[1]  # type: ignore[arg-type]
        found = manifests.parse(data)
        return configs.parse(self.registries.pull_blob(repository, found.config))

    def contents(self, said: Up, name: str) -> dict[str, bytes]:
        """Return the files of a service's image, its base left out, by path."""
        repository, _, digest = said.images[name].partition("@")
        data = self.registries.pull_manifest(repository, digest)[1]  # type: ignore[arg-type]
        found: dict[str, bytes] = {}
        for layer in manifests.parse(data).layers[1:]:
            raw = self.registries.pull_blob(repository, layer)
            with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
                for member in tar:
                    file = tar.extractfile(member) if member.isfile() else None
                    if file is not None:
                        found[member.name] = file.read()
        return found

    def _no_kustomize(self) -> Renderer:
        raise AssertionError("this project has no kustomization")
