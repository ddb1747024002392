"""The door: lets people's clients in, from the host's 127.0.0.1 to the same port inside.

pasta could, but Debian 12's stalls large uploads for ever (docs/adr/0013-a-door-of-our-own.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.cluster.part import Part
from shipway.cluster.parts.joint import INSIDE
from shipway.core.ports.ground import Ask, Check

if TYPE_CHECKING:
    from shipway.cluster.site import Site

NAME = "door"
MODULE = "shipway.adapters.ground.door"


def part(site: Site) -> Part:
    """Return the door with the cluster's block of ports."""
    block = (str(site.apiserver), str(site.node_ports[1]))
    return Part(
        name=NAME,
        program="python",
        arguments=("-I", "-m", MODULE, INSIDE, *block),
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        outside=True,
        check=Check(ask=Ask.HTTP, port=site.registry, path="/v2/", statuses=(401,), outside=True),
    )
