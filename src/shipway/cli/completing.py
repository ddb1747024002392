"""What the shell completes: names from the project's config, and error ids; nothing is asked.

Releases are not completed: they lie in a registry. Whatever cannot be read completes to nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click
    from click.shell_completion import CompletionItem


def environments(ctx: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Return the environments of the project."""
    from shipway.wiring import completing  # noqa: PLC0415  only a shell that completes pays for it

    return _beginning(completing.environments(_directory(ctx)), begun)


def services(
    ctx: click.Context, _: click.Parameter, begun: str
) -> list[str] | list[CompletionItem]:
    """Return the services that the project's config names; folders for what begins as a path."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415  as above

    from shipway.wiring import completing  # noqa: PLC0415  as above

    if begun.startswith((".", "/")):
        return [CompletionItem(begun, type="dir")]
    return _beginning(completing.services(_directory(ctx)), begun)


def errors(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Return the error ids that have a page."""
    from shipway.roads import explain  # noqa: PLC0415  as above

    return _beginning(explain.identifiers(), begun)


def _directory(ctx: click.Context) -> str:
    """Return the project's folder as the line has it so far."""
    said = [one.params.get("directory") for one in (ctx, ctx.find_root())]
    return next((str(one) for one in said if one), os.curdir)


def _beginning(names: Iterable[str], begun: str) -> list[str]:
    return sorted(one for one in names if one.startswith(begun))
