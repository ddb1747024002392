"""A power cut at any moment of a run's writing: what was promised is there, nothing else counts.

No order of writes is assumed: see :mod:`fakes.powercut`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from fakes.powercut import HARMS, Disk, left
from shipway.adapters.content.keeper import Keeper
from shipway.adapters.content.links import LinkStore
from shipway.adapters.content.store import Store
from shipway.adapters.files import Folder
from shipway.adapters.journal import LocalRuns
from shipway.adapters.keys import KeyFolder
from shipway.adapters.userfiles import AccountFiles, person
from shipway.core.evidence.link import Link
from shipway.core.growth.ledger import Build
from shipway.core.oci.descriptor import LAYER_TAR, MANIFEST, OCTETS
from shipway.core.oci.digest import of
from shipway.core.run.note import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.oci.descriptor import Descriptor

SUBJECT = of(b"image")
BUNDLE, LAYER, BIG = b"bundle" * 50, b"layer" * 2000, b"big" * 350_000
LOCK, LOGIN = b"pins = 1\n", '{"auths": {}}'
BUILD = Build(project="p", service="s", repository="r", manifests=(of(b"m"),), blobs={})
NOTE = Note(
    run="1", trace="t", number=1, step="build", version="1", began=1.0, request=of(b"asked")
)


class Home:
    """A person's home with all that a run writes there; each step ends with a promise."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store = Store(root / "data/shipway/store")
        self.links = LinkStore(self.store)
        self.keeper = Keeper(self.store)
        self.keys = KeyFolder(str(root / "config/shipway/keys"), passphrase="")
        self.runs = LocalRuns(str(root / "state/shipway"))
        self.files = AccountFiles(person({"HOME": str(root)}), {})
        self.project = Folder(str(root / "project"))
        self.logins = str(root / ".docker/config.json")

    def work(self) -> Iterator[Callable[[Home], bool]]:
        """Do one thing after the other; what is yielded holds from then on, whatever happens."""
        manifest = self._manifest()
        self.links.keep([_link(manifest, self.store.put(BUNDLE, OCTETS))])
        yield (
            lambda after: (
                [after.store.read(one.digest) for one in after.links.about(SUBJECT)]
                == [self.store.read(manifest.digest)]
            )
        )
        self.keeper.note(lambda known: known.made([BUILD]))
        yield lambda after: after.keeper.ledger().builds == (BUILD,)
        self.keys.signer()
        yield lambda after: after.key() == self.key() != b""
        self.project.replace("shipway.lock", LOCK)
        yield lambda after: after.project.read("shipway.lock") == LOCK
        self.files.change(self.logins, lambda _: LOGIN)
        yield lambda after: after.files.read(after.logins) == LOGIN
        journal = self.runs.open("1")
        journal.write(NOTE)
        journal.append(b'{"event": "x"}\n')
        journal.sync()
        yield lambda after: after.runs.notes("1") == (NOTE,) and after.runs.events("1") != b""
        journal.close()
        layer = self.store.put(LAYER, LAYER_TAR)
        self.store.pin("small", layer)
        yield lambda after: after.store.read(after.store.pins()["small"].digest) == LAYER
        self.store.encode(layer.digest, "fast")
        self.store.put(BIG, OCTETS)
        self.store.flush()
        yield lambda after: after.store.read(of(BIG)) == BIG

    def key(self) -> bytes:
        """Return the private key's file as it is: to open it takes a while."""
        return Path(self.keys.path).read_bytes() if self.keys.exists() else b""

    def _manifest(self) -> Descriptor:
        return self.store.put(msgspec.json.encode({"layers": []}), MANIFEST)

    def sound(self) -> None:
        """See that nothing is taken for what it is not, and that the same work can be done."""
        for data in (BUNDLE, LAYER, BIG):
            assert not self.store.has(of(data)) or self.store.read(of(data)) == data
        assert self.keeper.ledger().builds in [(), (BUILD,)]
        assert self.files.read(self.logins) in {None, LOGIN}
        assert self.project.read("shipway.lock") in {None, LOCK}
        for note, place in self.runs.abandoned():
            place.write(note)
        layer = self.store.put(LAYER, LAYER_TAR)
        assert self.store.read(self.store.encode(layer.digest, "fast").layer.digest)
        self.store.pin("again", layer)


def _link(manifest: Descriptor, bundle: Descriptor) -> Link:
    return Link(
        predicate_type="https://example.com/p",
        payload=of(b"payload"),
        bundle=bundle,
        manifest=manifest,
        subject=SUBJECT,
    )


def test_what_was_promised_survives(tmp_path: Path) -> None:
    """Wherever it is cut, and whatever of the rest the disk kept: nothing promised is lost."""
    (tmp_path / "home").mkdir()
    disk = Disk(tmp_path / "home")
    home, promises = Home(disk.root), []
    with disk.overheard():
        for promise in home.work():
            promises.append(promise)
            disk.done += 1
    disks = {
        left(moment, harm): moment.done  # of the same disk at several moments the last one
        for number, moment in enumerate(disk.moments)
        for harm in (*HARMS, f"random {number}")
    }
    assert len(disks) > 100

    for number, (image, done) in enumerate(disks.items()):
        place = tmp_path / str(number)
        image.write(place)
        after = Home(place)
        broken = [at for at in range(done) if not promises[at](after)]
        assert not broken, (place, done)
        after.sound()
        assert after.key() in {b"", home.key()}
        shutil.rmtree(place)
