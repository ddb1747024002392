"""The links of this machine: names in the store's index, one a link, found by their subject.

Called through ``core.ports.evidence``. No file of its own: the OCI layout's ``index.json`` is the
one truth, so that ``oras`` or a backup of the folder sees the same links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci.digest import hex_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.core.evidence.link import Link
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.content import Pins

_PREFIX = "link"


class LinkStore:
    """Links by subject, over the store's pins."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins

    def keep(self, links: Sequence[Link]) -> None:
        """Name each link's manifest in the store's index."""
        known = self._pins.pins()
        for link in links:
            name = f"{_folder(link.subject)}{hex_of(link.payload)}"
            if known.get(name) != link.manifest:
                self._pins.pin(name, link.manifest)

    def about(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Return the manifests of the links about ``subject``, by payload digest."""
        folder = _folder(subject)
        found = sorted(one for one in self._pins.pins().items() if one[0].startswith(folder))
        return tuple(descriptor for _, descriptor in found)


def _folder(subject: Digest) -> str:
    return f"{_PREFIX}.{hex_of(subject)}."
