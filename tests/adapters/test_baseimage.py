"""Base images: ours from pinned packages, theirs pinned by digest and proved layer by layer."""

from __future__ import annotations

import gzip
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from fakes import elf
from fakes.content import MemoryContent
from fakes.registry import MemoryRegistry
from shipway.adapters import baseimage
from shipway.adapters.baseimage import BaseImages
from shipway.core.oci import manifest, static
from shipway.core.oci.config import Execution
from shipway.core.oci.descriptor import (
    CONFIG,
    INDEX,
    LAYER_GZIP,
    LAYER_TAR,
    MANIFEST,
    Descriptor,
    Platform,
    describe,
)
from shipway.core.oci.digest import of
from shipway.core.oci.layer import Entry, Type, archive
from shipway.errors import Kind, ShipwayError

AMD64 = Platform("amd64")
REPOSITORY = "r.example/base"


class World:
    """A registry with a base image in it, and a store."""

    def __init__(self) -> None:
        self.content = MemoryContent()
        self.registry = MemoryRegistry()
        self.bases = BaseImages(self.content, self.registry)

    def push(
        self, *tars: bytes, kind: str = LAYER_GZIP, config: Any = None, twisted: bool = False
    ) -> Descriptor:
        """Push a base of these layers."""
        source = MemoryContent()
        packed = [gzip.compress(tar) if kind != LAYER_TAR else tar for tar in tars]
        layers = tuple(source.put(data, kind) for data in packed)
        raw = {
            "architecture": "amd64",
            "os": "linux",
            "config": config or {},
            "rootfs": {
                "type": "layers",
                "diff_ids": [of(tar + b"!" if twisted else tar) for tar in tars],
            },
        }
        at = source.put(json.dumps(raw).encode(), CONFIG)
        for blob in (*layers, at):
            self.registry.push_blob(REPOSITORY, blob, source)
        return self.registry.push_manifest(
            REPOSITORY, manifest.image(at, layers, {}), MANIFEST, "latest"
        )

    def pull(self, at: Descriptor, platform: Platform = AMD64) -> Any:
        """Pull it."""
        return self.bases.pulled(f"{REPOSITORY}@{at.digest}", platform)


@pytest.fixture
def world() -> World:
    """Give an empty one."""
    return World()


def _tar(*entries: Entry) -> bytes:
    return b"".join(part for part in archive(entries) if isinstance(part, bytes))


def _caught(way: Any) -> ShipwayError:
    with pytest.raises(ShipwayError) as caught:
        way()
    assert caught.value.hint
    return caught.value


def test_the_static_base_is_what_is_written_down(world: World) -> None:
    """Its one layer has the pinned digest, whatever was installed when this test ran."""
    found = world.bases.static(AMD64)

    assert (static.NAME, baseimage.LAYER.digest) == (found.base.name, found.base.digest)
    (layer,) = found.layers
    data = world.content.read(layer.diff_id)
    assert len(data) == layer.size == baseimage.LAYER.size
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = {member.name: member for member in tar}
        roots = tar.extractfile(static.BUNDLE)
        assert roots is not None
        assert static.certificates(roots.read()) > 100
        berlin = tar.extractfile("usr/share/zoneinfo/Europe/Berlin")
        assert berlin is not None
        assert berlin.read(4) == b"TZif"
    assert names["tmp"].mode == 0o1777
    assert {member.mtime for member in names.values()} == {0}
    assert not any(name.endswith((".py", ".pyc")) for name in names)


def test_the_static_base_names_its_packages(world: World) -> None:
    """The SBOM can say name, version, purl, licence and the wheel's digest."""
    found = world.bases.static(AMD64).base.packages

    assert [f"pkg:pypi/{at.name}@{at.version}" for at in found] == [at.purl for at in found]
    assert [at.licence for at in found] == ["MPL-2.0", "Apache-2.0"]
    assert all(at.digest for at in found)


def test_the_pins_are_those_of_the_lock() -> None:
    """Wheels that the installed lock names are those that the base names."""
    lock = Path(__file__).parents[2] / "requirements" / "run.txt"
    text = lock.read_text()

    for at in baseimage.PACKAGES:
        assert f"{at.name}=={at.version} \\" in text
        assert at.digest is not None
        assert at.digest in text


def test_the_static_base_is_made_once(world: World) -> None:
    """A store that holds it needs no package."""
    world.bases.static(AMD64)
    before = dict(world.content.blobs)

    assert world.bases.static(Platform("arm64")).platform == Platform("arm64")
    assert world.content.blobs == before


