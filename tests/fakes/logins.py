"""Logins in memory; the registry takes those it was told about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.redaction import Secret

PLACE = "memory"


class MemoryLogins:
    """Keeps the Logins port in a dictionary.

    Attributes:
        good: User and password that each registry takes; one that is not in it asks nobody.
        kept: What was kept.
    """

    def __init__(self, good: dict[str, tuple[str, str]]) -> None:
        self.good = good
        self.kept: dict[str, tuple[str, str]] = {}

    def prove(self, registry: str, user: str, password: Secret) -> bool:
        """Compare."""
        if registry not in self.good:
            return False
        if self.good[registry] != (user, password.reveal_text()):
            raise ShipwayError(
                "registry.unauthorized", Kind.DENIED, "no", operation="asking", subject=registry
            )
        return True

    def keep(self, registry: str, user: str, password: Secret) -> str:
        """Remember."""
        self.kept[registry] = (user, password.reveal_text())
        return PLACE

    def forget(self, registry: str) -> tuple[str, ...]:
        """Forget."""
        return (PLACE,) if self.kept.pop(registry, None) else ()
