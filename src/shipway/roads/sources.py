"""Sources: what ``dev`` watches, and whether any of it is different now.

It is exactly what a run would read: the files that the last build of each service read (of tests,
none), files for the image, ``shipway.toml`` and what lies below ``deploy``. A service that was
never built, or whose list of files only a build can tell, counts with every Go file of its module.
"""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.descriptor import Platform
from shipway.core.oci.digest import Digest, of
from shipway.core.ports.go import Target
from shipway.core.project import schema, settings
from shipway.errors import ShipwayError
from shipway.roads import scaffold, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.project.config import Service
    from shipway.roads.scaffold import LoadedProject

_GO = (".go", "go.mod", "go.sum", "go.work")
_DEPLOY = "deploy"


class Mark(msgspec.Struct, frozen=True):
    """What everything that counts was at one moment."""

    exact: bool
    """Whether only what builds read was looked at."""
    digest: Digest


class Sources:
    """The sources of one project, as they are each time they are asked for."""

    def __init__(self, directory: str, package: str, *, architecture: str, hands: Hands) -> None:
        self._directory = directory
        self._package = package
        self._architecture = architecture
        self._hands = hands
        self._root = hands.git.observe(directory).root
        self._config: Digest | None = None
        self._project: LoadedProject | None = None

    def mark(self, *, coarse: bool = False) -> Mark:
        """Return what everything that counts is now; ``coarse`` takes every Go file for it."""
        files = self._hands.files(self._directory)
        config = of(files.read(schema.FILE) or b"")
        self._load(config)
        parts = [
            config,
            *(f"{path}\0{of(files.read(path) or b'')}" for path in files.under(_DEPLOY)),
        ]
        exact = not coarse
        for name, one in self._targets():
            read = None if coarse else self._hands.go.key(one)
            exact = exact and read is not None
            listed = (f"{path}\0{of(data)}" for path, data in self._module_files(one))
            found = [read] if read else list(listed)
            parts.append("\n".join([name, *found, *self._image_files(name)]))
        return Mark(exact, of("\n".join(parts).encode("utf-8", "surrogateescape")))

    def look(self, before: Mark) -> tuple[bool, Mark]:
        """Return whether anything that counts is different now, and the mark to go on from.

        A build that ended since may know exactly what it read, where before every file counted.
        """
        now = self.mark()
        if now.exact and not before.exact:
            return self.mark(coarse=True) != before, now
        return now != before, now

    def folders(self) -> tuple[str, ...]:
        """Return the folders to watch, absolute."""
        files = self._hands.files(self._directory)
        found = {self._directory, posixpath.join(self._directory, _DEPLOY)}
        found |= {
            posixpath.join(self._directory, posixpath.dirname(path))
            for path in files.under(_DEPLOY)
        }
        for name, one in self._targets():
            held = self._hands.go.folders(one)
            found |= set(held or map(self._folder_of, dict(self._module_files(one))))
            found |= set(self._image_folders(name))
        return tuple(sorted(found))

    def _folder_of(self, path: str) -> str:
        return posixpath.join(self._root, posixpath.dirname(path))

    def _load(self, config: Digest) -> None:
        """Read the project anew where its config changed; a broken one leaves the last."""
        if config == self._config and self._project is not None:
            return
        asked = scaffold.ProjectRequest(
            directory=self._directory, package=self._package, variables=self._hands.variables
        )
        with contextlib.suppress(ShipwayError):  # the run says it
            self._project = scaffold.load(
                asked,
                files=self._hands.files(self._directory),
                go=self._hands.go,
                git=self._hands.git,
            )
            self._config = config

    def _targets(self) -> Iterator[tuple[str, Target]]:
        """Yield the services to build, each as go is asked for it."""
        project = self._project
        if project is None:
            return
        config = project.settings.config
        with contextlib.suppress(ShipwayError):  # a name that is gone; the run says it
            for name, service in settings.chosen(
                config, self._package if project.written else ""
            ).items():
                yield name, self._target(project, name, service)

    def _target(self, project: LoadedProject, name: str, service: Service) -> Target:
        inside = posixpath.relpath(self._directory, self._root)
        module = project.modules.get(name, ".")
        package = posixpath.relpath(settings.folder_of(service.package), module)
        machine = Platform(self._architecture)
        platform, *_ = wanted.platforms(service.build.platforms, (), machine)
        return Target(
            root=self._root,
            module_dir=posixpath.normpath(posixpath.join(inside, module)),
            packages=(package if package.startswith(".") else f"./{package}",),
            platform=platform,
            tags=service.build.tags,
            cgo=service.build.cgo,
            go=project.lock.go.version if project.lock.go else "",
        )

    def _module_files(self, one: Target) -> Iterator[tuple[str, bytes]]:
        """Yield every Go file of a module, tests left out."""
        files = self._hands.files(self._root)
        for path in files.under(one.module_dir, suffixes=_GO):
            if not path.endswith("_test.go"):
                yield path, files.read(path) or b""

    def _image_files(self, name: str) -> Iterator[str]:
        assert self._project is not None  # noqa: S101  there are services
        service = self._project.settings.config.services[name]
        with contextlib.suppress(ShipwayError):  # a path that is not there; the run says it
            for entry in self._hands.imagefiles.collect(self._directory, service.files):
                held = entry.blob.digest if entry.blob else of(entry.data or b"")
                yield f"{entry.path}\0{entry.mode}\0{held}{entry.target}"

    def _image_folders(self, name: str) -> Iterator[str]:
        assert self._project is not None  # noqa: S101  there are services
        files = self._hands.files(self._directory)
        for path in self._project.settings.config.services[name].files.values():
            place = posixpath.normpath(path)
            yield posixpath.join(self._directory, posixpath.dirname(place))
            for below in (place, *files.under(place)):
                yield posixpath.join(self._directory, posixpath.dirname(below))
