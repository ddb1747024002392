"""The store on disk: a layout others read, whole blobs only, safe between processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from shipway import scope
from shipway.adapters.content import codecs
from shipway.adapters.content.pins import replace
from shipway.adapters.content.store import Store, default_root
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import CONFIG, LAYER_TAR, MANIFEST, OCTETS, Descriptor, describe
from shipway.core.oci.digest import Digest, of
from shipway.errors import ShipwayError


def _file(store: Store, digest: Digest) -> Path:
    return store.root / "blobs" / "sha256" / digest[7:]


def _run(code: str, *arguments: Any) -> subprocess.Popen[bytes]:
    program = textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE
    )


def test_default_root_follows_xdg() -> None:
    """XDG_DATA_HOME where it is absolute, else the home folder's default."""
    assert default_root({"XDG_DATA_HOME": "/d", "HOME": "/h"}) == Path("/d/shipway/store")
    assert default_root({"XDG_DATA_HOME": "rel", "HOME": "/h"}) == Path(
        "/h/.local/share/shipway/store"
    )
    assert default_root({}).is_absolute()


def test_it_is_an_image_layout(tmp_path: Path) -> None:
    """oci-layout and index.json are the specification's, names stand in the annotation."""
    store = Store(tmp_path)
    at = store.put(b"m", MANIFEST)

    store.pin("shop/web:v1", at)

    assert json.loads((tmp_path / "oci-layout").read_bytes()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((tmp_path / "index.json").read_bytes())
    assert index["schemaVersion"] == 2
    assert index["manifests"] == [
        {
            "mediaType": MANIFEST,
            "digest": at.digest,
            "size": 1,
            "annotations": {"org.opencontainers.image.ref.name": "shop/web:v1"},
        }
    ]


def test_skopeo_reads_it(tmp_path: Path) -> None:
    """An independent reader inspects an image by its pinned name."""
    store = Store(tmp_path)
    layer = store.put(bytes(10240), LAYER_TAR)
    rootfs = {"type": "layers", "diff_ids": [layer.digest]}
    raw = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs}
    config = store.put(json.dumps(raw).encode(), CONFIG)
    store.pin("web", store.put(manifest.image(config, (layer,), {}), MANIFEST))

    done = subprocess.run(
        ["/usr/bin/env", "skopeo", "inspect", f"oci:{tmp_path}:web"],
        capture_output=True,
        check=True,
    )

    assert json.loads(done.stdout)["Layers"] == [layer.digest]


def test_entries_of_others_stay_in_the_index(tmp_path: Path) -> None:
    """What another tool listed without a name survives our changes."""
    foreign = describe(b"foreign", MANIFEST)
    (tmp_path / "index.json").write_bytes(manifest.index((foreign,)))
    store = Store(tmp_path)

    store.pin("x", describe(b"mine", MANIFEST))
    store.unpin("x")

    found = manifest.parse_index((tmp_path / "index.json").read_bytes())
    assert found.manifests == (foreign,)


def test_pinning_the_same_again_writes_nothing(tmp_path: Path) -> None:
    """An unchanged index keeps its inode."""
    store = Store(tmp_path)
    store.pin("x", describe(b"1", MANIFEST))
    before = (tmp_path / "index.json").stat().st_ino

    store.pin("x", describe(b"1", MANIFEST))

    assert (tmp_path / "index.json").stat().st_ino == before


def test_adopt_moves_within_one_disk(tmp_path: Path) -> None:
    """A file with one name is moved, keeps its right to run, and is no longer writable."""
    store = Store(tmp_path / "store")
    file = tmp_path / "tool"
    file.write_text("#!/bin/sh\necho ran\n")
    file.chmod(0o755)
    inode = file.stat().st_ino

    digest = store.adopt(str(file), OCTETS).digest
    store.flush()

    assert not file.exists()
    place = Path(store.path(digest))
    assert (inode, 0o555) == (place.stat().st_ino, stat.S_IMODE(place.stat().st_mode))
    assert subprocess.run([place], capture_output=True, check=True).stdout == b"ran\n"


def test_adopt_copies_what_has_other_names_or_is_known(tmp_path: Path) -> None:
    """A file with two names stays where it is, and so does one whose bytes are there already."""
    store = Store(tmp_path / "store")
    file, other = tmp_path / "a", tmp_path / "b"
    file.write_bytes(b"bytes" * 100)
    other.hardlink_to(file)

    first = store.adopt(str(file), OCTETS)
    file.write_bytes(b"other" * 100)

    assert store.read(first.digest) == b"bytes" * 100
    third = tmp_path / "c"
    third.write_bytes(b"bytes" * 100)
    assert store.adopt(str(third), OCTETS) == first


