"""Blobs on disk, named by their digest: ``blobs/sha256/HEX`` of an OCI image layout.

Only :mod:`.store` calls this. A blob appears whole or not at all: it is written beside and moved
into place, so neither kill -9 nor another process at the same work leaves half of one.

Durability: ``fsync`` of every blob would be the slowest part of a build, and content is proved by
its digest whenever it is read. So small blobs (what links and manifests are) are written through
by a thread while the work goes on, and a pin waits for them; big ones are left to the kernel
until :meth:`Blobs.flush`, or until another process meets them. A blob that was not written
through yet has a write bit, and counts only after it was hashed: a power cut may have torn it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import threading
import time
from typing import TYPE_CHECKING

from shipway import scope
from shipway.adapters import durable
from shipway.adapters.content import bytework, faults
from shipway.adapters.content.pieces import Piece
from shipway.core.oci import digest as digests
from shipway.core.oci.descriptor import Descriptor
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from shipway.core.oci.digest import Digest

_UNSETTLED = 0o200
_SMALL = 1 << 20
_ORPHAN_AGE = 3600.0


class Blobs:
    """The blobs below ``root``, which is made on first use."""

    def __init__(self, root: Path) -> None:
        self._folder = root / "blobs" / "sha256"
        self._ingest = root / "ingest"
        self._lock = threading.Lock()
        self._proved: dict[Digest, bytework.Identity] = {}
        self._settling: list[threading.Thread] = []
        self._large: list[Digest] = []
        self._failed: list[OSError] = []
        self._ready = False

    def place(self, digest: Digest) -> Path:
        """Return where a blob lies, or would."""
        return self._folder / digests.hex_of(digests.parse(digest))

    def has(self, digest: Digest) -> bool:
        """Return whether the blob is here; an unsettled one of another process is hashed."""
        try:
            found = self.place(digest).stat()
        except OSError:
            return False
        return not found.st_mode & _UNSETTLED or self._meet(digest)

    def size(self, digest: Digest) -> int:
        """Return a blob's size in bytes.

        Raises:
            ShipwayError: ``content.missing``.
        """
        try:
            return self.place(digest).stat().st_size
        except OSError as error:
            raise faults.missing(digest, error) from error

    def put(self, data: bytes, media_type: str) -> Descriptor:
        """Store ``data``."""
        digest = digests.of(data)
        if not self._is_sound(digest):
            with self._writing() as (file, path):
                bytework.write(file, data)
                self._keep(file, path, digest)
        return Descriptor(media_type, digest, len(data))

    def adopt(self, path: Path, media_type: str) -> Descriptor:
        """Store the file at ``path``: moved where it is on the same file system, else copied."""
        with faults.reading(path), path.open("rb") as source:
            size = os.fstat(source.fileno()).st_size
            digest = bytework.hash_file(source.fileno(), size)
            if not self._is_sound(digest):
                self._take(source.fileno(), path, digest)
        return Descriptor(media_type, digest, size)

    def compose(self, parts: Sequence[bytes | Digest], media_type: str) -> Descriptor:
        """Store the concatenation; copied by the kernel while it is hashed here."""
        with contextlib.ExitStack() as stack:
            pieces = [stack.enter_context(Piece(self, part)) for part in parts]
            file, path = stack.enter_context(self._writing())
            inside = stack.enter_context(scope.open())
            copying = inside.spawn(_copy_all, pieces, file)
            digest = self._prove(pieces)
            copying.join()
            if not self._is_sound(digest):
                self._keep(file, path, digest)
            return Descriptor(media_type, digest, sum(piece.size for piece in pieces))

    def gather(self, chunks: Iterable[bytes], expected: Descriptor) -> Descriptor:
        """Store what arrives, if it is what was expected."""
        most = None if expected.size < 0 else expected.size
        with self._writing() as (file, path):
            found, size = bytework.pour(chunks, file, most)
            if found != expected.digest or expected.size not in {-1, size}:
                raise faults.altered(expected.digest, f"{size} bytes with digest {found} came")
            if not self._is_sound(found):
                self._keep(file, path, found)
        return Descriptor(expected.media_type, found, size)

    def spool(self, chunks: Iterable[bytes], media_type: str) -> Descriptor:
        """Store what arrives, whatever it is."""
        with self._writing() as (file, path):
            digest, size = bytework.pour(chunks, file, None)
            self._keep(file, path, digest)
        return Descriptor(media_type, digest, size)

    def read(self, digest: Digest) -> bytes:
        """Return a blob's bytes, proved."""
        with self.open(digest) as file:
            data = bytework.read_all(file)
            if digests.of(data) != digest:
                self._distrust(file)
            digests.check(data, digest)
            self._remember(digest, file)
        return data

    def chunks(self, digest: Digest, size: int) -> Iterator[bytes]:
        """Yield a blob in pieces, proving it at the end."""
        hasher = hashlib.sha256()
        with self.open(digest) as file:
            while chunk := os.read(file, size):
                hasher.update(chunk)
                yield chunk
            if (found := digests.from_hex(hasher.hexdigest())) != digest:
                self._distrust(file)
        if found != digest:
            raise faults.altered(digest, f"its bytes have digest {found}")

    def path(self, digest: Digest) -> Path:
        """Return where the blob can be read, once its bytes were proved to be unaltered."""
        with self.open(digest) as file:
            if self._proved.get(digest) != bytework.identity(file):
                found = bytework.hash_file(file, os.fstat(file).st_size)
                if found != digest:
                    self._distrust(file)
                    raise faults.altered(digest, f"its bytes have digest {found}")
                self._remember(digest, file)
        return self.place(digest)

    @staticmethod
    def _distrust(file: int) -> None:
        """Mark an altered blob as one that counts only after it was hashed: it is made anew."""
        with contextlib.suppress(OSError):
            os.fchmod(file, os.fstat(file).st_mode | _UNSETTLED)

    def flush(self, *, everything: bool = True) -> None:
        """Return when what was stored so far survives a power cut; or only the small blobs.

        Raises:
            ShipwayError: ``content.disk`` where the disk refused.
        """
        with self._lock:
            large = self._large if everything else []
            self._large = [] if everything else self._large
        for digest in large:
            with contextlib.suppress(ShipwayError), self.open(digest) as file:
                self._settle_beside(file)
        with self._lock:
            settling, self._settling = self._settling, []
        for thread in settling:
            thread.join()
        with self._lock:
            failed, self._failed = self._failed, []
        if failed:
            raise faults.disk(self._folder, failed[0]) from failed[0]
        if settling:
            with faults.writing(self._folder):
                durable.sync(self._folder)

    def sweep(self) -> None:
        """Remove what killed processes left half written; what is being written is locked."""
        for path in self._ingest.glob("*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _ORPHAN_AGE:
                    with path.open("rb") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        path.unlink()

    def _prove(self, pieces: list[Piece]) -> Digest:
        """Return the digest of all pieces together; each blob among them is proved."""
        hasher = hashlib.sha256()
        for piece in pieces:
            piece.prove()
            hasher.update(piece.view)
        return digests.from_hex(hasher.hexdigest())

    def _is_sound(self, digest: Digest) -> bool:
        """Return whether the blob is here with its own bytes; hashed once per process."""
        try:
            file = os.open(self.place(digest), os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            if self._proved.get(digest) == bytework.identity(file):
                return True
            if bytework.hash_file(file, os.fstat(file).st_size) != digest:
                return False
            self._remember(digest, file)
        finally:
            os.close(file)
        return True

    def _remember(self, digest: Digest, file: int) -> None:
        with self._lock:
            self._proved[digest] = bytework.identity(file)

    @contextlib.contextmanager
    def open(self, digest: Digest) -> Iterator[int]:
        """Yield a blob's file, open for reading."""
        try:
            file = os.open(self.place(digest), os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise faults.missing(digest, error) from error
        try:
            yield file
        finally:
            os.close(file)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[int, Path]]:
        """Yield a new file that is gone afterwards unless it was kept."""
        with faults.writing(self._folder):
            self._prepare()
            path = self._ingest / os.urandom(12).hex()
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file, path
            finally:
                os.close(file)
                path.unlink(missing_ok=True)

    def _prepare(self) -> None:
        if not self._ready:
            durable.folder(self._folder)
            self._ingest.mkdir(exist_ok=True)
            self._ready = True
            self.sweep()

    def _keep(self, file: int, path: Path, digest: Digest) -> None:
        """Move a complete file into place and settle it beside."""
        os.fchmod(file, os.fstat(file).st_mode & 0o111 | 0o444 | _UNSETTLED)
        path.rename(self.place(digest))
        self._remember(digest, file)
        if os.fstat(file).st_size <= _SMALL:
            self._settle_beside(file)
        else:
            with self._lock:
                self._large.append(digest)

    def _meet(self, digest: Digest) -> bool:
        """Return whether an unsettled blob is sound; one of another process is settled then."""
        mine = digest in self._proved
        if not self._is_sound(digest):
            return False
        if not mine:
            with self.open(digest) as file:
                self._settle_beside(file)
        return True

    def _settle_beside(self, file: int) -> None:
        thread = threading.Thread(target=self._settle, args=(os.dup(file),))
        with self._lock:  # started inside: who flushes beside must not join it before
            thread.start()
            self._settling.append(thread)

    def _settle(self, file: int) -> None:
        """Write one file through to the disk, then mark it."""
        try:
            os.fsync(file)
            os.fchmod(file, os.fstat(file).st_mode & ~_UNSETTLED)
        except OSError as error:
            with self._lock:
                self._failed.append(error)
        finally:
            os.close(file)

    def _take(self, source: int, path: Path, digest: Digest) -> None:
        """Move the file into place, or copy it where it has other names or another disk."""
        found = os.fstat(source)
        self._prepare()
        if found.st_nlink == 1 and found.st_dev == self._ingest.stat().st_dev:
            self._keep(source, path, digest)
            return
        with self._writing() as (file, name):
            os.fchmod(file, found.st_mode)
            bytework.copy(source, file, found.st_size)
            self._keep(file, name, digest)


def _copy_all(pieces: list[Piece], file: int) -> None:
    for piece in pieces:
        piece.copy_to(file)
