"""Configurations, annotations and what every image must keep to."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from shipway.core.oci import assemble, config, manifest, static
from shipway.core.oci.config import Execution
from shipway.core.oci.descriptor import (
    CONFIG,
    EMPTY,
    LAYER_TAR,
    OCTETS,
    Descriptor,
    Platform,
    describe,
)
from shipway.core.oci.digest import of
from shipway.core.oci.image import Base, BaseImage, Layer, Published
from shipway.core.oci.layer import archive
from shipway.core.project.source import Source
from shipway.errors import ShipwayError

_LAYER = Layer(of(b"base"), 4, "base")
_OWN = Layer(of(b"own"), 3, "binary")
_BASE = BaseImage(
    base=Base(name="shipway/static", digest=_LAYER.diff_id),
    platform=Platform("arm", variant="v7"),
    layers=(_LAYER,),
    execution=Execution(
        user="root",
        env=("A=1", "B=2"),
        entrypoint=("/bin/sh",),
        cmd=("-c",),
        labels={"l": "1", "m": "2"},
        volumes={"/v": {}},
        working_dir="/w",
        exposed_ports={"1/tcp": {}},
        stop_signal="SIGKILL",
    ),
    roots=describe(b"", OCTETS),
)
_SOURCE = Source(
    root="/r",
    commit="c" * 40,
    tree="t" * 40,
    dirty=False,
    version="v1.2.3",
    time=1_700_000_000,
    remote="https://example.org/x",
)


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("example.org/x/cmd/web", "web"),
        ("example.org/tool/v2", "tool"),
        ("example.org/tool/v", "v"),
        ("example.org/tool/vet", "vet"),
        ("./cmd/api", "api"),
        ("v5", "v5"),
        ("", "app"),
        (".", "app"),
    ],
)
def test_program_is_named_as_go_names_it(package: str, expected: str) -> None:
    """The last element that is no major version."""
    assert expected == assemble.program(package)


def test_a_configuration_takes_over_what_it_should() -> None:
    """Environment, labels and volumes of the base stay; what it runs and as whom does not."""
    run = Execution(
        user="1001:1001",
        env=("B=3", "C=4"),
        entrypoint=("/app/web",),
        labels={"m": "3"},
        stop_signal="SIGTERM",
    )

    found = json.loads(assemble.configuration(_BASE, (_LAYER, _OWN), run, 1_700_000_000))

    assert found["config"] == {
        "User": "1001:1001",
        "Env": [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "A=1",
            "B=3",
            "C=4",
        ],
        "Entrypoint": ["/app/web"],
        "Volumes": {"/v": {}},
        "WorkingDir": "/w",
        "Labels": {"l": "1", "m": "3"},
        "StopSignal": "SIGTERM",
    }
    assert found["created"] == "2023-11-14T22:13:20Z"
    assert (found["architecture"], found["os"], found["variant"]) == ("arm", "linux", "v7")
    assert found["rootfs"] == {"type": "layers", "diff_ids": [_LAYER.diff_id, _OWN.diff_id]}
    assert [step["created_by"] for step in found["history"]] == [
        "base shipway/static",
        "shipway image: binary",
    ]


def test_a_configuration_reads_back() -> None:
    """What was written parses to the same platform and diff ids; members of others do no harm."""
    data = assemble.configuration(_BASE, (_LAYER, _OWN), Execution(), 0)
    more = json.loads(data) | {"moby.buildkit.cache.v0": "x", "author": "a"}

    found = config.parse(json.dumps(more).encode())

    assert found == config.parse(data)
    assert found.platform == Platform("arm", variant="v7")
    assert config.encode(found) == data


def test_null_members_of_other_tools_are_read() -> None:
    """Docker writes null for empty lists and maps."""
    raw = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": None, "Cmd": None, "Entrypoint": None, "Labels": None, "Volumes": None},
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": None,
    }

    found = config.parse(json.dumps(raw).encode())

    bare = msgspec.structs.replace(_BASE, execution=found.config)
    written = json.loads(assemble.configuration(bare, (_LAYER,), Execution(env=None), 0))
    assert "Labels" not in written["config"]


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"architecture":1}'])
def test_what_is_no_configuration_is_refused(data: bytes) -> None:
    """Other JSON and other bytes are refused."""
    with pytest.raises(ShipwayError) as caught:
        config.parse(data)

    assert caught.value.id == "image.config"


def test_annotations_are_the_standard_ones() -> None:
    """Title, time, version, revision, source and base stand under the spec's keys."""
    assert assemble.described(_SOURCE, _BASE, "web") == {
        "org.opencontainers.image.base.digest": _LAYER.diff_id,
        "org.opencontainers.image.base.name": "shipway/static",
        "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
        "org.opencontainers.image.revision": "c" * 40,
        "org.opencontainers.image.source": "https://example.org/x",
        "org.opencontainers.image.title": "web",
        "org.opencontainers.image.version": "v1.2.3",
    }


