"""Wiring of what describes programs and images of anybody.

:mod:`shipway.wiring` has it among its own; the table is in ``shipway.cli``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.wiring.tools import Tools, architecture

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.run.events import Event

    Emit = Callable[[Event], None]


def sbom(*, cluster: str, emit: Emit, subject: str, form: str, file: str, platform: str) -> object:
    """Describe what is in a program or image."""
    tools = Tools(emit).ahead_of(subject)
    from shipway.core.oci.descriptor import Platform
    from shipway.roads import sbom as road

    del cluster
    said = (platform or f"linux/{architecture()}").split("/")
    system, machine, variant = (*said, "", "")[:3]
    asked = road.SbomRequest(
        subject=subject, format=form, file=file, platform=Platform(machine, system, variant)
    )
    return road.sbom(asked, hands=tools)
