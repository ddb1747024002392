"""Where a service answers, and which pod a connection to it goes to when it has no address here.

Pure: live objects are arguments. Ports follow core/v1 Service and PodSpec.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube.objects import ref_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipway.core.kube.objects import Obj

_SECURE = frozenset({443, 8443})
_HTTP, _HTTPS = 80, 443
_FIRST = 1024
"""The lowest port that an ordinary account may listen on (ip_unprivileged_port_start)."""


class Port(msgspec.Struct, frozen=True):
    """One port of a Service."""

    number: int
    target: str | int
    """Port of the pod, by number or by name."""
    node: int = 0
    secure: bool = False
    """Whether it speaks TLS, as far as its name and number tell."""

    @property
    def local(self) -> int:
        """Return the port to listen on here: the same one, where an ordinary account may."""
        return self.number if self.number >= _FIRST else self.number + 8000

    def url(self, host: str, port: int) -> str:
        """Return the address of it at ``host:port``; usual ports are left out."""
        scheme, usual = ("https", _HTTPS) if self.secure else ("http", _HTTP)
        return f"{scheme}://{host}" if port == usual else f"{scheme}://{host}:{port}"


class Endpoint(msgspec.Struct, frozen=True):
    """A pod and its port."""

    namespace: str
    pod: str
    port: int


def ports(service: Obj) -> tuple[Port, ...]:
    """Return the TCP ports of a Service, those that seem to be for people first."""
    found = [
        Port(
            number=int(one["port"]),
            target=one.get("targetPort") or int(one["port"]),
            node=int(one.get("nodePort") or 0),
            secure=str(one.get("name", "")).startswith("https") or int(one["port"]) in _SECURE,
        )
        for one in (service.get("spec") or {}).get("ports") or ()
        if one.get("protocol", "TCP") == "TCP"
    ]
    named = {
        int(one["port"])
        for one in (service.get("spec") or {}).get("ports") or ()
        if str(one.get("name", "")).startswith("http")
    }
    return tuple(sorted(found, key=lambda one: one.number not in named))


def address(service: Obj, ingresses: Iterable[Obj], *, nodes: str = "") -> str:
    """Return the URL at which a Service answers from here; empty where only forwarding helps.

    ``nodes`` is the host that node ports answer on; empty where that is not known.
    """
    listed = ports(service)
    if not listed:
        return ""
    for url in _ingress_urls(service, ingresses):
        return url
    for one in ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ():
        host = str(one.get("hostname") or one.get("ip") or "")
        if host:
            return listed[0].url(f"[{host}]" if ":" in host else host, listed[0].number)
    if nodes and listed[0].node:
        return listed[0].url(nodes, listed[0].node)
    return ""


def selector(service: Obj) -> str:
    """Return the label selector of a Service's pods; empty for a Service without one."""
    chosen = (service.get("spec") or {}).get("selector") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(chosen.items()))


def endpoints(port: Port, pods: Iterable[Obj]) -> tuple[Endpoint, ...]:
    """Return the pods that serve, the newest first, each with the number of its port."""
    ready = [pod for pod in pods if _serves(pod)]
    ready.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    return tuple(_endpoints(port, ready))


def running(reference: str, port: int, pods: Iterable[Obj]) -> tuple[Endpoint, ...]:
    """Return the pods that serve and run the image ``reference``, the newest first."""
    found = [
        pod
        for pod in pods
        if _serves(pod)
        and any(
            one.get("image") == reference for one in (pod.get("spec") or {}).get("containers") or ()
        )
    ]
    found.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    return tuple(Endpoint(ref.namespace, ref.name, port) for ref in map(ref_of, found))


def _endpoints(port: Port, pods: list[Obj]) -> Iterator[Endpoint]:
    for pod in pods:
        number = _number(port.target, pod)
        if number:
            ref = ref_of(pod)
            yield Endpoint(ref.namespace, ref.name, number)


def _serves(pod: Obj) -> bool:
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return False
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _number(target: str | int, pod: Obj) -> int:
    """Return a pod's port by number or name; 0 where it has none of that name."""
    if isinstance(target, int) or target.isdecimal():
        return int(target)
    for container in (pod.get("spec") or {}).get("containers") or ():
        for one in container.get("ports") or ():
            if one.get("name") == target:
                return int(one["containerPort"])
    return 0


def _ingress_urls(service: Obj, ingresses: Iterable[Obj]) -> Iterator[str]:
    wanted = ref_of(service)
    for ingress in ingresses:
        if ref_of(ingress).namespace != wanted.namespace:
            continue
        spec = ingress.get("spec") or {}
        secured = {host for one in spec.get("tls") or () for host in one.get("hosts") or ()}
        for rule in spec.get("rules") or ():
            host = str(rule.get("host") or "")
            path = _path_to(rule, wanted.name)
            if host and "*" not in host and path:
                yield f"{'https' if host in secured else 'http'}://{host}{path}"


def _path_to(rule: dict[str, Any], name: str) -> str:
    """Return the path of a rule that leads to a Service; empty where none does."""
    for one in (rule.get("http") or {}).get("paths") or ():
        if ((one.get("backend") or {}).get("service") or {}).get("name") == name:
            return str(one.get("path") or "/")
    return ""