def test_adopt_says_what_it_cannot_read(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(ShipwayError) as caught:
        Store(tmp_path).adopt(str(tmp_path / "none"), OCTETS)

    assert caught.value.id == "content.source"


def test_an_empty_file_is_a_blob(tmp_path: Path) -> None:
    """Nothing to map is no fault."""
    store = Store(tmp_path / "store")
    (tmp_path / "e").touch()

    digest = store.adopt(str(tmp_path / "e"), OCTETS).digest

    assert store.compose([digest, b"x", digest], "").size == 1


def test_small_blobs_are_settled_by_a_pin_and_all_by_flush(tmp_path: Path) -> None:
    """The write bit, which says not yet on disk, goes from small blobs first."""
    store = Store(tmp_path)
    small, large = store.put(b"s", ""), store.put(bytes(2 << 20), "")

    store.pin("x", small)
    modes = [_file(store, at.digest).stat().st_mode & 0o200 for at in (small, large)]
    store.flush()

    assert modes == [0, 0o200]
    assert _file(store, large.digest).stat().st_mode & 0o222 == 0


@pytest.mark.parametrize("torn", [b"", b"half", bytes(100)])
def test_a_blob_torn_by_a_power_cut_does_not_count(tmp_path: Path, torn: bytes) -> None:
    """One that never reached the disk is found out by its bytes, and made anew."""
    data = b"x" * 100
    place = tmp_path / "blobs" / "sha256" / of(data)[7:]
    place.parent.mkdir(parents=True)
    place.write_bytes(torn)
    place.chmod(0o644)
    store = Store(tmp_path)

    assert not store.has(of(data))
    store.put(data, "")
    assert store.read(of(data)) == data


def test_a_sound_blob_of_another_process_is_settled_when_met(tmp_path: Path) -> None:
    """It is hashed once, and then marked."""
    Store(tmp_path).put(bytes(2 << 20), "")
    digest = of(bytes(2 << 20))
    met = Store(tmp_path)

    assert met.has(digest)
    met.flush()
    assert _file(met, digest).stat().st_mode & 0o222 == 0


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    """A folder that cannot be made is named, as content.disk."""
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "store")

    for way in (
        lambda: store.put(b"x", ""),
        lambda: store.pin("x", describe(b"x", "")),
        lambda: store.gather([b"x"], describe(b"x", "")),
    ):
        with pytest.raises(ShipwayError) as caught:
            way()
        assert caught.value.id == "content.disk"


def test_kill_9_while_writing_leaves_nothing_half(tmp_path: Path) -> None:
    """Killed again and again while it stores, every blob that is there is whole."""
    code = """
        import sys
        from pathlib import Path
        from shipway.adapters.content.store import Store
        store = Store(Path(sys.argv[1]))
        print("ready", flush=True)
        for at in range(10**6):
            data = (b"%d-" % at) * 60_000
            store.compose([data, store.put(data, "").digest], "")
            store.pin(f"n{at % 7}", store.put(b"%d" % at, ""))
    """
    for delay in (0.0, 0.013, 0.05, 0.11):
        child = _run(code, tmp_path)
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        threading.Event().wait(delay)
        child.send_signal(signal.SIGKILL)
        child.communicate()

    store = Store(tmp_path)
    blobs = list((tmp_path / "blobs" / "sha256").iterdir())
    assert blobs
    for path in blobs:
        assert of(path.read_bytes()) == "sha256:" + path.name
    for at in store.pins().values():
        assert of(store.read(at.digest)) == at.digest


def test_two_processes_share_it(tmp_path: Path) -> None:
    """Both store the same and different blobs and pin them; no name and no byte is lost."""
    code = """
        import sys
        from pathlib import Path
        from shipway.adapters.content.store import Store
        store = Store(Path(sys.argv[1]))
        for at in range(40):
            store.put(b"same %d" % at * 1000, "")
            store.pin(f"{sys.argv[2]}-{at}", store.put(f"{sys.argv[2]} {at}".encode(), ""))
    """
    children = [_run(code, tmp_path, name) for name in ("one", "two")]
    assert [child.wait() for child in children] == [0, 0]
    for child in children:
        child.communicate()

    store = Store(tmp_path)
    pins = store.pins()
    assert {f"{name}-{at}" for name in ("one", "two") for at in range(40)} == set(pins)
    for at in pins.values():
        assert store.read(at.digest)