@pytest.mark.parametrize("missing", ["certifi", "tzdata"])
def test_other_packages_are_refused(
    world: World, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of another version, or none, is base.packages with the exact pins as next step."""
    monkeypatch.delitem(sys.modules, missing, raising=False)
    other = tmp_path / missing
    (other / "zoneinfo").mkdir(parents=True)
    (other / "__init__.py").touch()
    (other / "cacert.pem").write_bytes(b"another bundle")
    monkeypatch.syspath_prepend(str(tmp_path))

    error = _caught(lambda: world.bases.static(AMD64))

    assert (error.id, error.kind) == ("base.packages", Kind.MISSING)
    assert "certifi==" in error.hint
    assert "tzdata==" in error.hint


def test_a_package_that_is_broken_is_refused(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package without its file, and a module that is no package, are told apart from ours."""
    (tmp_path / "certifi").mkdir()
    (tmp_path / "certifi" / "__init__.py").touch()
    monkeypatch.delitem(sys.modules, "certifi", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert _caught(lambda: world.bases.static(AMD64)).id == "base.packages"
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "certifi.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "second"))
    assert "not installed" in _caught(lambda: world.bases.static(AMD64)).message


def test_a_pulled_base_is_unpacked_and_proved(world: World) -> None:
    """Its layers lie in the store under their diff ids, settings are kept, its name is pinned."""
    one = _tar(Entry(path="etc/os-release", data=b"ID=x"), Entry(path=static.BUNDLE, data=b"OWN"))
    two = _tar(Entry(path="bin/tool", data=b"tool" * 100_000))
    at = world.push(one, two, config={"Env": ["A=1"], "User": "root"})

    found = world.pull(at)

    assert [of(one), of(two)] == [layer.diff_id for layer in found.layers]
    assert [one, two] == [world.content.read(layer.diff_id) for layer in found.layers]
    assert found.base.name == f"{REPOSITORY}@{at.digest}"
    assert found.base.digest == at.digest
    assert found.execution == Execution(user="root", env=("A=1",))
    assert found.has_roots
    assert world.content.read(found.roots.digest) == b"OWN"


def test_a_pulled_base_names_its_packages(world: World) -> None:
    """What the databases of a pulled base name is in the SBOM; an upper layer counts."""
    old, new = (f"P:musl\nV:{number}\nA:x86_64\nL:MIT\n".encode() for number in (1, 2))
    release = b"ID=alpine\nVERSION_ID=3.20\n"
    at = world.push(
        _tar(
            Entry(path="lib/apk/db/installed", data=old), Entry(path="etc/os-release", data=release)
        ),
        _tar(Entry(path="lib/apk/db/installed", data=new)),
    )
    (found,) = world.pull(at).base.packages

    assert (found.name, found.version, found.licence) == ("musl", "2", "MIT")
    assert found.purl == "pkg:apk/alpine/musl@2?arch=x86_64&distro=alpine-3.20"


def test_a_pulled_base_is_asked_for_once(world: World) -> None:
    """The second time the registry is not needed; a layer that was lost is fetched again."""
    at = world.push(_tar(Entry(path="a", data=b"1")))
    first = world.pull(at)
    manifests, world.registry.manifests = world.registry.manifests, {}

    assert world.pull(at) == first

    world.registry.manifests = manifests
    del world.content.blobs[first.layers[0].diff_id]
    assert world.pull(at) == first
    del world.content.blobs[world.content.names[next(iter(world.content.names))].digest]
    assert world.pull(at) == first


def test_a_base_is_pinned_by_digest(world: World) -> None:
    """A tag alone is refused, with the line to write."""
    world.push(_tar(Entry(path="a", data=b"1")))

    error = _caught(lambda: world.bases.pulled(f"{REPOSITORY}:latest", AMD64))

    assert (error.id, error.kind) == ("base.unpinned", Kind.CONFIG)
    assert f"{REPOSITORY}@sha256:" in error.hint


def test_an_index_is_pinned_as_a_whole(world: World) -> None:
    """The platform's manifest is chosen, the base keeps the index's digest."""
    at = world.push(_tar(Entry(path="a", data=b"1")))
    entry = Descriptor(MANIFEST, at.digest, at.size, platform=AMD64)
    index = world.registry.push_manifest(REPOSITORY, manifest.index((entry,)), INDEX)

    found = world.pull(index)

    assert (index.digest, AMD64) == (found.base.digest, found.platform)
    assert _caught(lambda: world.pull(index, Platform("arm64"))).id == "manifest.platform"


def test_plain_layers_are_taken_as_they_are(world: World) -> None:
    """A base whose layers are not compressed needs no unpacking."""
    tar = _tar(Entry(path="a", data=b"1"))

    assert world.pull(world.push(tar, kind=LAYER_TAR)).layers[0].diff_id == of(tar)


def test_several_gzip_members_are_one_layer(world: World) -> None:
    """What some tools write as joined gzip files is read to its end."""
    tar = _tar(Entry(path="a", data=b"1" * 5000))
    at = world.push(tar)
    name = next(key for key, data in world.registry.blobs.items() if data[:2] == b"\x1f\x8b")
    joined = gzip.compress(tar[:700]) + gzip.compress(tar[700:])
    found = describe(joined, LAYER_GZIP)
    world.registry.blobs[REPOSITORY, found.digest] = joined
    raw = json.loads(world.registry.manifests[REPOSITORY, at.digest][1])
    assert name[1] == raw["layers"][0]["digest"]
    raw["layers"][0] |= {"digest": found.digest, "size": found.size}
    changed = world.registry.push_manifest(REPOSITORY, json.dumps(raw).encode(), MANIFEST)

    assert world.pull(changed).layers[0].diff_id == of(tar)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([[Entry(path=static.BUNDLE, data=b"1")], [Entry(path=static.BUNDLE, data=b"2")]], b"2"),
        (
            [
                [Entry(path="etc/pki/ca.pem", data=b"linked")],
                [Entry(path=static.BUNDLE, type=Type.LINK, target="../../pki/ca.pem")],
            ],
            b"linked",
        ),
        (
            [
                [Entry(path="etc/pki/ca.pem", data=b"absolute")],
                [Entry(path=static.BUNDLE, type=Type.LINK, target="/etc/pki/ca.pem")],
            ],
            b"absolute",
        ),
        (
            [
                [Entry(path=static.BUNDLE, data=b"1")],
                [Entry(path="etc/ssl/certs/.wh.ca-certificates.crt", data=b"")],
            ],
            None,
        ),
        ([[Entry(path=static.BUNDLE, type=Type.LINK, target="ca-certificates.crt")]], None),
        ([[Entry(path=static.BUNDLE, type=Type.DIRECTORY)]], None),
        ([[Entry(path="a", data=b"1")]], None),
    ],
)
def test_the_bases_own_roots_are_found(
    world: World, entries: list[list[Entry]], expected: bytes | None
) -> None:
    """The highest layer wins, links are followed, whiteouts hide; without any ours are offered."""
    found = world.pull(world.push(*(_tar(*layer) for layer in entries)))

    assert found.has_roots == (expected is not None)
    roots = world.content.read(found.roots.digest)
    assert roots == expected or (expected is None and of(roots) == baseimage.ROOTS.digest)


