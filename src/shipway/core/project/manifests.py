"""The default manifests: as files for ``init``, and as objects for an ``up`` without files.

``files`` lays out ``deploy/base`` and ``deploy/overlays/{dev,staging,prod}`` for kustomize;
``in_memory`` gives the very objects that kustomize makes of them (a test compares both). It never
writes: whoever writes these files must not overwrite what is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube import order
from shipway.core.kube.objects import RESTRICTED, ref_of
from shipway.core.project import workload as workloads

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shipway.core.kube.objects import Obj
    from shipway.core.project.workload import Workload

BASE = "deploy/base"
OVERLAYS = "deploy/overlays"
ADDRESSED = 16
"""Services that have a node port each; where more serve, none has: a cluster has 32 for all."""


class Overlay(msgspec.Struct, frozen=True, kw_only=True):
    """What one environment changes on the base."""

    environment: str
    namespace: str
    replicas: int = 1
    """Of each Deployment."""
    node_port: bool = False
    """Services become NodePorts (the embedded cluster serves them on 127.0.0.1), if few serve."""


def overlays(project: str) -> tuple[Overlay, ...]:
    """Return the three overlays that ``init`` writes; namespaces are PROJECT-ENV."""
    return (
        Overlay(environment="dev", namespace=f"{project}-dev", node_port=True),
        Overlay(environment="staging", namespace=f"{project}-staging"),
        Overlay(environment="prod", namespace=f"{project}-prod", replicas=2),
    )


def addressed(services: Iterable[Workload]) -> bool:
    """Return whether these are few enough that each one that serves may have a node port."""
    return sum(one.kind in workloads.SERVED for one in services) <= ADDRESSED


def files(project: str, services: tuple[Workload, ...]) -> dict[str, str]:
    """Return path (relative to the repository) and text of every file that ``init`` writes."""
    found = {f"{BASE}/kustomization.yaml": dump(_base(services))}
    for service in services:
        found[f"{BASE}/{service.name}.yaml"] = dump(*workloads.objects(service, project))
    for overlay in overlays(project):
        folder = f"{OVERLAYS}/{overlay.environment}"
        found[f"{folder}/namespace.yaml"] = dump(_namespace(overlay))
        found[f"{folder}/kustomization.yaml"] = dump(_kustomization(overlay, services))
    return found


def in_memory(
    project: str,
    services: tuple[Workload, ...],
    overlay: Overlay,
    *,
    node_ports: Mapping[str, int] | None = None,
) -> tuple[Obj, ...]:
    """Return what kustomize makes of ``overlay``; ``node_ports`` fixes ports by service name.

    Without a fixed port the server takes a free one of its range and keeps it.
    """
    ported = overlay.node_port and addressed(services)
    overlay = msgspec.structs.replace(overlay, node_port=ported)
    base = [obj for service in services for obj in workloads.objects(service, project)]
    found = [_namespace(overlay), *(_overlaid(obj, overlay, node_ports or {}) for obj in base)]
    return order.ordered(tuple(found))


def _base(services: tuple[Workload, ...]) -> Obj:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{service.name}.yaml" for service in services],
    }


def _namespace(overlay: Overlay) -> Obj:
    metadata = {"name": overlay.namespace, "labels": dict(RESTRICTED)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _kustomization(overlay: Overlay, services: tuple[Workload, ...]) -> Obj:
    found: Obj = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": overlay.namespace,
        "resources": ["namespace.yaml", "../../base"],
    }
    ported = overlay.node_port and addressed(services)
    if ported and any(one.kind in workloads.SERVED for one in services):
        patch = "- op: replace\n  path: /spec/type\n  value: NodePort\n"
        found["patches"] = [{"target": {"kind": "Service"}, "patch": patch}]
    scaled = [one.name for one in services if one.kind in {*workloads.SERVED, "worker"}]
    if overlay.replicas != 1 and scaled:
        found["replicas"] = [{"name": name, "count": overlay.replicas} for name in scaled]
    return found


def _overlaid(obj: Obj, overlay: Overlay, node_ports: Mapping[str, int]) -> Obj:
    metadata = {**obj["metadata"], "namespace": overlay.namespace}
    found: Obj = {**obj, "metadata": metadata}
    if obj["kind"] == "Deployment":
        found["spec"] = {**obj["spec"], "replicas": overlay.replicas}
    elif obj["kind"] == "Service" and overlay.node_port:
        found["spec"] = _node_port(obj["spec"], node_ports.get(ref_of(obj).name))
    return found


def _node_port(spec: Obj, number: int | None) -> Obj:
    if number is None:
        return {**spec, "type": "NodePort"}
    ports = [{**port, "nodePort": number} for port in spec["ports"]]
    return {**spec, "type": "NodePort", "ports": ports}


def dump(*documents: Obj) -> str:
    """Return objects as a YAML stream, keys in their order, texts of several lines as blocks."""
    import yaml  # noqa: PLC0415  17 ms that only init needs

    text: str = yaml.dump_all(
        documents, Dumper=_dumper(), sort_keys=False, default_flow_style=False, width=1000
    )
    return text


def _dumper() -> type:
    import yaml  # noqa: PLC0415  see above

    class Plain(yaml.SafeDumper):
        """Indented lists, texts of several lines as blocks, and no anchors."""

        def ignore_aliases(self, _data: object) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, False)

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Plain.add_representer(str, text)
    return Plain
