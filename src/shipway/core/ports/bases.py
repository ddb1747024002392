"""What images stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.golang.linkage import Libraries
    from shipway.core.oci.descriptor import Platform
    from shipway.core.oci.image import BaseImage
    from shipway.core.oci.layer import Entry


class Bases(Protocol):
    """Base images, their layers in the store when they are returned."""

    def static(self, platform: Platform) -> BaseImage:
        """Return ``shipway/static``, made in process from pinned packages.

        Raises:
            ShipwayError: ``base.packages`` where other versions of them are installed.
        """
        ...

    def pulled(self, reference: str, platform: Platform) -> BaseImage:
        """Return the base that ``reference`` pins by digest, fetched once.

        Raises:
            ShipwayError: ``base.unpinned`` (config) without a digest, ``base.layer`` (integrity)
                where a layer is not what the configuration says, and what the registry says.
        """
        ...

    def libraries(self, base: BaseImage) -> Libraries:
        """Return the shared libraries that ``base`` has.

        Raises:
            ShipwayError: ``elf.invalid`` (integrity) where its C library is none.
        """
        ...


class ImageFiles(Protocol):
    """Files of a repository on their way into an image."""

    def folder(self, root: str, path: str) -> bool:
        """Return whether ``path`` below ``root`` is a folder, or a link to one."""
        ...

    def collect(self, root: str, files: Mapping[str, str]) -> tuple[Entry, ...]:
        """Return entries for files and folders of ``root``, their bytes in the store.

        ``files`` maps a path in the image to a path below ``root``. Symbolic links are followed
        within ``root``. Owner is root, modes are 0644 or 0755.

        Raises:
            ShipwayError: ``image.files`` (config) for what is missing, outside or no file.
        """
        ...