LIBC = elf.linked("", (), provides=("GLIBC_2.2.5", "GLIBC_2.31"))
OLD = elf.linked("", (), provides=("GLIBC_2.2.5",))
X86 = "lib/x86_64-linux-gnu"


def _linking(*members: tuple[str, bytes | str, bool]) -> bytes:
    """Return a layer of files (bytes) and of links (where they point; whether they are hard)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for path, what, is_hard in members:
            member = tarfile.TarInfo(path)
            if isinstance(what, str):
                member.type = tarfile.LNKTYPE if is_hard else tarfile.SYMTYPE
                member.linkname = what
                tar.addfile(member)
            else:
                member.size = len(what)
                tar.addfile(member, io.BytesIO(what))
    return file.getvalue()


def _file(path: str, data: bytes = b"") -> tuple[str, bytes | str, bool]:
    return path, data, False


def _soft(path: str, target: str) -> tuple[str, bytes | str, bool]:
    return path, target, False


def _hard(path: str, target: str) -> tuple[str, bytes | str, bool]:
    return path, target, True


NEW = ("GLIBC_2.2.5", "GLIBC_2.31")


@pytest.mark.parametrize(
    ("layers", "provides"),
    [
        pytest.param([[_file(f"{X86}/libc.so.6", LIBC)]], NEW, id="file"),
        pytest.param(
            [[_soft(f"./{X86}/libc.so.6", "libc-2.31.so"), _file(f"./{X86}/libc-2.31.so", LIBC)]],
            NEW,
            id="debian-11",
        ),
        pytest.param(
            [
                [_file("usr/lib64/libc-2.28.so", LIBC)],
                [_soft("usr/lib64/libc.so.6", "libc-2.28.so")],
            ],
            NEW,
            id="layer-below",
        ),
        pytest.param(
            [
                [
                    _file(f"usr/{X86}/libc-2.31.so", LIBC),
                    _soft("usr/lib/libc.so.6", f"/{X86}/libc-2.31.so"),
                ]
            ],
            NEW,
            id="absolute-below-usr",
        ),
        pytest.param(
            [
                [
                    _file("usr/lib/libc-2.31.so", LIBC),
                    _hard("usr/lib/libc.so.6", "usr/lib/libc-2.31.so"),
                ]
            ],
            NEW,
            id="hard",
        ),
        pytest.param([[_hard("lib/libc.so.6", "lib/none.so")]], (), id="hard-to-nothing"),
        pytest.param([[_soft("lib/libc.so.6", "none.so")]], (), id="to-nothing"),
        pytest.param([[_soft("lib/libc.so.6", "libc.so.6")]], (), id="to-itself"),
        pytest.param(
            [[_file("lib/libc.so.6", LIBC)], [_file("lib/libc.so.6", OLD)]],
            ("GLIBC_2.2.5",),
            id="replaced",
        ),
    ],
)
def test_a_c_library_is_found_behind_links(
    world: World, layers: list[list[tuple[str, bytes | str, bool]]], provides: tuple[str, ...]
) -> None:
    """Its symbols are those of the file that the highest layer's links lead to."""
    base = world.pull(world.push(*(_linking(*layer) for layer in layers)))
    found = world.bases.libraries(base)

    assert "libc.so.6" in found.names
    assert found.provides == provides


