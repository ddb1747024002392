"""What layers amount to: the upper ones hide what lies below."""

from __future__ import annotations

import io
import tarfile

import pytest

from fakes.elf import MODINFO, program
from shipway.core.oci.descriptor import LAYER_TAR, Platform
from shipway.core.oci.digest import of
from shipway.core.supply import images, packages, rootfs
from shipway.core.supply.images import Pulled
from shipway.core.supply.packages import System
from shipway.core.supply.rootfs import LIMITS, Limits, Rootfs
from shipway.errors import ShipwayError

GO = program()
OTHER = program(modinfo=MODINFO.replace("web", "job"))
STATUS = b"Package: base\nVersion: 1\nArchitecture: amd64\n"
OS = b"ID=debian\nVERSION_ID=12\n"


def layer(files: dict[str, bytes]) -> bytes:
    """Return a tar."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for name, data in files.items():
            one = tarfile.TarInfo(name)
            one.size = len(data)
            made.addfile(one, io.BytesIO(data))
    return out.getvalue()


def look(*layers: dict[str, bytes], limits: Limits = LIMITS) -> Rootfs:
    """Return what the layers amount to."""
    return rootfs.look(((iter([layer(one)]), LAYER_TAR) for one in layers), limits=limits)


BASE = {"etc/os-release": OS, "var/lib/dpkg/status.d/base": STATUS, "usr/bin/old": OTHER}


def test_all_that_counts() -> None:
    """Go programs, packages and the system are found; scripts and programs of C are not."""
    found = look(BASE, {"app/web": GO, "bin/sh": b"#!/bin/sh\n", "bin/c": b"\x7fELF" + bytes(99)})

    assert [(one.name, one.digest) for one in found.programs] == [
        ("app/web", of(GO)),
        ("usr/bin/old", of(OTHER)),
    ]
    assert [one.name for one in found.packages] == ["base"]
    assert found.system == System("debian", "12")
    assert found.notes == ()


@pytest.mark.parametrize(
    "above",
    [
        {"usr/bin/.wh.old": b""},
        {"usr/.wh.bin": b""},
        {"usr/bin/.wh..wh..opq": b""},
        {".wh..wh..opq": b""},
        {"usr/bin/old": b"#!/bin/sh\n"},
        {"usr": b"a file where a folder was"},
    ],
)
def test_upper_layers_hide(above: dict[str, bytes]) -> None:
    """What a layer takes away or replaces is not in the image."""
    assert look(BASE, above).programs == ()


def test_a_layer_does_not_hide_its_own() -> None:
    """An opaque folder keeps what its own layer puts there, whatever comes first."""
    above = {"usr/bin/new": GO, "usr/bin/.wh..wh..opq": b""}

    assert [one.name for one in look(BASE, above).programs] == ["usr/bin/new"]


def test_an_rpm_database_is_told() -> None:
    """A database that is not read is named, so that nobody thinks there are no packages."""
    (note,) = look({"var/lib/rpm/rpmdb.sqlite": b"x"}).notes

    assert "rpm" in note


def test_what_is_too_large_is_told() -> None:
    """A program or a database beyond all measure is named, not read."""
    found = look(BASE, limits=Limits(program=100, database=10))

    assert (found.programs, found.packages) == ((), ())
    assert found.notes == (
        "Too large to be looked into: etc/os-release, usr/bin/old, var/lib/dpkg/status.d/base.",
    )


def test_a_layer_that_is_refused() -> None:
    """What is wrong with one layer is wrong with the image."""
    with pytest.raises(ShipwayError) as caught:
        look(BASE, {"../up": b""})

    assert caught.value.id == "layer.unreadable"


PULLED = Pulled(
    name="r.example/web",
    version="v1",
    manifest=of(b"manifest"),
    config=of(b"config"),
    created="2024-01-02T03:04:05.123456789Z",
    platform=Platform("arm64"),
    diff_ids=(of(b"layer"),),
    purl="pkg:oci/web@sha256",
)


def test_an_image_is_about_its_manifest() -> None:
    """The document is about one manifest; programs, packages and system are in it."""
    found = images.looked(PULLED, look(BASE, {"app/web": GO}))
    by_ref = {one.ref: one.name for one in found.components}
    inside = [by_ref[one.target] for one in found.relations if one.subject == images.IMAGE]

    assert found.components[0].digest == PULLED.manifest
    assert found.components[0].comment.startswith("manifest of linux/arm64 with config sha256:")
    assert inside == ["example.com/web/cmd/web", "example.com/job/cmd/job", "debian", "base"]
    assert found.time == 1704164645
    assert {by_ref[ref] for ref in found.open} >= {"example.com/a"}
    assert len(found.notes) == 1


def test_an_empty_image() -> None:
    """An image of nothing that is known has itself alone."""
    found = images.looked(PULLED, look({"etc/os-release": b"ID=odd\n"}))

    assert [one.name for one in found.components] == ["r.example/web", "odd"]
    assert found.components[1].comment.startswith("no version")
    assert len(images.looked(PULLED, Rootfs()).components) == 1
    assert packages.installed({}) == ()
