"""The real syft looks at the same programs: whatever module it finds, we have, and why not more.

Every difference that is expected is one of those in docs/sbom.md; any other fails.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from shipway.adapters.looking import LocalLooking
from shipway.core.supply import programs, spdx

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engines


def asked(syft: Path, program: Path, folder: Path) -> dict[str, Any]:
    """Return syft's SPDX document of a program."""
    done = subprocess.run(
        [str(syft), "scan", f"file:{program}", "-q", "-o", "spdx-json"],
        env={"HOME": str(folder), "PATH": os.environ["PATH"], "SYFT_CHECK_FOR_APP_UPDATE": "false"},
        capture_output=True,
        check=True,
        timeout=120,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def ours(program: Path) -> dict[str, Any]:
    """Return our document of a program."""
    found = programs.contents(LocalLooking().program(str(program)))
    written: dict[str, Any] = json.loads(spdx.document(found, creator="shipway-0"))
    return written


def named(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return names and versions of all packages."""
    return {(one["name"], one.get("versionInfo", "")) for one in document["packages"]}


def located(document: dict[str, Any]) -> set[str]:
    """Return the package URLs of all modules."""
    references = (one.get("externalRefs", ()) for one in document["packages"])
    locators = (ref["referenceLocator"] for some in references for ref in some)
    return {one for one in locators if one.startswith("pkg:golang/")}


@pytest.mark.parametrize("name", ["syft", "cosign", "registry"])
def test_every_module_that_syft_finds(
    name: str, syft_path: Path, cosign_path: Path, registry_path: Path, tmp_path: Path
) -> None:
    """Name, version and package URL of each are ours too; what we have more is in the docs."""
    program = {"syft": syft_path, "cosign": cosign_path, "registry": registry_path}[name]
    theirs, mine = asked(syft_path, program, tmp_path), ours(program)
    root = {(one["name"], one["versionInfo"]) for one in theirs["packages"] if one["name"] == name}
    binary = mine["packages"][0]
    extra = named(mine) - named(theirs)

    assert named(theirs) - root <= named(mine)
    assert {version for _, version in root} == {f"sha256:{_digest(binary)}"}  # the file itself
    assert {one for one, _ in extra} <= {"toolchain", binary["name"]}
    assert {_path(one) for one in located(theirs)} <= {_path(one) for one in located(mine)}
    assert len(named(theirs)) > 30


def _digest(package: dict[str, Any]) -> str:
    """Return the SHA-256 of a file."""
    (found,) = package["checksums"]
    assert found["algorithm"] == "SHA256"
    return str(found["checksumValue"])


def _path(locator: str) -> str:
    """Return a package URL without what follows ``#``, which names a package in its module."""
    return locator.partition("#")[0]
