"""engine.toml: what is built from a locked Go module, with which toolchain.

The hands that build engines read it, and faces that list them. A folder with ``go.mod``,
``go.sum`` and this file says everything about a program; nothing here touches a disk.
"""

from __future__ import annotations

import tomllib

import msgspec

from shipway.core.oci.digest import Digest
from shipway.core.oci.digest import parse as parse_digest
from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

_NAME = late(r"[a-z0-9][a-z0-9.-]*\Z")
_TOOLCHAIN = late(r"go1\.\d+(\.\d+)?\Z")
_VERSION_SUFFIX = late(r"v\d+\Z")


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One engine: its programs by file name, as import paths of main packages.

    Attributes:
        name: The folder's name.
        version: The upstream release, as its module proxy spells it.
        toolchain: The exact Go, such as ``go1.27.3``.
        seconds: How long it takes with an empty cache on two cores; for estimates only.
        programs: File name to import path.
        variables: Strings set by the linker (``-X``), by their full names.
        tags: Build tags.
        prebuilt: By platform (``linux-amd64``), the SHA-256 of each program, for mirrors.
    """

    schema: int
    name: str
    version: str
    toolchain: str
    programs: dict[str, str]
    seconds: float = 30.0
    variables: dict[str, str] = msgspec.field(default_factory=dict)
    tags: tuple[str, ...] = ()
    prebuilt: dict[str, dict[str, Digest]] = msgspec.field(default_factory=dict)


def parse(text: str, name: str) -> Recipe:
    """Return the recipe in ``text``, which stands in the folder ``name``.

    Raises:
        ShipwayError: ``engine.recipe`` (config) with the fault, unknown keys included.
    """
    try:
        recipe = msgspec.convert(tomllib.loads(text), Recipe)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _refused(name, str(error)) from error
    for fault in _faults(recipe, name):
        raise _refused(name, fault)
    return recipe


def output_name(package: str) -> str:
    """Return the file name that ``go build -o FOLDER/`` gives a main package.

    It is the last element of the import path; a major version suffix (``v3``) counts as none.
    """
    elements = package.split("/")
    if len(elements) > 1 and _VERSION_SUFFIX.match(elements[-1]):
        elements.pop()
    return elements[-1]


def _faults(recipe: Recipe, name: str) -> list[str]:
    """Return what is wrong with a well-formed recipe."""
    outputs = [output_name(package) for package in recipe.programs.values()]
    named = [*recipe.programs, *(file for files in recipe.prebuilt.values() for file in files)]
    checks = {
        f"schema {recipe.schema} is not 1": recipe.schema != 1,
        f"it names itself {recipe.name!r}": recipe.name != name or not _NAME.match(name),
        f"{recipe.toolchain!r} is not a Go version": not _TOOLCHAIN.match(recipe.toolchain),
        "it has no programs": not recipe.programs,
        "a program's file name is not lower case letters, digits, dots and dashes": not all(
            _NAME.match(file) for file in named
        ),
        "two of its packages give a file of one name": len(set(outputs)) != len(outputs),
    }
    return [text for text, wrong in checks.items() if wrong] + _digest_faults(recipe)


def _digest_faults(recipe: Recipe) -> list[str]:
    faults = []
    for platform, files in recipe.prebuilt.items():
        if set(files) != set(recipe.programs):
            faults.append(f"prebuilt.{platform} does not list exactly its programs")
        for file, digest in files.items():
            try:
                parse_digest(digest)
            except ShipwayError:
                faults.append(f"prebuilt.{platform}.{file} is not a sha256 digest")
    return faults


def _refused(name: str, reason: str) -> ShipwayError:
    return ShipwayError(
        "engine.recipe",
        Kind.CONFIG,
        reason,
        operation="reading engine.toml of",
        subject=name,
        hint="reinstall Shipway, or mend the file if it is yours",
    )
