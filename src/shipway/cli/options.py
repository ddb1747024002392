"""Options that every command has, wherever on the line they stand.

Command modules decorate with :func:`shared` and call a road through :func:`go`.
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULTS: dict[str, Any] = {"output": "text", "cluster": "", "directory": "", "verbose": False}
ROADS = "roads"
"""Key of the object that has the roads, where a caller gave one in place of wiring."""


class Comparing(click.Command):
    """A command that exits as ``diff`` does elsewhere: 0, 2 for a difference, 1 where it failed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line; every error names this command, which click's own do not all."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command has; the one that stands last on the line counts."""

    @click.option(
        "--output", type=click.Choice(["text", "json"]), help="Text, or one JSON object a line."
    )
    @click.option("--name", "cluster", metavar="NAME", help="Embedded cluster to use.")
    @click.option(
        "-C",
        "directory",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False),
        help="Project folder, instead of the current one.",
    )
    @click.option("-v", "--verbose", is_flag=True, default=None, help="Say more.")
    @functools.wraps(command)
    def wrapped(**values: Any) -> Any:  # noqa: ANN401  click's own
        given = click.get_current_context().ensure_object(dict)
        for name in _DEFAULTS:
            value = values.pop(name)
            if value is not None:
                given[name] = value
        return command(**values)

    return wrapped


def go(
    road: str,
    *,
    local: bool = True,
    streams: bool = False,
    compares: bool = False,
    **asked: Any,  # noqa: ANN401  each road's own
) -> int:
    """Call ``wiring.ROAD`` with what was asked and the shared options; return the exit code.

    ``local`` roads are about the project's folder; those that stream have lines for standard
    output in their events; those that compare exit as ``diff`` does.
    """
    given = _given()

    def call(emit: Callable[..., None]) -> object:
        roads = given.get(ROADS) or _wiring()
        directory = os.path.abspath(given["directory"] or os.curdir)  # noqa: PTH100  links stay
        where = {"directory": directory} if local else {}
        return getattr(roads, road)(cluster=given["cluster"], emit=emit, **where, **asked)

    return answer(call, streams=streams, compares=compares)


def answer(
    call: Callable[[Callable[..., None]], object], *, streams: bool = False, compares: bool = False
) -> int:
    """Call a road that needs no hands; return the exit code."""
    from shipway.cli.boundary import travel  # noqa: PLC0415  help and completion need none of it

    given = _given()
    return travel(
        call, output=given["output"], verbose=given["verbose"], streams=streams, compares=compares
    )


def _given() -> dict[str, Any]:
    return {**_DEFAULTS, **click.get_current_context().ensure_object(dict)}


def _wiring() -> Any:  # noqa: ANN401  a module
    """Import wiring within the boundary, so that even its faults are told."""
    return importlib.import_module("shipway.wiring")
