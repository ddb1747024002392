"""Nodes: which platforms a cluster needs."""

from __future__ import annotations

from typing import Any

from shipway.core.kube.nodes import platforms


def node(**info: str) -> dict[str, Any]:
    """Return a node whose kubelet says this of itself."""
    return {"apiVersion": "v1", "kind": "Node", "status": {"nodeInfo": info}}


def test_every_architecture_counts_once() -> None:
    """Several nodes of one architecture need one platform; other systems and silent nodes none."""
    nodes = [
        node(architecture="amd64", operatingSystem="linux"),
        node(architecture="arm64", operatingSystem="linux"),
        node(architecture="amd64", operatingSystem="linux"),
        node(architecture="amd64", operatingSystem="windows"),
        node(operatingSystem="linux"),
        {"kind": "Node"},
    ]
    assert sorted(str(one) for one in platforms(nodes)) == ["linux/amd64", "linux/arm64"]
    assert platforms([]) == frozenset()
