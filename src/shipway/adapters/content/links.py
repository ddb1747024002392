"""The links of this machine by what they are about: ``links/HH/HEX.json`` in the store's folder.

Called through ``core.ports.evidence``. One small file a subject, so that a long history costs a
run nothing. It is an index only: every manifest in it names its subject itself.
"""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters import durable
from shipway.adapters.content import faults
from shipway.adapters.content.pins import replace
from shipway.core.oci.descriptor import Descriptor
from shipway.core.oci.digest import Digest, hex_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from shipway.adapters.content.store import Store
    from shipway.core.evidence.link import Link

FOLDER = "links"


class LinkStore:
    """Links by subject, beside the blobs that hold them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.root / FOLDER

    def keep(self, links: Sequence[Link]) -> None:
        """Note each link under its subject, once its blobs survive a power cut."""
        by_subject: dict[Digest, dict[Digest, Descriptor]] = {}
        for link in links:
            by_subject.setdefault(link.subject, {})[link.payload] = link.manifest
        if not by_subject:
            return
        self._store.settle()
        with faults.writing(self._folder), self._locked():
            for subject, named in by_subject.items():
                place = self._place(subject)
                known = _read(place)
                if known | named != known:
                    durable.folder(place.parent)
                    replace(place, msgspec.json.encode(dict(sorted((known | named).items()))))

    def about(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Return the manifests of the links about ``subject``, by payload digest."""
        return tuple(_read(self._place(subject)).values())

    def _place(self, subject: Digest) -> Path:
        name = hex_of(subject)
        return self._folder / name[:2] / f"{name}.json"

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        durable.folder(self._folder)
        with (self._folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _read(place: Path) -> dict[Digest, Descriptor]:
    """Return what a file names; one that is not there, or cannot be read, names nothing."""
    with contextlib.suppress(OSError, msgspec.DecodeError, UnicodeDecodeError):
        return msgspec.json.decode(place.read_bytes(), type=dict[Digest, Descriptor])
    return {}
