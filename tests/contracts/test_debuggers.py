"""What every source of debuggers promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.content import MemoryContent
from fakes.debuggers import MemoryDebuggers
from shipway.adapters.delve import LockedDelve
from shipway.core.oci.descriptor import Platform
from shipway.core.oci.digest import of
from shipway.core.ports.debuggers import Debuggers
from shipway.core.ports.engines import Built
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from shipway.core.engines.progress import Progress

PORTS = (Debuggers,)
AMD64, ARM64 = Platform("amd64"), Platform("arm64")


class Made:
    """Engines of one platform that were made before."""

    def __init__(self, folder: Path, platform: str) -> None:
        self._folder = folder / platform
        self._folder.mkdir(exist_ok=True)
        (self._folder / "dlv").write_bytes(platform.encode())

    def names(self) -> tuple[str, ...]:
        """Return the one name."""
        return ("delve",)

    def ensure(
        self, names: Sequence[str], *, on_progress: Callable[[Progress], None]
    ) -> tuple[Built, ...]:
        """Return it."""
        del on_progress
        files = {"dlv": of((self._folder / "dlv").read_bytes())}
        return tuple(Built(one, "v1.2.3", "0" * 64, str(self._folder), files) for one in names)


@pytest.fixture(params=["memory", "locked"])
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of an implementation."""
    return str(request.param)


def made(kind: str, content: MemoryContent, folder: Path) -> Debuggers:
    """Return it over a store."""
    if kind == "memory":
        return MemoryDebuggers(content)
    return LockedDelve(lambda platform: Made(folder, platform), content, lambda _: None)


def test_it_is_in_the_store(kind: str, tmp_path: Path) -> None:
    """Its bytes are there when it is returned, named by version and digest, every time alike."""
    content = MemoryContent()
    debuggers = made(kind, content, tmp_path)
    found = debuggers.get(AMD64)

    assert content.has(found.program.digest)
    assert found.program.size == len(content.read(found.program.digest))
    assert found.package.digest == found.program.digest
    assert found.package.version.startswith("v")
    assert debuggers.get(AMD64) == found


def test_each_platform_has_its_own(kind: str, tmp_path: Path) -> None:
    """One for another architecture is another program."""
    debuggers = made(kind, MemoryContent(), tmp_path)
    assert debuggers.get(AMD64).program.digest != debuggers.get(ARM64).program.digest


def test_a_platform_without_one(kind: str, tmp_path: Path) -> None:
    """Where it cannot run nothing is made, and that is the configuration's."""
    with pytest.raises(ShipwayError) as caught:
        made(kind, MemoryContent(), tmp_path).get(Platform("s390x"))
    assert (caught.value.id, caught.value.kind) == ("debug.platform", Kind.CONFIG)
