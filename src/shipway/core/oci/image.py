"""An image as Shipway makes it: before it is published, and after."""

from __future__ import annotations

import msgspec

from shipway.core.oci.config import Execution
from shipway.core.oci.descriptor import Descriptor, Platform  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types


class Layer(msgspec.Struct, frozen=True):
    """One layer: its uncompressed tar lies in the store under its diff id."""

    diff_id: Digest
    size: int
    title: str
    """What it holds: ``base``, ``files``, ``binary``."""


class Package(msgspec.Struct, frozen=True):
    """One pinned package that the base holds, for the SBOM."""

    name: str
    version: str
    purl: str
    digest: Digest | None = None
    licence: str = "NOASSERTION"


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What an image stands on."""

    name: str
    """``shipway/static`` for the one made from pinned packages, else a reference by digest."""
    digest: Digest
    """Of its manifest; for the one we make, of its layer's diff id."""
    packages: tuple[Package, ...] = ()


class BaseImage(msgspec.Struct, frozen=True, kw_only=True):
    """A base whose layers lie in the store, ready to be built upon."""

    base: Base
    platform: Platform
    layers: tuple[Layer, ...]
    execution: Execution = Execution()
    """Its environment, labels and the like; what it would run is not taken over."""
    roots: Descriptor
    """A CA bundle as a blob: the base's own, else the pinned one."""
    has_roots: bool = True
    """Whether that bundle lies in the base already."""


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An assembled image: uncompressed layers and a config, both in the store."""

    platform: Platform
    layers: tuple[Layer, ...]
    config: Descriptor
    annotations: dict[str, str]
    base: Base
    binary: Digest
    debugger: Package | None = None
    """What the program runs under, one of the base's packages here; none in any other image."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An image or index pushed by digest; its tag moves later."""

    repository: str
    """``HOST[:PORT]/NAME``."""
    manifest: Descriptor
    pushed: int = 0
    """Bytes that had to be sent."""

    @property
    def reference(self) -> str:
        """Return ``HOST[:PORT]/NAME@sha256:...``."""
        return f"{self.repository}@{self.manifest.digest}"


class Published(Placed, frozen=True, kw_only=True):
    """An image for one platform, pushed."""

    layers: tuple[Descriptor, ...]
    config: Descriptor
    compression: str
    """``none``, ``fast`` (isal 1) or ``small`` (libdeflate 6)."""
    compressors: tuple[str, ...] = ()
    """What encoded each layer, with version and level, for the provenance."""
