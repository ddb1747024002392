"""Looking into files of anybody on this machine's disk (``core.ports.looking``).

Only wiring makes one. Programs are mapped, never run.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import stat
import threading
from typing import TYPE_CHECKING

from shipway.core.oci.digest import Digest
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.supply.programs import Program

_PIECE = 1 << 20


class LocalLooking:
    """This machine's files."""

    def __init__(self) -> None:
        self._begun: dict[str, _Hashing] = {}

    def ahead(self, path: str) -> None:
        """Begin to hash a file that :meth:`program` will be asked for, if it is one."""
        with contextlib.suppress(OSError):
            if self.shape(path) == "file":
                self._begun[path] = _Hashing(path)

    def shape(self, path: str) -> str:
        """Return what lies at ``path``."""
        with contextlib.suppress(OSError):
            return "folder" if stat.S_ISDIR(os.stat(path).st_mode) else "file"  # noqa: PTH116
        return ""

    def program(self, path: str) -> Program:
        """Return a Go program."""
        from shipway.core.golang import buildinfo  # noqa: PLC0415  while it is hashed
        from shipway.core.supply.programs import Program  # noqa: PLC0415

        with _told("reading", path):
            hashing = self._begun.pop(path, None) or _Hashing(path)
        try:
            info = buildinfo.parse(hashing.data)
        finally:
            digest = hashing.result()
        name = os.path.basename(path)  # noqa: PTH119
        return Program(name=name, digest=digest, info=info)

    def index(self, folder: str) -> bytes:
        """Return the index of an image layout."""
        from shipway.core.oci import layout, manifest  # noqa: PLC0415  a program needs neither

        path = os.path.join(folder, layout.INDEX_FILE)  # noqa: PTH118
        with _told("reading", path), open(path, "rb") as file:  # noqa: PTH123
            return file.read(manifest.LIMIT + 1)

    def blob(self, folder: str, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob of an image layout, proving its digest at the end."""
        from shipway.core.oci import layout  # noqa: PLC0415

        path = os.path.join(folder, layout.place(descriptor))  # noqa: PTH118
        found, size = hashlib.sha256(), 0
        with _told("reading", path), open(path, "rb") as file:  # noqa: PTH123
            while piece := file.read(_PIECE):
                found.update(piece)
                size += len(piece)
                yield piece
        if (f"sha256:{found.hexdigest()}", size) != (descriptor.digest, descriptor.size):
            raise ShipwayError(
                "content.altered",
                Kind.INTEGRITY,
                "its bytes are not what its name says",
                operation="reading",
                subject=path,
                hint="write the layout anew",
            )

    def write(self, path: str, data: bytes) -> None:
        """Write by a temporary file and a rename."""
        beside = f"{path}.{os.urandom(4).hex()}"
        with _told("writing", path):
            try:
                with open(beside, "xb") as file:  # noqa: PTH123
                    file.write(data)
                os.replace(beside, path)  # noqa: PTH105
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(beside)  # noqa: PTH108


class _Hashing:
    """A mapped file, hashed in a thread of its own; the hash leaves the interpreter to others."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:  # noqa: PTH123
            self._mapped = (
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                if os.fstat(file.fileno()).st_size
                else None  # nothing cannot be mapped
            )
        self.data = self._mapped or b""
        self._digest = ""
        self._thread = threading.Thread(target=self._hash, daemon=True)
        self._thread.start()

    def _hash(self) -> None:
        self._digest = hashlib.sha256(self.data).hexdigest()

    def result(self) -> Digest:
        """Return the digest, once it is there, and let go of the file."""
        self._thread.join()
        if self._mapped is not None:
            self._mapped.close()
        return Digest(f"sha256:{self._digest}")


@contextlib.contextmanager
def _told(operation: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ShipwayError(
            "files.refused",
            Kind.MISSING,
            error.strerror or str(error),
            operation=operation,
            subject=path,
            hint="check the path, its owner and its permissions",
        ) from error
