"""Logins for registries: proved, kept where Docker's programs find them, and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.redaction import Secret


class Logins(Protocol):
    """Logins of the person for whom the work is done, one for each registry (``HOST[:PORT]``)."""

    def prove(self, registry: str, user: str, password: Secret) -> bool:
        """Show a login to its registry; return whether the registry asked for one at all.

        Raises:
            ShipwayError: ``registry.unauthorized`` (denied) for a wrong one, and what a registry
                that does not answer raises.
        """
        ...

    def keep(self, registry: str, user: str, password: Secret) -> str:
        """Keep a login, with a configured credential helper before the file; return where.

        The password is in no argument list and no file that others may read; logins of other
        registries stay as they are.

        Raises:
            ShipwayError: ``registry.helper``, ``dockerconfig.invalid``, ``userfile.denied``.
        """
        ...

    def forget(self, registry: str) -> tuple[str, ...]:
        """Remove a login from everywhere it is kept; return from where.

        Raises:
            ShipwayError: as :meth:`keep`.
        """
        ...
