"""Names for what must be kept: ``index.json`` of the layout (image-spec, image-layout.md).

Only :mod:`.store` calls this. The file is replaced as a whole, by temporary file, fsync and
rename, under a lock that other processes of ours take too.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters import durable
from shipway.adapters.content import faults
from shipway.core.oci import manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shipway.core.oci.descriptor import Descriptor

REF = "org.opencontainers.image.ref.name"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'


class Pins:
    """The names in ``root``."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._index = root / "index.json"

    def all(self) -> dict[str, Descriptor]:
        """Return every name and what it stands for."""
        return {at.annotations[REF]: _bare(at) for at in self._entries() if REF in at.annotations}

    def change(self, edit: Callable[[dict[str, Descriptor]], None]) -> None:
        """Let ``edit`` change the names; no other process changes them meanwhile."""
        with faults.writing(self._index), self._locked():
            others = [at for at in self._entries() if REF not in at.annotations]
            names = self.all()
            before = dict(names)
            edit(names)
            if names == before and self._index.exists():
                return
            named = [_named(name, names[name]) for name in sorted(names)]
            replace(self._index, manifest.index((*others, *named)))

    def _entries(self) -> tuple[Descriptor, ...]:
        try:
            return manifest.parse_index(self._index.read_bytes(), limit=None).manifests
        except FileNotFoundError:
            return ()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        durable.folder(self._root)
        with (self._root / "index.lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not (layout := self._root / "oci-layout").exists():
                replace(layout, _LAYOUT)
            yield


def replace(path: Path, data: bytes) -> None:
    """Replace the file at ``path`` by ``data``, durably and at once."""
    beside = path.parent / f".{path.name}.{os.urandom(6).hex()}"
    try:
        with beside.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    durable.sync(path.parent)


def _named(name: str, at: Descriptor) -> Descriptor:
    return msgspec.structs.replace(at, annotations={**at.annotations, REF: name})


def _bare(at: Descriptor) -> Descriptor:
    notes = {key: value for key, value in at.annotations.items() if key != REF}
    return msgspec.structs.replace(at, annotations=notes)
