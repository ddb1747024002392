"""Debug: services in their pods, each under Delve, and a port of this machine that leads to it.

The CLI calls :func:`debug` for ``up --debug``. It is ``up`` with images for debugging; then the
person is told how to attach, and the ports stay open until they stop it. What was deployed stays
as it is: the next plain ``up`` takes its place.
"""

from __future__ import annotations

import contextlib
import posixpath
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.golang.delve import PORT, Attaching
from shipway.core.kube import forwarding
from shipway.core.ports.kube import Selection
from shipway.core.project import settings
from shipway.core.run.events import Fact, Remark
from shipway.errors import Kind, ShipwayError
from shipway.roads import wanted, where
from shipway.roads.up import load, up

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube, Tunnel
    from shipway.core.project.settings import Place
    from shipway.core.run.events import Event
    from shipway.roads.scaffold import LoadedProject
    from shipway.roads.up import UpRequest

_HOUR = 3600.0


def debug(request: UpRequest, *, hands: Hands, emit: Callable[[Event], None]) -> None:
    """Carry the project built for debugging, and forward to its debuggers until stopped.

    Raises:
        ShipwayError: ``run.cancelled`` at its end; as :func:`refuse`; what ``up`` raises.
    """
    project = load(request, hands, {})
    place = project.at(request.environment)
    services = refuse(request, project, place)
    done = up(msgspec.structs.replace(request, debug=True), hands=hands, emit=emit)
    contexts, _ = where.standing(place, request.cluster, hands)
    with contextlib.ExitStack() as stack:
        for context in contexts:
            kube = hands.kube(context)
            for name, port in services.items():
                connect = partial(connected, kube, place.namespaces, done.images[name], port)
                failed = partial(_said, hands, emit)
                listening = hands.forwards.listen(PORT, connect, on_error=failed)
                local = stack.enter_context(listening)
                _tell(_attaching(name, local, project), context, hands, emit)
        while True:
            scope.current().wait(_HOUR)


def refuse(request: UpRequest, project: LoadedProject, place: Place) -> dict[str, int]:
    """Return the services that will run under a debugger, to its port in the pod.

    Raises:
        ShipwayError: ``debug.protected`` (rejected) for a protected environment, ``debug.kind``
            (usage) where none of the services goes on running.
    """
    if place.protected:
        raise ShipwayError(
            "debug.protected",
            Kind.REJECTED,
            "it is protected, and whoever reaches a debugger can run anything there",
            operation="debugging in",
            subject=place.environment,
            hint="shipway up --debug, which goes to dev",
        )
    package = request.package if project.written else ""
    names = tuple(settings.chosen(project.settings.config, package))
    found = wanted.debugged(project, names)
    if not found:
        raise ShipwayError(
            "debug.kind",
            Kind.USAGE,
            "a job ends with its program, and a debugger would keep it for ever",
            operation="debugging",
            subject=", ".join(names),
            hint="debug its package on this machine: dlv debug ./PACKAGE",
        )
    return found


def connected(kube: Kube, namespaces: tuple[str, ...], image: str, port: int) -> Tunnel:
    """Return a tunnel to the debugger of a pod that runs ``image`` now.

    Raises:
        ShipwayError: ``kube.forward`` (transient) where there is none.
    """
    for namespace in namespaces:
        listed = kube.list(Selection("v1", "Pod", namespace))
        for one in forwarding.running(image, port, listed):
            return kube.tunnel(one.namespace, one.pod, one.port)
    raise ShipwayError(
        "kube.forward",
        Kind.TRANSIENT,
        "no pod that is ready runs it any more",
        operation="forwarding to the debugger of",
        subject=image,
        hint="shipway up --debug",
    )


def _attaching(name: str, local: int, project: LoadedProject) -> Attaching:
    """Return the way to a service: file names in the program begin with its module's path."""
    module = project.modules.get(name, ".")
    folder = settings.folder_of(project.settings.config.services[name].package)
    inside = posixpath.relpath(folder, module)
    path = project.packages[name]
    return Attaching(
        service=name,
        port=local,
        module=path if inside == "." else path.removesuffix(f"/{inside}"),
        directory=posixpath.normpath(posixpath.join(project.directory, module)),
    )


def _tell(to: Attaching, context: str, hands: Hands, emit: Callable[[Event], None]) -> None:
    now = hands.clock.now()
    emit(Fact(run="", trace="", at=now, name="debug", value=f"{to.service} {to.address}"))
    text = f"{to.service} on {context} runs under Delve, which is at {to.address} until Ctrl-C"
    emit(Remark(run="", trace="", at=now, text=text, fix="\n".join(to.lines())))


def _said(hands: Hands, emit: Callable[[Event], None], error: ShipwayError) -> None:
    emit(Remark(run="", trace="", at=hands.clock.now(), text=str(error), loud=True))
