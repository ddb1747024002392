"""How long Shipway takes to say what is inside a large program, from its bytes to the document."""

from __future__ import annotations

import mmap
import tempfile
import time
from pathlib import Path

import msgspec

from fakes.registry import MemoryRegistry
from shipway.adapters.baseimage import BaseImages
from shipway.adapters.content.store import Store
from shipway.core.golang import buildinfo
from shipway.core.golang.binary import Binary
from shipway.core.oci.descriptor import OCTETS, Platform
from shipway.core.project.source import Source
from shipway.stages.image import ImageRequest, assemble
from shipway.stages.sbom import SbomRequest, describe

SOURCE = Source(root="/", commit="c" * 40, tree="t" * 40, dirty=False, version="v1", time=0)


def samples(program: Path, times: int) -> list[float]:
    """Return the seconds it took each time; reading the build information counts."""
    found = []
    with tempfile.TemporaryDirectory(prefix="shipway-bench-") as folder:
        content = Store(Path(folder))
        platform = Platform("amd64")
        base = BaseImages(content, MemoryRegistry()).static(platform)
        kept = content.put(program.read_bytes(), OCTETS)
        for number in range(times):
            source = msgspec.structs.replace(SOURCE, version=f"v{number}")  # another document
            began = time.monotonic()
            info = _info(program)
            took = time.monotonic() - began
            binary = Binary(
                content=kept,
                platform=platform,
                package=info.package,
                module=info.main.path,
                go_version=info.go_version,
                flags=(),
                environment={},
                modules=info.modules,
            )
            image = assemble(
                ImageRequest(binary=binary, source=source, base=base, title="bench"),
                content=content,
            )
            began = time.monotonic()
            describe(SbomRequest(binary, image, source), content=content)
            found.append(took + time.monotonic() - began)
    return found


def _info(program: Path) -> buildinfo.BuildInfo:
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return buildinfo.parse(data)
