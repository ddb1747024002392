"""Commands of the inner loop: build, test, scan, dev, logs, open, doctor."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

import click

from shipway.cli.completing import services
from shipway.cli.delivering import environment as of_environment
from shipway.cli.delivering import keys, port, tests
from shipway.cli.delivering import target as of_target
from shipway.cli.options import go, shared

file = click.Path(dir_okay=False)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Duration(click.ParamType[int]):
    """A time span such as ``90``, ``45s``, ``10m`` or ``1h30m``, as whole seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the seconds; fail for what is none."""
        text = str(value)
        if text.isdecimal() and int(text):
            return int(text)
        if not re.fullmatch(r"(\d{1,9}[smhd])+", text):
            self.fail(f"{text!r} is no time span, as in 45s, 10m, 1h30m", param, ctx)
        return sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([smhd])", text))


@click.command()
@click.argument("package", default="", shell_complete=services)
@of_environment
@click.option(
    "--push",
    metavar="true|false",
    type=bool,
    default=True,
    help="false: keep them on this machine.",
)
@click.option(
    "--oci-layout",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False),
    default="",
    help="Add them to an image layout.",
)
@click.option(
    "--tarball",
    "archive",
    metavar="FILE",
    type=file,
    default="",
    help="Write them as a tar, for docker load.",
)
@shared
def build(*, package: str, environment: str, push: bool, folder: str, archive: str) -> int:
    """Build images and print their references by digest.

    PACKAGE as for up. They go to the registry of ENV with their evidence; into an image layout with
    --oci-layout; into a tar for `docker load` with --tarball; or with --push=false nowhere. They
    are for the platform of this machine, unless the config names others.
    """
    return go(
        "build",
        package=package,
        environment=environment,
        push=push,
        folder=folder,
        archive=archive,
    )


@click.command()
@click.argument("package", default="", shell_complete=services)
@click.option(
    "--cobertura",
    metavar="FILE",
    type=file,
    default="",
    help="Write the coverage as Cobertura XML.",
)
@shared
def test(*, package: str, cobertura: str) -> int:
    """Run the tests, and judge their coverage by the gate.

    Those of PACKAGE's module, or of all modules that have a service.
    """
    return go("test", package=package, cobertura=cobertura)


@click.command()
@click.argument("subject", metavar="[DIR|PROGRAM|IMAGE|ENV]", default="")
@click.option("--report", metavar="FILE", type=file, default="", help="Attach it to IMAGE.")
@of_environment
@click.option("--deployed", is_flag=True, help="What runs in ENV, or everywhere, by its SBOMs.")
@keys
@click.option("--database", metavar="URL|DIR", default="", help="Instead of your configuration's.")
@shared
def scan(
    *,
    subject: str,
    report: str,
    environment: str,
    deployed: bool,
    keys: tuple[str, ...],
    database: str,
) -> int:
    """Look for known vulnerabilities, and judge them.

    Those of the project, or of a folder, a Go program or an image. With --deployed: in what serves
    now, and attach what is found to its images. With --report: attach what Trivy or Grype said of
    IMAGE. Exits with 9 where one stops that no exception covers.
    """
    if report:
        if deployed or not subject:
            raise click.UsageError("--report is about one IMAGE")
        return go("report", reference=subject, path=report)
    if deployed:
        return go("rescan", environment=subject, database=database, keys=keys)
    given = click.get_current_context().ensure_object(dict)
    start = given.get("directory") or "."
    place = posixpath.normpath(posixpath.join(start, subject)) if subject else ""
    if place and not Path(place).exists():
        if "/" not in subject or subject.startswith((".", "/")):
            raise click.UsageError(f"there is no {subject}")
        return go(
            "scan_image",
            reference=subject,
            environment=environment,
            database=database,
            keys=keys,
        )
    if place and Path(place).is_dir():
        given["directory"], place = place, ""
    return go("scan", program=place and str(Path(place).absolute()), database=database)


@click.command()
@click.argument("service", default="", shell_complete=services)
@of_environment
@of_target
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C, new pods too.")
@click.option("--since", metavar="SPAN", type=Duration(), help="Only the last 45s, 10m, 1h30m.")
@click.option(
    "--tail", metavar="N", type=click.IntRange(0), help="The last N lines of each container."
)
@click.option(
    "--previous", is_flag=True, help="What each container said before it was started again."
)
@shared
def logs(
    *,
    service: str,
    environment: str,
    target: str,
    follow: bool,
    since: int | None,
    tail: int | None,
    previous: bool,
) -> int:
    """Show what pods say.

    All pods of ENV, or those of SERVICE; each line follows the names of its pod and container.
    """
    if follow and previous:
        raise click.UsageError("--follow and --previous exclude each other")
    return go(
        "logs",
        streams=True,
        service=service,
        environment=environment,
        target=target,
        follow=follow,
        since=since or 0,
        tail=tail,
        previous=previous,
    )


@click.command(name="open")
@click.argument("service", shell_complete=services)
@of_environment
@click.option("--print", "show", flag_value=False, default=True, help="Only print the URL.")
@shared
def open_(*, service: str, environment: str, show: bool) -> int:
    """Open the URL of SERVICE in the browser.

    Where it has none, a local port is forwarded to it until Ctrl-C.
    """
    return go("visit", streams=True, service=service, environment=environment, show=show)


@click.command()
@click.argument("package", default="", shell_complete=services)
@of_environment
@keys
@port
@tests
@click.option("--logs/--no-logs", default=True, help="Show what the pods say.")
@click.option("--forward/--no-forward", default=True, help="Forward to what has no URL here.")
@shared
def dev(
    *,
    package: str,
    environment: str,
    keys: tuple[str, ...],
    port: int | None,
    tests: str | None,
    logs: bool,
    forward: bool,
) -> int:
    """Do what up does, and again with every save, until Ctrl-C.

    PACKAGE as for up. What the pods say is shown meanwhile. What was deployed stays when it ends.
    """
    return go(
        "dev",
        streams=True,
        package=package,
        environment=environment,
        keys=keys,
        port=port or 0,
        tests=tests or "",
        logs=logs,
        forward=forward,
    )


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@shared
def doctor(*, as_json: bool) -> int:
    """Look at all that a run needs.

    Each fault is told with what shows it and the command that settles it.
    """
    if as_json:
        click.get_current_context().ensure_object(dict)["output"] = "json"
    return go("doctor")