def test_a_dirty_tree_has_no_revision() -> None:
    """The commit is not what was built, so it is not named; nor is a remote that is not there."""
    dirty = msgspec.structs.replace(_SOURCE, dirty=True, remote="")

    found = assemble.described(dirty, _BASE, "web")

    assert "org.opencontainers.image.revision" not in found
    assert "org.opencontainers.image.source" not in found


def _image(**change: Any) -> tuple[manifest.Manifest, bytes]:
    layers = (describe(b"1", LAYER_TAR), describe(b"2", LAYER_TAR))
    run = Execution(entrypoint=("/app/web",))
    data = assemble.configuration(_BASE, (_LAYER, _OWN), run, 0)
    made = manifest.parse(manifest.image(describe(data, CONFIG), layers, {}))
    return msgspec.structs.replace(made, **change), data


def test_what_we_make_breaks_no_rule() -> None:
    """An image of ours has no violations."""
    assert assemble.violations(*_image()) == ()


def test_all_violations_are_told_at_once() -> None:
    """Every rule that is broken is named, not only the first."""
    bad = Descriptor(EMPTY, of(b""), 0)
    made, _ = _image(media_type="x", config=bad, layers=(bad,))
    raw = {
        "architecture": "",
        "os": "",
        "config": {"User": "1"},
        "rootfs": {"type": "other", "diff_ids": [of(b"1"), of(b"2")]},
        "history": [{}, {}, {"empty_layer": True}],
    }
    data = json.dumps(raw).encode()

    assert assemble.violations(made, data) == (
        "mediaType 'x' is no image manifest's",
        "config 'application/vnd.oci.empty.v1+json' is no image configuration",
        "layer 0 has media type 'application/vnd.oci.empty.v1+json'",
        "layer 0 is empty",
        f"the configuration has {len(data)} bytes, its descriptor says 0",
        "rootfs.type is 'other', not 'layers'",
        "2 diff ids for 1 layers",
        "2 history entries for 1 layers",
        "architecture or os is missing",
        "nothing is said to run",
    )


def test_a_broken_image_is_our_defect() -> None:
    """What breaks a rule is an internal error that names the image; what breaks none is nothing."""
    made, data = _image()
    assemble.check(made, data, "web")
    with pytest.raises(ShipwayError) as caught:
        assemble.check(msgspec.structs.replace(made, layers=()), data, "web")

    assert (caught.value.id, caught.value.subject) == ("image.invalid", "web")


def test_an_image_has_a_layer() -> None:
    """No layers at all is a violation of its own."""
    made, data = _image(layers=())

    assert "there is no layer" in assemble.violations(made, data)


def test_an_image_that_breaks_rules_is_a_defect() -> None:
    """What we made ourselves is checked before it leaves: all that is wrong is in one error."""
    made, data = _image()
    assemble.check(made, data, "web")
    with pytest.raises(ShipwayError, match="mediaType 'x' is no image manifest's") as caught:
        assemble.check(msgspec.structs.replace(made, media_type="x"), data, "web")

    assert (caught.value.id, caught.value.subject) == ("image.invalid", "web")


def test_the_static_base_has_users_roots_and_zones() -> None:
    """1001, root and nobody; CA roots where Go looks; zones; a /tmp for all."""
    found = {at.path: at for at in static.entries(b"PEM", {"Europe/Berlin": b"TZif"})}

    assert b"app:x:1001:1001:" in (found["etc/passwd"].data or b"")
    assert b"app:x:1001:" in (found["etc/group"].data or b"")
    assert found[static.BUNDLE].data == b"PEM"
    assert found["usr/share/zoneinfo/Europe/Berlin"].data == b"TZif"
    assert found["tmp"].mode == 0o1777
    assert archive(tuple(found.values()))


def test_ca_bundles_are_merged_line_by_line() -> None:
    """A bundle without a last newline does not swallow the next certificate."""
    assert static.merged(b"A", b"B\n\n") == b"A\nB\n"
    assert static.merged(b"A\n", b"") == b"A\n"


def test_certificates_are_counted() -> None:
    """Blocks that do not pair count as none."""
    block = b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"

    assert static.certificates(block * 2) == 2
    assert static.certificates(block + b"-----BEGIN CERTIFICATE-----") == 0
    assert static.certificates(b"") == 0


def test_a_published_image_is_referred_to_by_digest() -> None:
    """Its reference carries no tag."""
    at = describe(b"m", "x")
    found = Published(repository="h/n", manifest=at, layers=(), config=at, compression="none")

    assert found.reference == f"h/n@{at.digest}"


def test_an_image_that_breaks_a_rule_is_refused() -> None:
    """What is wrong is said, with the image it is wrong with."""
    made, data = _image()
    assemble.check(made, data, "web")
    with pytest.raises(ShipwayError, match="there is no layer") as caught:
        assemble.check(msgspec.structs.replace(made, layers=()), data, "web")

    assert (caught.value.id, caught.value.subject) == ("image.invalid", "web")
