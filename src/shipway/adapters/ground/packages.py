"""Programs from the distribution's own signed packages, unpacked beside the system.

Nothing is installed: installing runc or containerd could remove a person's Docker. apt proves a
package against the distribution's signed index; the SHA-256 of each file used is written down when
it is unpacked, and what is started later is checked against that.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway.core.patterns import late
from shipway.core.ports.ground import File
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.core.ports.ground import Tree, Verify

WANTED: dict[str, dict[str, tuple[str, ...]]] = {
    "runc": {"runc": ("usr/sbin/runc", "usr/bin/runc")},
    "passt": {"pasta": ("usr/bin/passt",)},
    "runit": {
        "runsvdir": ("usr/bin/runsvdir",),
        "runsv": ("usr/bin/runsv",),
        "svlogd": ("usr/bin/svlogd",),
    },
    "iptables": {
        "xtables-nft-multi": ("usr/sbin/xtables-nft-multi",),
        "xtables-legacy-multi": ("usr/sbin/xtables-legacy-multi",),
    },
}
"""Package: program: where it may lie. passt behaves as pasta where it is called so."""
_LIBRARY = late(r"^(lib[a-z0-9.+-]+)")
_SYSTEM = ("libc6", "libseccomp2")
"""Libraries that every Debian and Ubuntu has: apt itself stands on them."""


class DebianPackages:
    """Has the programs of :data:`WANTED` below one root-owned folder."""

    def __init__(self, folder: str, tree: Tree, verify: Verify) -> None:
        self._folder = folder
        self._tree = tree
        self._verify = verify

    def have(self, on_step: Callable[[str], None]) -> Mapping[str, tuple[str, str]]:
        """Return path and SHA-256 by program name, unpacking packages that are not there.

        Raises:
            ShipwayError: ``packages.apt`` (no apt, or it cannot download), ``packages.layout``,
                ``cluster.altered``, ``cluster.unsafe``.
        """
        record = self._tree.read(f"{self._folder}/files.json")
        if record is None:
            record = self._unpack_all(on_step)
        found = msgspec.json.decode(record, type=dict[str, tuple[str, str]])
        self._verify.prove(dict(found.values()), lambda _: None)
        return found

    def _unpack_all(self, on_step: Callable[[str], None]) -> str:
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise _apt("there is no apt-get on this machine", "use Debian or Ubuntu")
        self._tree.secure(self._folder)
        places = {name: Path(self._folder, name) for name in ("bin", "lib", "unpacked")}
        for place in places.values():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(mode=0o755)
        for package, programs in WANTED.items():
            on_step(package)
            archive = _download(package, places["unpacked"])
            _extract(archive, places["unpacked"] / package)
            for name, paths in programs.items():
                _take(places["unpacked"] / package, paths, places["bin"] / name)
            for library in _libraries(archive) if package == "iptables" else ():
                _extract(_download(library, places["unpacked"]), places["unpacked"] / "libraries")
        _take_libraries(places["unpacked"], places["lib"])
        shutil.rmtree(places["unpacked"])
        text = json.dumps(_sums(places["bin"]) | _sums(places["lib"], "lib/"), indent=1) + "\n"
        self._tree.write(File(f"{self._folder}/files.json", text, 0o644))
        return text


def _download(package: str, place: Path) -> Path:
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", package]
    code, output = _run(command, place)
    if code != 0:
        _run(["apt-get", "-qq", "update"], place)
        code, output = _run(command, place)
    archives = [*place.glob(f"{package}_*.deb")]
    if code != 0 or len(archives) != 1:
        raise _apt(output[-400:], f"see why this fails: apt-get download {package}", package)
    return archives[0]


def _libraries(archive: Path) -> list[str]:
    """Return the library packages that a package names, less those that every system has."""
    _, depends = _run(["dpkg-deb", "-f", str(archive), "Depends"], archive.parent)
    names = [match[1] for word in depends.split(",") if (match := _LIBRARY.match(word.strip()))]
    return [name for name in names if name not in _SYSTEM]


def _extract(archive: Path, place: Path) -> None:
    code, output = _run(["dpkg-deb", "-x", str(archive), str(place)], archive.parent)
    if code != 0:
        raise _apt(output[-400:], "run the same command again", archive.name)


def _take(place: Path, paths: tuple[str, ...], target: Path) -> None:
    for path in paths:
        if (found := place / path).is_file():
            shutil.copyfile(found, target)
            target.chmod(0o755)
            return
    raise ShipwayError(
        "packages.layout",
        Kind.MISSING,
        f"there is no {' or '.join(paths)} in it",
        operation="reading package",
        subject=place.name,
        hint="this distribution lays the package out differently: see docs/platforms.md",
    )


def _take_libraries(unpacked: Path, target: Path) -> None:
    """Put shared libraries side by side under their own names, and iptables' plugins below."""
    for file in unpacked.glob("libraries/**/*.so*"):
        if file.is_file():
            shutil.copyfile(file, target / file.name)
    (target / "xtables").mkdir(mode=0o755)
    for file in unpacked.glob("iptables/**/xtables/*.so"):
        shutil.copyfile(file, target / "xtables" / file.name)


def _sums(folder: Path, prefix: str = "") -> dict[str, tuple[str, str]]:
    found = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        with file.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        found[f"{prefix}{file.relative_to(folder)}"] = (str(file), digest)
    return found


def _run(command: list[str], place: Path) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=place,
        env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace").strip()


def _apt(message: str, hint: str, subject: str = "") -> ShipwayError:
    return ShipwayError(
        "packages.apt",
        Kind.MISSING,
        message,
        operation="downloading package",
        subject=subject,
        hint=hint,
    )
