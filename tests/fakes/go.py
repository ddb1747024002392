"""Go in memory: sources in a dictionary, "compiled" by writing them down."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.golang import delve, discovery, inputs, modfile
from shipway.core.golang.binary import Decided, Module
from shipway.core.golang.buildinfo import BuildInfo
from shipway.core.golang.inputs import InputFile, Inputs
from shipway.core.oci.digest import of
from shipway.core.ports.go import Built, Sources, Tested
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shipway.core.golang.discovery import Survey
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.go import Target

WRONG = "oops"
"""A word that does not compile, and a test that fails."""


class FakeGo:
    """A module as paths to texts; ``files`` may be changed between calls."""

    def __init__(self, files: dict[str, str] | None = None, *, network: str = "none") -> None:
        self.files = dict(files or {})
        self.network = network
        self.modules: tuple[Module, ...] = ()
        self.needs: dict[str, tuple[str, ...]] = {}
        self.licences: dict[str, str] = {}
        self.downloads = 0
        self.ldflags: list[str] = []
        self.outside: dict[str, str] = {}
        self.profile = b""
        self.before_build: Callable[[], object] = lambda: None
        self.after_test: Callable[[], object] = lambda: None
        self._seen: dict[tuple[Target, bool, bool], Inputs] = {}
        self._folder = ""

    def read(self, root: str, module_dir: str, named: Collection[str] = ()) -> Sources:  # noqa: ARG002
        """Return the sources."""
        found = modfile.parse(self.files.get("go.mod", ""))
        if not found.module:
            raise ShipwayError("build.no-module", Kind.CONFIG, "no go.mod", subject=module_dir)
        packages: dict[str, dict[str, str]] = {}
        for path, text in self.files.items():
            folder, _, name = path.rpartition("/")
            at = folder or "."
            wanted = not named or at in named or at.rpartition("/")[2] in named
            if wanted and name.endswith(".go") and not name.endswith("_test.go"):
                packages.setdefault(at, {})[name] = text
        return Sources(found.module, packages)

    def survey(self, root: str, module_dir: str) -> Survey:
        """Return the programs."""
        found = self.read(root, module_dir)
        return discovery.survey(found.module, found.packages)

    def download(self, target: Target) -> bool:  # noqa: ARG002  all is one module
        """Count."""
        self.downloads += 1
        return self.downloads == 1

    def build(self, target: Target, ldflags: str) -> Built:
        """Write all sources and flags into one file."""
        self.before_build()
        sources = self.read(target.root, target.module_dir)
        folder = target.packages[0].removeprefix("./") or "."
        if not discovery.is_main(sources.packages.get(folder, {})):
            raise ShipwayError("build.no-package", Kind.CONFIG, "no Go files", subject=folder)
        if any(WRONG in text for path, text in self.files.items() if not path.endswith("_test.go")):
            raise ShipwayError("build.compile", Kind.CONFIG, f"main.go:3:2: undefined: {WRONG}")
        self.ldflags.append(ldflags)
        self._seen[target, False, False] = self._inputs(target)
        with tempfile.NamedTemporaryFile(dir=self._scratch(), delete=False) as file:
            how = [*([delve.COMPILER] * target.debug), f"-ldflags={ldflags}"]
            file.write(json.dumps([sorted(self.files.items()), how]).encode())
        return Built(
            path=file.name,
            info=BuildInfo(
                go_version="go1.27.3",
                package=sources.module if folder == "." else f"{sources.module}/{folder}",
                main=Module(path=sources.module),
                modules=self.modules,
            ),
            flags=("-trimpath", *how),
            environment={"CGO_ENABLED": "0"},
            network=self.network,
            inputs=self._inputs(target),
        )

    def _scratch(self) -> str:
        """Return a folder that goes with this object."""
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="shipway-fake-")
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def discard(self, built: Built) -> None:
        """Remove the file."""
        Path(built.path).unlink(missing_ok=True)

    def key(
        self, target: Target, *, tests: bool = False, race: bool = False, still: bool = False
    ) -> Digest | None:
        """Return a key of all files."""
        before, read = self._seen.get((target, tests, race)), self._inputs(target)
        if before is None or (still and before != read):
            return None
        return inputs.key(read.unit, read.files, read.folders, target.root)

    def folders(self, target: Target) -> tuple[str, ...]:
        """Return the folders of all files, once there was a build."""
        if (target, False, False) not in self._seen:
            return ()
        paths = {f"{target.root}/{path}".rpartition("/")[0] for path in self.files}
        return tuple(sorted(paths))

    def test(
        self,
        target: Target,
        *,
        across: bool,  # noqa: ARG002  there is one profile
        network: bool,
        race: bool = False,
        seconds: int = 600,  # noqa: ARG002  nor takes time
        gently: bool = False,  # noqa: ARG002  nothing runs
        on_line: Callable[[str], None] | None = None,
    ) -> Tested:
        """Pass one test for each test file without the wrong word."""
        self._seen[target, True, race] = self._inputs(target)
        module = self.read(target.root, target.module_dir).module
        events = []
        for path in sorted(path for path in self.files if path.endswith("_test.go")):
            ended = "fail" if WRONG in self.files[path] else "pass"
            at = {"Package": module, "Test": "TestIt"}
            events += [{"Action": "run", **at}, {"Action": "output", "Output": f"{path}\n", **at}]
            events.append({"Action": ended, **at})
        self.after_test()
        lines = tuple(json.dumps(event) for event in events)
        for line in lines:
            if on_line is not None:
                on_line(line)
        return Tested(
            code=int(any('"fail"' in line for line in lines)),
            events=lines,
            profile=self.profile,
            errors="",
            locks=(Decided("go.mod", of(self.files["go.mod"].encode())),),
            network="open" if network else self.network,
        )

    def _inputs(self, target: Target) -> Inputs:
        files = [(f"{target.root}/{path}", text) for path, text in self.files.items()]
        files += self.outside.items()
        return Inputs(
            unit=repr(target),
            files=tuple(
                InputFile(path, (len(text), 1, 1, 1), of(text.encode()), "") for path, text in files
            ),
            folders=(),
            needs=self.needs,
            licences={f"/mod/{path}": licence for path, licence in self.licences.items()},
            modules={path: f"/mod/{path}" for path in self.licences},
        )
