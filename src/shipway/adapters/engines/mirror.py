"""Prebuilt programs from a mirror that the user configures, taken by their locked SHA-256.

The builder beside it asks here first. A mirror is a folder or an http(s) address in
``SHIPWAY_ENGINE_MIRROR``, holding ``sha256/HEX`` for each file; no address is built in. What has
other bytes than the lock says is never kept, so a mirror needs no trust.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from shipway import scope
from shipway.adapters.engines import hashing
from shipway.adapters.http import network
from shipway.core.oci.digest import Digest, hex_of
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

VARIABLE = "SHIPWAY_ENGINE_MIRROR"
_OK = 200


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
        if not _one(base, digest, output / name, environ):
            for taken in files:
                (output / taken).unlink(missing_ok=True)
            return False
    return True


def _one(base: str, digest: Digest, place: Path, environ: Mapping[str, str]) -> bool:
    path = f"sha256/{hex_of(digest)}"
    try:
        with place.open("wb") as sink:
            if base.startswith(("http://", "https://")):
                return _downloaded(f"{base.rstrip('/')}/{path}", sink, environ) == digest
            with (Path(base.removeprefix("file://")) / path).open("rb") as source:
                return hashing.of_open(source, sink) == digest
    except (OSError, ValueError, ShipwayError):
        scope.current().check()
        return False


def _downloaded(url: str, sink: BinaryIO, environ: Mapping[str, str]) -> Digest | None:
    """Copy what ``url`` answers, by the proxies and authorities that ``environ`` names."""
    from shipway.adapters.http.client import Http  # noqa: PLC0415  urllib3 is slow to load

    http = Http(network.from_environment(environ), "mirror")
    try:
        with http.send("GET", url, headers={}, follow=True) as answer:
            return hashing.of_pieces(answer.stream(), sink) if answer.status == _OK else None
    finally:
        http.close()


def offer(directory: Path, mirror: Path, files: Mapping[str, Digest]) -> None:
    """Put ``files`` of ``directory`` where :func:`fetch` finds them: in the folder ``mirror``."""
    (mirror / "sha256").mkdir(parents=True, exist_ok=True)
    for name, digest in files.items():
        shutil.copyfile(directory / name, mirror / "sha256" / hex_of(digest))
