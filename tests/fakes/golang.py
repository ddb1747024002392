"""A source, a binary and an image as the stages hand them on, for tests of what follows."""

from __future__ import annotations

from shipway.core.golang.binary import Binary, Module
from shipway.core.oci.descriptor import OCTETS, Platform, describe
from shipway.core.oci.digest import of
from shipway.core.oci.image import Base, Image, Layer, Package
from shipway.core.project.source import Source

PLATFORM = Platform("amd64")

SOURCE = Source(
    root="/src/web",
    commit="c" * 40,
    tree="d" * 40,
    dirty=False,
    branch="main",
    version="v1.2.3",
    time=1_700_000_000,
)

MODULES = (
    Module(path="github.com/Some/Thing/v2", version="v2.0.1", sum="h1:abc="),
    Module(
        path="example.com/old",
        version="v1.0.0",
        sum="",
        replace=Module(path="example.com/fork", version="v1.1.0", sum="h1:def="),
    ),
    Module(path="example.com/near", version="v0.1.0", replace=Module(path="../near", version="")),
)

BINARY = Binary(
    content=describe(b"\x7fELF binary", OCTETS),
    platform=PLATFORM,
    package="example.com/web/cmd/web",
    module="example.com/web",
    go_version="go1.27.3",
    flags=("-trimpath",),
    environment={"CGO_ENABLED": "0"},
    modules=MODULES,
)

IMAGE = Image(
    platform=PLATFORM,
    layers=(Layer(of(b"layer"), 10, "binary"),),
    config=describe(b"{}", "application/vnd.oci.image.config.v1+json"),
    annotations={},
    base=Base(
        name="shipway/static",
        digest=of(b"base"),
        packages=(
            Package("certifi", "2026.1.1", "pkg:pypi/certifi@2026.1.1", of(b"w"), "MPL-2.0"),
            Package("tzdata", "2026.1", "pkg:pypi/tzdata@2026.1"),
        ),
    ),
    binary=BINARY.content.digest,
)
