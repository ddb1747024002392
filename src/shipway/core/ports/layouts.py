"""Images as files that a person asked for: a folder, or one tar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.core.oci.layout import Packed
    from shipway.core.ports.content import Content


class Layouts(Protocol):
    """Writes images to paths of this machine; a reader sees them whole or not at all."""

    def folder(self, path: str, images: tuple[Packed, ...], *, content: Content) -> None:
        """Add images to the image layout at ``path``, made where nothing is.

        An image of the same name is replaced; all others stay.

        Raises:
            ShipwayError: ``layout.foreign`` (usage) where other things lie there,
                ``files.refused`` (missing) where the operating system says no,
                ``manifest.invalid`` where its index is none.
        """
        ...

    def archive(self, path: str, images: tuple[Packed, ...], *, content: Content) -> None:
        """Write images into one tar at ``path``, in place of what is there.

        The same images give the same bytes.

        Raises:
            ShipwayError: ``files.refused`` (missing) where the operating system says no.
        """
        ...
