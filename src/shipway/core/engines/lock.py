"""What exactly an engine is: its recipe and module sums, as one digest, and the files it gave.

The hands that build and install engines key everything by :func:`digest`; the same lock on the
same platform gives the same bytes, so a result of any age may be used again.
"""

from __future__ import annotations

import msgspec

from shipway.core.engines.recipe import Recipe  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest, from_hex, hex_of, of
from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

FLAGS = "trimpath,ldflags=-s -w -buildid=,buildvcs=false,cgo=0,mod=readonly"
"""How every engine is compiled; part of every digest, so a change rebuilds all."""

_LINE = late(r"([0-9a-f]{64})  ([a-z0-9][a-z0-9.-]*)\Z")


class Lock(msgspec.Struct, frozen=True):
    """A recipe with the module files beside it, as stored."""

    recipe: Recipe
    mod: bytes
    sums: bytes


def digest(lock: Lock, platform: str) -> str:
    """Return the lock's digest on ``platform`` (``linux-amd64``): 64 hex digits.

    What is only information (expected seconds, digests for mirrors) does not count.
    """
    recipe = lock.recipe
    material = {
        "flags": FLAGS,
        "name": recipe.name,
        "platform": platform,
        "programs": recipe.programs,
        "mod": of(lock.mod),
        "sum": of(lock.sums),
        "tags": recipe.tags,
        "toolchain": recipe.toolchain,
        "variables": recipe.variables,
        "version": recipe.version,
    }
    return hex_of(of(msgspec.json.encode(material, order="sorted")))


def write_sums(files: dict[str, Digest]) -> str:
    """Return ``files`` in the form that ``sha256sum -c`` reads."""
    return "".join(f"{hex_of(found)}  {name}\n" for name, found in sorted(files.items()))


def read_sums(text: str, subject: str) -> dict[str, Digest]:
    """Return the files and digests that :func:`write_sums` wrote.

    Raises:
        ShipwayError: ``engine.altered`` (integrity) if ``text``, of ``subject``, is anything else.
    """
    lines = [_LINE.match(line) for line in text.splitlines()]
    found = {line[2]: from_hex(line[1]) for line in lines if line}
    if not found or len(found) != len(lines):
        raise altered(subject, "its list of SHA-256 sums is torn")
    return found


def altered(subject: str, reason: str) -> ShipwayError:
    """Return the error for a program that is not what was built from the lock."""
    return ShipwayError(
        "engine.altered",
        Kind.INTEGRITY,
        reason,
        operation="checking",
        subject=subject,
        hint="remove the folder it lies in; the next 'shipway cluster up' makes it again",
    )
