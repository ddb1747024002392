"""The local store: what a run makes and reads, kept as an OCI image layout.

Wiring makes one per process, by default in ``$XDG_DATA_HOME/shipway/store``. It implements
``core.ports.content`` (Content, Encodings, Pins). Other tools read it as it lies (``skopeo
inspect oci:DIR:NAME``). Only :mod:`.keeper` removes blobs.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.adapters import durable
from shipway.adapters.content import codecs, faults
from shipway.adapters.content.blobs import Blobs
from shipway.adapters.content.pins import Pins, replace
from shipway.core.oci import digest as digests
from shipway.core.oci.descriptor import LAYER_GZIP, LAYER_TAR, Descriptor
from shipway.core.oci.layer import Encoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shipway.core.oci.digest import Digest


def default_root(environment: Mapping[str, str]) -> Path:
    """Return where the store of this user lies (XDG Base Directory Specification)."""
    data = environment.get("XDG_DATA_HOME", "")
    if not data.startswith("/"):
        data = str(Path(environment.get("HOME") or "~").expanduser() / ".local" / "share")
    return Path(data) / "shipway" / "store"


class Store:
    """An OCI image layout at ``root``, safe to share between processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = Blobs(root)
        self._pins = Pins(root)
        self._use = -1

    def hold(self) -> None:
        """Use the store for as long as this process lives: no blob is removed meanwhile.

        Waits while another process removes some. Where nothing can be written, nothing is removed.
        """
        with contextlib.suppress(OSError):
            durable.folder(self.root)
            self._use = os.open(
                self.root / "use.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            fcntl.flock(self._use, fcntl.LOCK_SH)

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Say whether no other process holds the store, and let none begin to meanwhile."""
        if self._use < 0:
            self.hold()
        if self._use < 0:
            yield False
            return
        try:
            fcntl.flock(self._use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            won = True
        except OSError:
            won = False
        try:
            yield won
        finally:
            with contextlib.suppress(OSError):
                fcntl.flock(self._use, fcntl.LOCK_SH)

    def place(self, digest: Digest) -> Path:
        """Return where a blob lies, or would."""
        return self._blobs.place(digest)

    def put(self, data: bytes, media_type: str) -> Descriptor:
        """Store ``data``; on disk at the latest after :meth:`pin` or :meth:`flush`."""
        return self._blobs.put(data, media_type)

    def adopt(self, path: str, media_type: str) -> Descriptor:
        """Store the file at ``path``; it is moved away where that is cheaper."""
        return self._blobs.adopt(Path(path), media_type)

    def compose(self, parts: Sequence[bytes | Digest], media_type: str) -> Descriptor:
        """Store the concatenation of literal bytes and whole blobs."""
        return self._blobs.compose(parts, media_type)

    def gather(self, chunks: Iterable[bytes], expected: Descriptor) -> Descriptor:
        """Store what arrives in pieces if it is exactly ``expected``."""
        return self._blobs.gather(chunks, expected)

    def has(self, digest: Digest) -> bool:
        """Return whether the blob is here."""
        return self._blobs.has(digest)

    def read(self, digest: Digest) -> bytes:
        """Return a blob's bytes, proved by its digest."""
        return self._blobs.read(digest)

    def chunks(self, digest: Digest, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield a blob in pieces, proving its digest at the end."""
        return self._blobs.chunks(digest, size)

    def path(self, digest: Digest) -> str:
        """Return a path where the proved blob can be read."""
        return str(self._blobs.path(digest))

    def flush(self) -> None:
        """Return when all that was stored survives a power cut."""
        self._blobs.flush()

    def settle(self) -> None:
        """Return when the small blobs stored so far survive a power cut; before they are named."""
        self._blobs.flush(everything=False)

    def sweep(self) -> None:
        """Remove what killed processes left half written; the first write does so, too."""
        self._blobs.sweep()

    def encode(self, diff_id: Digest, compression: str) -> Encoded:
        """Return the layer as ``compression`` has it; compressed once, then remembered."""
        compressor = codecs.compressor(compression)
        if compression == "none":
            size = self._blobs.size(diff_id)
            return Encoded(Descriptor(LAYER_TAR, digests.parse(diff_id), size), compressor)
        note = self._note(diff_id, compressor)
        known = _remembered(note)
        if known and known.compressor == compressor and self.has(known.layer.digest):
            return known
        found = Encoded(self._compress(diff_id, compression), compressor)
        with faults.writing(note):
            durable.folder(note.parent)
            replace(note, msgspec.json.encode(found))
        return found

    def pin(self, name: str, descriptor: Descriptor) -> None:
        """Name ``descriptor`` in ``index.json``; small blobs stored before are durable then."""
        self._blobs.flush(everything=False)
        self._pins.change(lambda names: names.update({name: descriptor}))

    def unpin(self, name: str) -> None:
        """Forget ``name``."""
        self._pins.change(lambda names: _forget(names, name))

    def pins(self) -> dict[str, Descriptor]:
        """Return all names and what they stand for."""
        return self._pins.all()

    def pinned(self, name: str) -> Descriptor | None:
        """Return what ``name`` stands for."""
        return self._pins.all().get(name)

    def _compress(self, diff_id: Digest, compression: str) -> Descriptor:
        with (
            Path(self.path(diff_id)).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            return self._blobs.spool(_checked(codecs.compress(data, compression)), LAYER_GZIP)

    def _note(self, diff_id: Digest, compressor: str) -> Path:
        key = digests.hex_of(digests.of(compressor.encode()))[:12]
        return self.root / "encodings" / f"{digests.hex_of(diff_id)}.{key}.json"


def _forget(names: dict[str, Descriptor], name: str) -> None:
    names.pop(name, None)


def _remembered(note: Path) -> Encoded | None:
    """Return what was noted of an encoding; one that cannot be read is made again."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return msgspec.json.decode(note.read_bytes(), type=Encoded)
    return None


def _checked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        scope.current().check()
        yield chunk
