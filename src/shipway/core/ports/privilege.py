"""The part of the embedded cluster that needs root, as everyone else calls it.

A road asks; ``adapters.privilege`` runs the root part in this process where it is root already, and
through sudo otherwise. What comes back are values: the root part writes no file of a person's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.core.ports.engines import Built  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Callable


class UpOrder(msgspec.Struct, frozen=True, kw_only=True, tag="up"):
    """Start a cluster, or renew a running one's credentials."""

    name: str
    user: str
    """The account that gets the credentials."""
    engines: tuple[Built, ...]
    """What the user's part made; installed root-owned where it is not yet."""


class DownOrder(msgspec.Struct, frozen=True, tag="down"):
    """Stop a cluster and keep its state."""

    name: str


class DeleteOrder(msgspec.Struct, frozen=True, tag="delete"):
    """Remove a cluster; ``everything`` removes installed engines and packages too."""

    name: str
    everything: bool = False


class Moment(msgspec.Struct, frozen=True, tag="moment"):
    """One thing that happened on the way."""

    step: str
    """``package``, ``engine``, ``keys``, ``boot``, ``ready``, ``stop``, ``remove``..."""
    subject: str = ""
    seconds: float = 0.0
    """Since the order was given."""


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started"):
    """A cluster that serves, and one person's way in."""

    name: str
    context: str
    """The kubeconfig context, also the node's name."""
    server: str
    """The apiserver's URL."""
    registry: str
    """``127.0.0.1:PORT``."""
    node_ports: tuple[int, int]
    authority: str
    certificate: str
    key: str
    """PEM texts."""
    ends: float
    """When the certificate ends, seconds since the epoch."""
    username: str
    password: str
    """The registry's login."""
    seconds: float
    """From the order to everything ready; little if it ran already."""
    was_running: bool


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """What ``down`` or ``delete`` did."""

    name: str
    was_running: bool
    removed: tuple[str, ...] = ()
    """Paths that are gone."""
    kept: tuple[str, ...] = ()
    """Root-owned paths that stay."""


class Privilege(Protocol):
    """Carries out an order as root."""

    def order(
        self, order: UpOrder | DownOrder | DeleteOrder, *, on_moment: Callable[[Moment], None]
    ) -> Started | Stopped:
        """Carry it out, telling of each step.

        Raises:
            ShipwayError: ``root.missing`` where neither root nor sudo can be had, and whatever the
                root part raises.
        """
        ...

    def user(self) -> str:
        """Return the name of the account that the work is for: the caller, or sudo's caller."""
        ...