@pytest.mark.parametrize(
    "gone", ["lib/.wh.libc.so.6", ".wh.lib", "lib/.wh..wh..opq", ".wh..wh..opq"]
)
def test_libraries_that_an_upper_layer_removes_do_not_count(world: World, gone: str) -> None:
    """A whiteout hides what lies below it, not what its own layer brings."""
    below = _linking(_file("lib/libc.so.6", LIBC), _file("opt/libx.so.1"))
    above = _linking(_file("lib/libm.so.6"), _file(gone))
    found = world.bases.libraries(world.pull(world.push(below, above)))

    kept = set() if gone == ".wh..wh..opq" else {"libx.so.1"}
    assert (found.names, found.provides) == (kept | {"libm.so.6"}, ())


def test_a_layer_that_is_not_its_diff_id_is_refused(world: World) -> None:
    """The configuration names other bytes than the layer holds."""
    at = world.push(_tar(Entry(path="a", data=b"1")), twisted=True)

    error = _caught(lambda: world.pull(at))

    assert (error.id, error.kind) == ("base.layer", Kind.INTEGRITY)


@pytest.mark.parametrize(
    "kind", ["application/vnd.oci.image.layer.v1.tar+zstd", "application/octet-stream"]
)
def test_layers_of_other_types_are_refused(world: World, kind: str) -> None:
    """What we do not unpack is told by its type."""
    at = world.push(_tar(Entry(path="a", data=b"1")), kind=kind)

    error = _caught(lambda: world.pull(at))

    assert (error.id, error.kind) == ("base.layer", Kind.INTEGRITY)
    assert kind in error.message


def test_a_layer_that_is_no_gzip_is_refused(world: World) -> None:
    """Bytes of another kind under gzip's name are told."""
    at = world.push(_tar(Entry(path="a", data=b"1")))
    raw = json.loads(world.registry.manifests[REPOSITORY, at.digest][1])
    bad = describe(b"no gzip at all", LAYER_GZIP)
    world.registry.blobs[REPOSITORY, bad.digest] = b"no gzip at all"
    raw["layers"][0] |= {"digest": bad.digest, "size": bad.size}
    changed = world.registry.push_manifest(REPOSITORY, json.dumps(raw).encode(), MANIFEST)

    assert _caught(lambda: world.pull(changed)).id == "base.layer"


def test_a_manifest_that_disagrees_with_its_configuration_is_refused(world: World) -> None:
    """Another number of layers than diff ids is told."""
    at = world.push(_tar(Entry(path="a", data=b"1")))
    raw = json.loads(world.registry.manifests[REPOSITORY, at.digest][1])
    raw["layers"] *= 2
    changed = world.registry.push_manifest(REPOSITORY, json.dumps(raw).encode(), MANIFEST)

    assert _caught(lambda: world.pull(changed)).id == "base.layer"
