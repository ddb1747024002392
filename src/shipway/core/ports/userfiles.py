"""The few files of a person that Shipway changes: kubeconfig and Docker config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class UserFiles(Protocol):
    """Files that belong to the person for whom the work is done, whoever runs this process."""

    def kubeconfig(self) -> str:
        """Return the path that kubectl would write to."""
        ...

    def docker_config(self) -> str:
        """Return the path of the Docker client's config."""
        ...

    def read(self, path: str) -> str | None:
        """Return a file's text, nothing if there is none.

        Raises:
            ShipwayError: ``userfile.denied``.
        """
        ...

    def change(self, path: str, change: Callable[[str | None], str | None]) -> bool:
        """Replace a file's text by ``change`` of it, whole or not at all, mode 0600 if it is new.

        The file is locked as kubectl locks it. ``change`` returns nothing to have it removed.
        Returns whether anything was changed.

        Raises:
            ShipwayError: ``userfile.denied``, ``userfile.locked``, and what ``change`` raises.
        """
        ...
