"""Forward: a service at an address of this machine, whichever of its pods serves just now.

``shipway open`` and ``dev`` ask here. Where a service has an address of its own, that is taken;
else each connection to a local port goes to a pod that is ready at that moment, so that a redeploy
needs no new port.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.kube import forwarding
from shipway.core.kube.objects import Ref, ref_of
from shipway.core.ports.kube import Selection
from shipway.core.run.events import Fact, Remark
from shipway.errors import Kind, ShipwayError
from shipway.roads import where

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.kube.forwarding import Port
    from shipway.core.kube.objects import Obj
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube, Tunnel
    from shipway.core.run.events import Event

LOOPBACK = "127.0.0.1"
_HOUR = 3600.0


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    where: where.WhereRequest
    service: str
    show: bool = True
    """Whether the person's browser is to show it."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Where a service answers."""

    url: str

    def lines(self) -> Iterator[str]:
        """Yield the URL alone, for ``$(shipway open --print web)``."""
        yield self.url


def visit(request: OpenRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Opened:
    """Return where a service answers, shown in the browser if that is wanted.

    A service without an address of its own is forwarded to until the person stops it; its URL is
    the fact ``url`` then.

    Raises:
        ShipwayError: ``open.service`` (not found), ``open.port`` (config), ``run.cancelled`` at
            the end of forwarding, and what reaching the cluster raises.
    """
    reached = where.reached(request.where, hands=hands)
    kube = hands.kube(reached.contexts[0])
    found = service(kube, reached.place.namespaces, request.service)
    nodes = LOOPBACK if reached.place.embedded else ""
    url = address(kube, found, nodes=nodes)

    def show(url: str) -> None:
        if request.show and not hands.browser.open(url):
            text = "no browser was found here: open the URL by hand"
            emit(Remark(run="", trace="", at=hands.clock.now(), text=text))

    if url:
        show(url)
        return Opened(url=url)
    with forwarded(kube, found, hands=hands, emit=emit) as url:
        emit(Fact(run="", trace="", at=hands.clock.now(), name="url", value=url))
        show(url)
        while True:
            scope.current().wait(_HOUR)


def service(kube: Kube, namespaces: tuple[str, ...], name: str) -> Obj:
    """Return a live Service of an environment.

    Raises:
        ShipwayError: ``open.service`` (not found).
    """
    if (found := find(kube, namespaces, name)) is not None:
        return found
    raise ShipwayError(
        "open.service",
        Kind.NOT_FOUND,
        f"there is no Service of this name in {', '.join(namespaces)}",
        operation="opening",
        subject=name,
        hint="shipway status shows what runs; a worker or job has no Service",
    )


def find(kube: Kube, namespaces: tuple[str, ...], name: str) -> Obj | None:
    """Return a live Service of an environment, if there is one."""
    found = (kube.get(Ref("v1", "Service", namespace, name)) for namespace in namespaces)
    return next((one for one in found if one is not None), None)


def address(kube: Kube, service: Obj, *, nodes: str) -> str:
    """Return the URL that a Service has by itself; empty where it has none."""
    namespace = ref_of(service).namespace
    ingresses = kube.list(Selection("networking.k8s.io/v1", "Ingress", namespace))
    return forwarding.address(service, ingresses, nodes=nodes)


@contextlib.contextmanager
def forwarded(
    kube: Kube, service: Obj, *, hands: Hands, emit: Callable[[Event], None]
) -> Iterator[str]:
    """Forward a local port to a Service's first port while in the block, and give the URL.

    Each connection goes to what the Service says at that moment.

    Raises:
        ShipwayError: ``open.port`` (config) where it has no TCP port or selects no pods.
    """
    ref, port = ref_of(service), _port(service)

    def failed(error: ShipwayError) -> None:
        emit(Remark(run="", trace="", at=hands.clock.now(), text=str(error), loud=True))

    def connect() -> Tunnel:
        return _connected(kube, ref)

    with hands.forwards.listen(port.local, connect, on_error=failed) as local:
        yield port.url(LOOPBACK, local)


def _port(service: Obj) -> Port:
    listed = forwarding.ports(service)
    if not listed or not forwarding.selector(service):
        raise ShipwayError(
            "open.port",
            Kind.CONFIG,
            "it has no TCP port" if not listed else "it selects no pods",
            operation="forwarding to",
            subject=ref_of(service).name,
        )
    return listed[0]


def _connected(kube: Kube, ref: Ref) -> Tunnel:
    """Return a tunnel to a pod that serves now, as the Service stands now."""
    live = kube.get(ref)
    if live is None:
        raise _nobody(ref, "the Service is gone")
    port = _port(live)
    selection = Selection("v1", "Pod", ref.namespace, labels=forwarding.selector(live))
    last: ShipwayError | None = None
    for one in forwarding.endpoints(port, kube.list(selection)):
        try:
            return kube.tunnel(one.namespace, one.pod, one.port)
        except ShipwayError as error:
            if error.kind not in {Kind.TRANSIENT, Kind.NOT_FOUND}:
                raise
            last = error
    raise last or _nobody(ref, "no pod of it is ready")


def _nobody(ref: Ref, why: str) -> ShipwayError:
    return ShipwayError(
        "kube.forward",
        Kind.TRANSIENT,
        why,
        operation="forwarding to",
        subject=str(ref),
        hint="shipway status shows how its pods are",
    )