def test_sweep_takes_leftovers_only(tmp_path: Path) -> None:
    """What a killed process left goes after an hour; what is being written stays."""
    store = Store(tmp_path)
    store.put(b"x", "")
    old, new = tmp_path / "ingest" / "old", tmp_path / "ingest" / "new"
    for path in (old, new):
        path.touch()
    os.utime(old, (1, 1))

    store.sweep()

    assert not old.exists()
    assert new.exists()


def test_the_first_write_sweeps(tmp_path: Path) -> None:
    """Nobody has to remember it."""
    (tmp_path / "ingest").mkdir()
    old = tmp_path / "ingest" / "old"
    old.touch()
    os.utime(old, (1, 1))

    Store(tmp_path).put(b"x", "")

    assert not old.exists()


def test_a_disk_that_fails_while_settling_is_said(tmp_path: Path) -> None:
    """What the thread beside could not write through is told by the next flush, once."""
    store = Store(tmp_path)
    store._blobs._settle(os.open("/dev/null", os.O_RDONLY))

    with pytest.raises(ShipwayError) as caught:
        store.flush()
    assert caught.value.id == "content.disk"
    store.flush()


def test_a_pointer_that_cannot_be_replaced_leaves_nothing(tmp_path: Path) -> None:
    """The file beside goes when the rename fails."""
    (tmp_path / "taken").mkdir()

    with pytest.raises(OSError, match="taken"):
        replace(tmp_path / "taken", b"x")

    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_known_bytes_are_not_written_again(tmp_path: Path) -> None:
    """Gathering and composing what is there keep the file that is there."""
    store = Store(tmp_path)
    at = store.put(b"abc", "")
    inode = _file(store, at.digest).stat().st_ino

    store.gather([b"abc"], at)
    store.compose([b"a", b"bc"], "")

    assert _file(store, at.digest).stat().st_ino == inode


def test_sweep_leaves_what_is_locked(tmp_path: Path) -> None:
    """However old, a file that its writer holds is not taken."""
    store = Store(tmp_path)
    held = threading.Event()
    go_on = threading.Event()

    def slow() -> Any:
        yield b"a"
        held.set()
        go_on.wait(5)
        yield b"b"

    with scope.open() as inside:
        task = inside.spawn(store.gather, slow(), describe(b"ab", ""))
        held.wait(5)
        (path,) = (tmp_path / "ingest").iterdir()
        os.utime(path, (1, 1))
        store.sweep()
        go_on.set()
        task.join()

    assert store.read(of(b"ab")) == b"ab"


def test_encodings_are_remembered_between_processes(tmp_path: Path) -> None:
    """A layer is compressed once; a lost blob or a broken note is made anew."""
    store = Store(tmp_path)
    diff_id = store.put(b"layer" * 1000, LAYER_TAR).digest
    first = store.encode(diff_id, "fast")
    place = _file(store, first.layer.digest)
    inode = place.stat().st_ino

    assert Store(tmp_path).encode(diff_id, "fast") == first
    assert place.stat().st_ino == inode
    place.unlink()
    assert Store(tmp_path).encode(diff_id, "fast") == first
    (note,) = (tmp_path / "encodings").iterdir()
    note.write_bytes(b"{")
    assert Store(tmp_path).encode(diff_id, "fast") == first


def test_compressors_are_named_with_version_and_level() -> None:
    """What provenance carries says program, version and level."""
    assert codecs.compressor("none") == "none"
    assert codecs.compressor("fast").startswith("isal ")
    assert codecs.compressor("fast").endswith("level 1")
    assert codecs.compressor("small").startswith("libdeflate")
    assert codecs.compressor("small").endswith("level 6")


def test_big_compositions_are_copied_whole(tmp_path: Path) -> None:
    """Several mebibytes from a blob arrive to the last byte, also where the disk differs."""
    store = Store(tmp_path)
    data = os.urandom(5 << 20)
    digest = store.put(data, "").digest

    found = store.compose([b"head", digest, b"tail"], "")

    assert store.read(found.digest) == b"head" + data + b"tail"


def test_adopt_from_another_disk(tmp_path: Path) -> None:
    """A file on another file system is copied."""
    other = Path("/dev/shm") / f"shipway-test-{os.getpid()}"
    other.write_bytes(b"z" * 5000)
    try:
        found = Store(tmp_path).adopt(str(other), OCTETS)
    finally:
        other.unlink()

    assert Store(tmp_path).read(found.digest) == b"z" * 5000
    assert found == Descriptor(OCTETS, of(b"z" * 5000), 5000)
