"""The tree of commands. Importing it costs click and little more; roads come when called."""

from __future__ import annotations

import click

from shipway import __version__
from shipway.cli.clustering import cluster
from shipway.cli.delivering import demo, rollback, up
from shipway.cli.describing import sbom
from shipway.cli.keeping import gc
from shipway.cli.looping import build, dev, doctor, logs, open_, scan, test
from shipway.cli.observing import affected, history, sign, status, trace, verify
from shipway.cli.options import shared
from shipway.cli.preparing import check, explain, init, key, render
from shipway.cli.registering import login, logout
from shipway.cli.releasing import delete, deploy, diff, plan, promote, release


class Commands(click.Group):
    """The commands; an error in options before one of them is that command's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what stands before the command; errors name the command they were written for."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            command = self._meant(ctx, given)
            error.ctx = error.ctx or ctx
            if command is not None:
                error.ctx = click.Context(command, parent=ctx, info_name=command.name)
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by what they are for."""
        del ctx
        room = formatter.width - 6 - max(map(len, self.commands))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(str(one.name), one.get_short_help_str(room)) for one in commands],
                    col_max=30,
                )

    def _meant(self, ctx: click.Context, args: list[str]) -> click.Command | None:
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = True
        try:
            _, rest, _ = parser.parse_args(args)
        except click.UsageError:
            return None
        names = (one for one in rest if not one.startswith("-"))
        return self.get_command(ctx, next(names, ""))


@click.group(
    cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, "-V", "--version", message="shipway %(version)s")
@shared
def app() -> None:
    """Carry a Go commit to healthy pods on Kubernetes, and prove it.

    In a Go repository: shipway up. Back from a pod to its commit: shipway trace pod/NAME.
    """


SECTIONS = {
    "Every day": (up, dev, build, test, logs, open_, status, rollback),
    "Releases": (release, plan, deploy, promote, diff, history, delete),
    "Evidence": (trace, verify, sign, sbom, scan, affected),
    "The project": (init, check, render),
    "This machine": (doctor, demo, cluster, key, login, logout, gc, explain),
}
"""Every command, in the order of the help."""

for command in (one for section in SECTIONS.values() for one in section):
    app.add_command(command)
