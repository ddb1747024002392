"""A person's files in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class MemoryUserFiles:
    """Keeps the UserFiles port in a dictionary."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def kubeconfig(self) -> str:
        """Return a path."""
        return "/home/ann/.kube/config"

    def docker_config(self) -> str:
        """Return a path."""
        return "/home/ann/.docker/config.json"

    def read(self, path: str) -> str | None:
        """Return a file's text."""
        return self.texts.get(path)

    def change(self, path: str, change: Callable[[str | None], str | None]) -> bool:
        """Replace a file's text."""
        before = self.texts.get(path)
        after = change(before)
        self.texts.pop(path, None)
        if after is not None:
            self.texts[path] = after
        return after != before
