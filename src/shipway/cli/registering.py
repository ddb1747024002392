"""Commands about who we are to registries: login, logout."""

from __future__ import annotations

import sys

import click

from shipway.cli.options import go, shared
from shipway.redaction import Secret

_MOST = 1 << 16
"""Bytes of standard input that a password may have."""


@click.command()
@click.argument("registry", metavar="REGISTRY")
@click.option("-u", "--username", "user", metavar="USER", required=True, help="Who logs in.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@shared
def login(registry: str, user: str, password_stdin: bool) -> int:
    """Log in to REGISTRY, which is HOST[:PORT].

    The login is proved there, and kept by your credential helper, else in Docker's config.json.
    """
    return go(
        "login", local=False, registry=registry, user=user, password=_password(password_stdin)
    )


@click.command()
@click.argument("registry", metavar="REGISTRY")
@shared
def logout(registry: str) -> int:
    """Forget the login of REGISTRY, wherever it is kept."""
    return go("logout", local=False, registry=registry)


def _password(from_stdin: bool) -> Secret:
    """Return the password: never from the command line, where every program could read it."""
    if not from_stdin:
        raise click.UsageError("the password comes through a pipe: add --password-stdin")
    said = sys.stdin.buffer.read(_MOST)
    try:
        return Secret(said.decode().removesuffix("\n").removesuffix("\r"))
    except UnicodeDecodeError as error:
        raise click.UsageError("the password is not text in UTF-8") from error
