"""Sources: what ``dev`` watches, and whether any of it is different now.

It is exactly what a run would read: the files that the last build of each service read (of tests,
none), for each of its platforms; what goes into the image (``files``, ``kodata``, authorities);
``shipway.toml``, and the folder of manifests. A service that was never built, or whose list of
files only a build can tell, counts with every Go file of its module.
"""

from __future__ import annotations

import contextlib
import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.descriptor import Platform
from shipway.core.oci.digest import Digest, of
from shipway.core.ports.go import Target
from shipway.core.project import existing, schema, settings
from shipway.core.project.config import Service  # noqa: TC001  msgspec reads types
from shipway.errors import ShipwayError
from shipway.roads import imaging, outset, reach, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.hands import Hands
    from shipway.roads.scaffold import LoadedProject

_GO = (".go", "go.mod", "go.sum", "go.work")
_DEPLOY = "deploy"


class Mark(msgspec.Struct, frozen=True):
    """What everything that counts was at one moment."""

    exact: bool
    """Whether only what builds read was looked at."""
    digest: Digest


class _Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A service, and what go is asked to build of it: one target a platform."""

    name: str
    service: Service
    targets: tuple[Target, ...]

    @property
    def package_dir(self) -> str:
        """Return the folder of its main package, relative to the repository."""
        one = self.targets[0]
        return posixpath.normpath(posixpath.join(one.module_dir, one.packages[0]))


class Sources:
    """The sources of one project, as they are each time they are asked for."""

    def __init__(
        self, directory: str, package: str, *, environment: str, architecture: str, hands: Hands
    ) -> None:
        self._directory = directory
        self._package = package
        self._environment = environment
        self._machine = Platform(architecture)
        self._hands = hands
        self._root = hands.git.observe(directory).root
        self._config: Digest | None = None
        self._project: LoadedProject | None = None
        self._overlay = ""
        self._platforms: tuple[Platform, ...] | None = None
        """Of the targets' nodes; empty: this machine's; none: not asked yet, or no answer."""

    def mark(self, *, coarse: bool = False) -> Mark:
        """Return what everything that counts is now; ``coarse`` takes every Go file for it."""
        files = self._hands.files(self._directory)
        config = of(files.read(schema.FILE) or b"")
        self._load(config)
        parts = [
            config,
            *(
                f"{path}\0{of(files.read(path) or b'')}"
                for folder in self._manifests()
                for path in files.under(folder)
            ),
        ]
        exact = not coarse
        for unit in self._units():
            keys = [None if coarse else self._hands.go.key(one) for one in unit.targets]
            read = [key for key in keys if key is not None]
            exact = exact and len(read) == len(keys)
            every = self._module_files(unit.targets[0])
            listed = (f"{path}\0{of(data)}" for path, data in every)
            found = read if len(read) == len(keys) else listed
            parts.append("\n".join([unit.name, *found, *self._image_files(unit)]))
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
        found = {self._directory}
        for folder in self._manifests():
            found.add(posixpath.join(self._directory, folder))
            found |= {
                posixpath.join(self._directory, posixpath.dirname(path))
                for path in files.under(folder)
            }
        for unit in self._units():
            for one in unit.targets:
                held = self._hands.go.folders(one)
                found |= set(held or map(self._folder_of, dict(self._module_files(one))))
            found |= set(self._image_folders(unit))
        return tuple(sorted(found))

    def ask(self) -> None:
        """Ask the targets what their nodes run, unless they have said so; called before a mark.

        Until they answer, what this machine is counts.
        """
        self._load(of(self._hands.files(self._directory).read(schema.FILE) or b""))
        if self._platforms is None and self._project is not None:
            with contextlib.suppress(ShipwayError):  # the run says it
                place = self._project.at(self._environment)
                self._platforms = reach.platforms(place.contexts, self._hands)

    def _folder_of(self, path: str) -> str:
        return posixpath.join(self._root, posixpath.dirname(path))

    def _load(self, config: Digest) -> None:
        """Read the project anew where its config changed; a broken one leaves the last."""
        if config == self._config and self._project is not None:
            return
        with contextlib.suppress(ShipwayError):  # the run says it
            self._project = outset.project(self._directory, self._package, hands=self._hands)
            self._config = config
            self._platforms = None
            self._overlay = self._project.at(self._environment).overlay

    def _manifests(self) -> tuple[str, ...]:
        """Return the folders whose files are manifests, relative to the project, each once."""
        overlay = posixpath.normpath(self._overlay or _DEPLOY)
        top = overlay.partition("/")[0]
        found = {_DEPLOY, top if top in existing.FOLDERS else overlay}
        return tuple(sorted(one for one in found if not one.startswith((".", "/"))))

    def _units(self) -> Iterator[_Unit]:
        """Yield the services to build, each as go is asked for it."""
        project = self._project
        if project is None:
            return
        config = project.settings.config
        with contextlib.suppress(ShipwayError):  # a name that is gone; the run says it
            for name, service in settings.chosen(
                config, self._package if project.written else ""
            ).items():
                targets = tuple(self._targets(project, name, service))
                yield _Unit(name=name, service=service, targets=targets)

    def _targets(self, project: LoadedProject, name: str, service: Service) -> Iterator[Target]:
        module = project.modules.get(name, ".")
        package = posixpath.relpath(settings.folder_of(service.package), module)
        usual = self._platforms or ()
        for platform in wanted.platforms(service.build.platforms, usual, self._machine):
            yield Target(
                root=self._root,
                module_dir=posixpath.normpath(posixpath.join(self._inside, module)),
                packages=(package if package.startswith(".") else f"./{package}",),
                platform=platform,
                tags=service.build.tags,
                cgo=service.build.cgo,
                go=project.lock.go.version if project.lock.go else "",
            )

    @property
    def _inside(self) -> str:
        """Return the project's folder, relative to the repository."""
        return posixpath.relpath(self._directory, self._root)

    def _module_files(self, one: Target) -> Iterator[tuple[str, bytes]]:
        """Yield every Go file of a module, tests left out."""
        files = self._hands.files(self._root)
        for path in files.under(one.module_dir, suffixes=_GO):
            if not path.endswith("_test.go"):
                yield path, files.read(path) or b""

    def _listed(self, unit: _Unit) -> dict[str, str]:
        """Return what goes into its image, as path in it to path below the repository."""
        return imaging.listed(
            unit.service,
            root=self._root,
            project_dir=self._inside,
            package_dir=unit.package_dir,
            hands=self._hands,
        )

    def _image_files(self, unit: _Unit) -> Iterator[str]:
        if ca := unit.service.image.ca:
            with contextlib.suppress(ShipwayError):  # a path that leads out; the run says it
                yield f"{ca}\0{of(self._hands.files(self._directory).read(ca) or b'')}"
        with contextlib.suppress(ShipwayError):  # a path that is not there; the run says it
            for entry in self._hands.imagefiles.collect(self._root, self._listed(unit)):
                held = entry.blob.digest if entry.blob else of(entry.data or b"")
                yield f"{entry.path}\0{entry.mode}\0{held}{entry.target}"

    def _image_folders(self, unit: _Unit) -> Iterator[str]:
        if ca := unit.service.image.ca:
            yield posixpath.normpath(posixpath.join(self._directory, posixpath.dirname(ca)))
        files = self._hands.files(self._root)
        for path in self._listed(unit).values():
            yield self._folder_of(path)
            with contextlib.suppress(ShipwayError):  # as above
                for below in (posixpath.join(path, "."), *files.under(path, every=True)):
                    yield self._folder_of(below)
