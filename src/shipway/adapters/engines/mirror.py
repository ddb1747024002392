"""Prebuilt programs from a mirror that the user configures, taken by their locked SHA-256.

The builder beside it asks here first. A mirror is a folder or an http(s) address in
``SHIPWAY_ENGINE_MIRROR``, holding ``sha256/HEX`` for each file; no address is built in. What has
other bytes than the lock says is never kept, so a mirror needs no trust.
"""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters.engines import hashing
from shipway.core.oci.digest import Digest, hex_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

VARIABLE = "SHIPWAY_ENGINE_MIRROR"
_SECONDS = 60


def fetch(
    files: Mapping[str, Digest],
    output: Path,
    environ: Mapping[str, str],
    on_file: Callable[[str], None],
) -> bool:
    """Bring all ``files`` into ``output``; return whether all came with their digests.

    Where one is missing or wrong nothing is left in ``output``, and the caller compiles instead.
    """
    base = environ.get(VARIABLE, "")
    if not base or not files:
        return False
    for name, digest in files.items():
        on_file(name)
        if not _one(base, digest, output / name):
            for taken in files:
                (output / taken).unlink(missing_ok=True)
            return False
    return True


def _one(base: str, digest: Digest, place: Path) -> bool:
    try:
        with _opened(base, digest) as source, place.open("wb") as sink:
            found = hashing.of_open(source, sink)
    except (OSError, ValueError, urllib.error.URLError):
        return False
    return found == digest


def _opened(base: str, digest: Digest) -> BinaryIO:
    path = f"sha256/{hex_of(digest)}"
    if base.startswith(("http://", "https://")):
        address = f"{base.rstrip('/')}/{path}"
        return urllib.request.urlopen(address, timeout=_SECONDS)  # type: ignore[no-any-return]  # noqa: S310  the scheme was checked
    return (Path(base.removeprefix("file://")) / path).open("rb")


def offer(directory: Path, mirror: Path, files: Mapping[str, Digest]) -> None:
    """Put ``files`` of ``directory`` where :func:`fetch` finds them: in the folder ``mirror``."""
    (mirror / "sha256").mkdir(parents=True, exist_ok=True)
    for name, digest in files.items():
        shutil.copyfile(directory / name, mirror / "sha256" / hex_of(digest))
