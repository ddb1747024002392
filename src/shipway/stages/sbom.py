"""The verb that says what is inside an image.

A road calls :func:`describe` once the image is assembled. It reads neither binary nor layers: the
build has read the binary's own build information, and the base carries its packages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import __version__
from shipway.core.golang.binary import Binary  # noqa: TC001  msgspec reads types
from shipway.core.oci.image import Image  # noqa: TC001  msgspec reads types
from shipway.core.project.source import Source  # noqa: TC001  msgspec reads types
from shipway.core.supply import images, spdx
from shipway.core.supply.bom import Sbom
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.content import Content

VERSION = 2
"""Raised whenever the same request may give another result."""


class SbomRequest(msgspec.Struct, frozen=True):
    """One image, the program in it, and where that came from."""

    binary: Binary
    image: Image
    source: Source


def describe(request: SbomRequest, *, content: Content) -> Sbom:
    """Put the image's SPDX 2.3 document into the store; the same request gives the same bytes.

    Raises:
        ShipwayError: ``sbom.mismatch`` where the image holds another binary.
    """
    if request.image.binary != request.binary.content.digest:
        raise ShipwayError(
            "sbom.mismatch",
            Kind.INTERNAL,
            f"the image holds {request.image.binary}",
            operation="describing",
            subject=request.binary.content.digest,
        )
    found = images.made(request.binary, request.image, request.source)
    data = spdx.document(found, creator=f"shipway-{__version__}")
    return Sbom(content.put(data, spdx.MEDIA_TYPE), len(found.components))
