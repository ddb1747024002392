"""A Kubernetes API server, in the few calls that Shipway makes.

Three small ports, so that a stage names only what it needs: :class:`Reader` looks, :class:`Writer`
changes, :class:`Watcher` follows. :class:`Kube` is all of them, which the real adapter
(``adapters.kube``) and the in-memory fake (``tests/fakes/kube.py``) both keep.

Every method may raise ``ShipwayError``: ``kube.unreachable`` (transient), ``kube.unauthorized`` and
``kube.forbidden`` (denied), ``kube.unknown_kind`` (not found: the server does not serve the kind),
``kube.failed`` (transient: the server's own fault).
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.core.kube.objects import Obj  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from shipway.core.kube.objects import Ref, Resource

MANAGER = "shipway"
"""The field manager of everything that Shipway applies."""


class Selection(msgspec.Struct, frozen=True):
    """A collection of objects: one kind, in one namespace or everywhere, narrowed by selectors."""

    api_version: str
    kind: str
    namespace: str = ""
    """Empty: all namespaces, or a cluster-scoped kind."""
    labels: str = ""
    """A label selector in Kubernetes' own syntax."""
    fields: str = ""
    """A field selector in Kubernetes' own syntax."""


class ChangeType(enum.Enum):
    """What a watch saw; ``SYNCED`` says that the state at its start is complete."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    SYNCED = "SYNCED"


class Change(msgspec.Struct, frozen=True):
    """One thing a watch saw; ``object`` is empty for ``SYNCED``."""

    type: ChangeType
    object: Obj
    selection: Selection | None = None


class Reader(Protocol):
    """Looking."""

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Return how the server serves a kind, or ``None`` if it does not."""
        ...

    def preferred(self, group: str, kind: str) -> Resource | None:
        """Return how the server serves a kind in its preferred version, or ``None``."""
        ...

    def get(self, ref: Ref) -> Obj | None:
        """Return the live object, or ``None`` if it, its namespace or its kind is not there."""
        ...

    def list(self, selection: Selection) -> tuple[Obj, ...]:
        """Return every object of a collection (all pages); none where the kind is not served."""
        ...


class Writer(Protocol):
    """Changing; no call is repeated by the port unless repeating it is harmless."""

    def apply(
        self, obj: Obj, *, force: bool = False, dry_run: bool = False, manager: str = MANAGER
    ) -> Obj:
        """Server-side apply ``obj`` whole and return the live object.

        With ``dry_run`` the server runs defaulting, validation and admission and stores nothing.

        Raises:
            ShipwayError: ``kube.invalid`` (names the fields), ``kube.conflict`` (another manager
                owns a field and ``force`` is off), ``kube.admission``, ``kube.quota``,
                ``kube.not_found`` (its namespace), ``kube.terminating`` (its namespace is being
                deleted).
        """
        ...

    def create(self, obj: Obj) -> Obj:
        """Create ``obj``; as :meth:`apply`, and ``kube.exists`` (conflict) if it is there."""
        ...

    def replace(self, obj: Obj) -> Obj:
        """Replace the object whose ``metadata.resourceVersion`` is that of ``obj``.

        Raises:
            ShipwayError: ``kube.conflict`` if it changed since, ``kube.not_found`` if it is gone.
        """
        ...

    def delete(self, ref: Ref, *, uid: str = "", wait: bool = False) -> bool:
        """Delete an object in the background (``wait``: in the foreground, dependents first).

        Return whether there was one. ``uid`` is a precondition.

        Raises:
            ShipwayError: ``kube.conflict`` if the object of that name has another uid.
        """
        ...


class Watcher(Protocol):
    """Following."""

    def watch(
        self, selections: Sequence[Selection], *, seconds: float
    ) -> Generator[Change, None, None]:
        """Yield what is there (``ADDED``), one ``SYNCED``, then every change as it comes.

        Ends after ``seconds``. Broken connections are taken up again without losing a change;
        closing the iterator, or cancelling the scope, ends its connections at once. After a gap
        that cannot be resumed, objects come again as ``MODIFIED`` and vanished ones as ``DELETED``.
        """
        ...

    def logs(
        self, namespace: str, pod: str, container: str, *, tail: int = 10, previous: bool = False
    ) -> str:
        """Return the last ``tail`` lines of a container (of its previous run); empty if none."""
        ...

    def log_stream(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = False,
        since: str = "",
        seconds: int = 0,
        tail: int | None = None,
        previous: bool = False,
    ) -> Generator[str, None, None]:
        """Yield a container's lines, each after its RFC 3339 timestamp and a blank.

        From ``since`` (RFC 3339, whole seconds) or of the last ``seconds``, at most the last
        ``tail`` of them. With ``follow`` they come as they are written, until the container ends,
        the connection breaks, or it was silent for minutes: then the stream is over, without a
        word. A container that is gone or has not begun has no lines.

        Raises:
            ShipwayError: ``kube.unreachable`` where the connection breaks without ``follow``.
        """
        ...

    def tunnel(self, namespace: str, pod: str, port: int) -> Tunnel:
        """Return a connection to a TCP port of a pod.

        Raises:
            ShipwayError: ``kube.not_found`` where there is no such pod, ``kube.forward``
                (transient) where it cannot be reached.
        """
        ...


class Tunnel(Protocol):
    """A connection to a port of a pod; one thread may send while another receives."""

    def send(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            ShipwayError: ``kube.forward`` (transient) when it is over.
        """
        ...

    def receive(self) -> bytes:
        """Return what comes next; empty at its end.

        Raises:
            ShipwayError: ``kube.forward`` (transient) with the node's reason.
        """
        ...

    def close(self) -> None:
        """End it at once; whoever waits in :meth:`receive` returns."""
        ...


class Kube(Reader, Writer, Watcher, Protocol):
    """One cluster's API server."""

    def version(self) -> str:
        """Return the server's version, as in ``v1.36.3``."""
        ...

    def date(self) -> float | None:
        """Return what the server says the time is, in seconds since the epoch."""
        ...

    def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Return whether we may do something with a resource (``pods``, ``pods/log``)."""
        ...
