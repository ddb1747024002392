"""The port ``core.ports.logins`` for real: Docker's config.json and credential helpers.

Wiring makes one. A configured helper goes before the file, as in docker/cli; then the file only
notes that there is a login, and holds none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.adapters.registry.credentials import Login
from shipway.adapters.registry.helpers import Helper
from shipway.adapters.registry.session import Session
from shipway.core.oci import dockerconfig
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.adapters.http.network import Network
    from shipway.core.ports.process import Processes
    from shipway.core.ports.userfiles import UserFiles
    from shipway.redaction import Secret


class DockerLogins:
    """Keeps :class:`~shipway.core.ports.logins.Logins`."""

    def __init__(
        self,
        files: UserFiles,
        processes: Processes | None,
        environment: Mapping[str, str],
        network: Network,
    ) -> None:
        self._files = files
        self._processes = processes
        self._environment = environment
        self._network = network

    def prove(self, registry: str, user: str, password: Secret) -> bool:
        """Ask the registry's base for this login; see the port."""
        login = Login(user, password, identity=user == dockerconfig.TOKEN_USER)
        session = Session(self._network, _Offered(login))
        try:
            return session.ping(registry)
        except ShipwayError as error:
            if error.id != "registry.unauthorized":
                raise
            raise ShipwayError(
                error.id,
                Kind.DENIED,
                "it does not take this user and password",
                operation="logging in to",
                subject=registry,
                hint="check both; many registries want a token from their web page as password",
            ) from error
        finally:
            session.close()

    def keep(self, registry: str, user: str, password: Secret) -> str:
        """Keep it with the helper, else in the file; see the port."""
        path = self._files.docker_config()
        name = dockerconfig.helper(self._files.read(path), registry)
        if not name:
            self._files.change(
                path, lambda text: dockerconfig.merge(text, registry, user, password.reveal_text())
            )
            return path
        helper = self._helper(name)
        helper.store(registry, user, password.reveal_text())
        self._files.change(path, lambda text: dockerconfig.note(text, registry))
        return helper.program

    def forget(self, registry: str) -> tuple[str, ...]:
        """Erase it from the helper and the file; see the port."""
        path = self._files.docker_config()
        text = self._files.read(path)
        places = []
        if name := dockerconfig.helper(text, registry):
            helper = self._helper(name)
            if helper.erase(registry):
                places.append(helper.program)
        self._files.change(path, lambda text: dockerconfig.remove(text, registry))
        if dockerconfig.holds(text, registry):
            places.append(path)
        return tuple(places)

    def _helper(self, name: str) -> Helper:
        return Helper(name, self._processes, self._environment)


class _Offered:
    """One login for whoever asks: a session that proves it talks to one registry only."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def login(self, domain: str) -> Login | None:
        """Return it."""
        return self._login if domain else None
