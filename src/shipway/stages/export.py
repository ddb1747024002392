"""export: an assembled image leaves as files, or stays in the store under its digest.

Roads call :func:`pack` through a step. No registry is asked and nothing is signed: the digest is
the one that the same layers would have in a registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.oci import assemble, manifest, reference
from shipway.core.oci.descriptor import INDEX, MANIFEST
from shipway.core.oci.image import Image  # noqa: TC001  msgspec reads types
from shipway.core.oci.layout import Form, Packed

if TYPE_CHECKING:
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.ports.content import LayerStore

COMPRESSION = "fast"
"""Of the layers: a gzip that everything reads."""
VERSION = 1
"""Raised whenever the same request may give another result."""


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The images of one service, one a platform, and what they are called."""

    images: tuple[Image, ...]
    name: str
    """The service's name."""
    repository: str
    """``HOST[:PORT]/NAME``."""
    tag: str


def pack(request: ExportRequest, *, content: LayerStore) -> Packed:
    """Compress the layers and write the manifests, all into the store.

    Raises:
        ShipwayError: ``reference.invalid`` (usage), ``image.invalid`` (internal).
    """
    reference.parse_repository(request.repository)
    forms = tuple(_form(one, request.repository, content) for one in request.images)
    return Packed(
        name=request.name,
        reference=f"{request.repository}:{request.tag}",
        repository=request.repository,
        manifest=forms[0].manifest if len(forms) == 1 else _index(request.images, forms, content),
        images=forms,
    )


def _form(image: Image, repository: str, content: LayerStore) -> Form:
    encoded = scope.each(lambda one: content.encode(one.diff_id, COMPRESSION), image.layers, 4)
    layers = tuple(one.layer for one in encoded)
    data = manifest.image(image.config, layers, image.annotations)
    assemble.check(manifest.parse(data), content.read(image.config.digest), repository)
    return Form(manifest=content.put(data, MANIFEST), config=image.config, layers=layers)


def _index(images: tuple[Image, ...], forms: tuple[Form, ...], content: LayerStore) -> Descriptor:
    pairs = [(image.platform, form.manifest) for image, form in zip(images, forms, strict=True)]
    return content.put(manifest.over(pairs, images[0].annotations), INDEX)
