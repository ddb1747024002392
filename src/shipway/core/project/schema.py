"""Reading ``shipway.toml``: every fault at once, each with its full key path and the nearest name.

``read`` turns text into a tree of plain values and ``faults`` judges a tree against the types of
``core.project.config``; ``document`` is the JSON Schema of the same types, shipped beside this
file for editors. No other module knows what a key may hold.
"""

from __future__ import annotations

import functools
import tomllib
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import msgspec

from shipway.core.project.config import RESERVED, SERVED, Config
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msgspec.structs import FieldInfo

Tree = dict[str, Any]
Path = tuple[str, ...]

FILE = "shipway.toml"
_SHOWN = 12
ID = "https://shipway.dev/schema/shipway-1.json"


class ConfigFault(msgspec.Struct, frozen=True, order=True):
    """One thing that is wrong in a config."""

    path: str
    """Full key path, as ``services.web.port``."""
    why: str

    def __str__(self) -> str:
        """Return ``PATH: WHY``."""
        return f"{self.path}: {self.why}"


def read(data: bytes, *, name: str = FILE) -> Tree:
    """Return the tables of a TOML file.

    Raises:
        ShipwayError: ``config.syntax`` with line and column.
    """
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ShipwayError(
            "config.syntax",
            Kind.CONFIG,
            str(error),
            operation="reading",
            subject=name,
            hint="the file is TOML 1.0; shipway init --dry-run shows a whole one",
        ) from error


def faults(tree: Mapping[str, Any], *, complete: bool = True) -> tuple[ConfigFault, ...]:
    """Return everything that is wrong with ``tree``, in order of key paths.

    ``complete`` asks for what a whole file must have, too; a layer of it need not.
    """
    found = list(_table(tree, Config, ()))
    if complete and "schema" not in tree:
        found.append(ConfigFault("schema", "missing; the first line is: schema = 1"))
    return tuple(sorted(found))


def parse(tree: Mapping[str, Any]) -> Config:
    """Return ``tree`` as a config, its names and values checked.

    Raises:
        ShipwayError: ``config.invalid`` with every fault.
    """
    refuse(faults(tree, complete=False))
    config = msgspec.convert(tree, Config)
    refuse(tuple(_contradictions(config)))
    return config


def refuse(found: tuple[ConfigFault, ...], *, name: str = FILE) -> None:
    """Raise all of ``found`` together, if there is any."""
    if found:
        raise ShipwayError(
            "config.invalid",
            Kind.CONFIG,
            "\n".join(("", *(f"  {fault}" for fault in found))),
            operation="reading",
            subject=name,
            hint="docs/config.md lists every key",
        )


def document() -> Tree:
    """Return the JSON Schema (2020-12) of shipway.toml."""
    schema = msgspec.json.schema(Config)
    root = schema["$defs"].pop("Config")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        **root,
        "required": ["schema"],
        "$defs": schema["$defs"],
    }


def text() -> str:
    """Return the text of the JSON Schema as it is shipped."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=2).decode() + "\n"


def _table(
    tree: Mapping[str, Any], kind: type[msgspec.Struct], path: Path
) -> Iterator[ConfigFault]:
    """Yield the faults of one table whose keys are the fields of ``kind``."""
    fields = _fields(kind)
    for key, value in tree.items():
        here = (*path, key)
        if field := fields.get(key):
            yield from _value(value, field.type, here)
        elif not path and key in RESERVED:
            yield ConfigFault(key, "reserved for a later version")
        else:
            yield ConfigFault(dotted(here), f"unknown key; {nearest(key, fields)}")
    for key, field in fields.items():
        if field.required and key not in tree:
            yield ConfigFault(dotted((*path, key)), "missing")


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> Mapping[str, FieldInfo]:
    """Return a table's fields by key; looked up once, since every layer of a config asks."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _value(value: Any, kind: Any, path: Path) -> Iterator[ConfigFault]:  # noqa: ANN401
    """Yield the faults of one value."""
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        yield from _table(value, kind, path)
    elif origin is dict and isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaf(key, inner[0], (*path, key))
            yield from _value(entry, inner[1], (*path, key))
    elif origin is tuple and isinstance(value, list):
        for place, entry in enumerate(value):
            yield from _value(entry, inner[0], (*path[:-1], f"{path[-1]}[{place}]"))
    else:
        yield from _leaf(value, kind, path)


def _leaf(value: Any, kind: Any, path: Path) -> Iterator[ConfigFault]:  # noqa: ANN401
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        yield ConfigFault(dotted(path), _plain(value, kind, str(error)))


def _plain(value: Any, kind: Any, why: str) -> str:  # noqa: ANN401
    """Return a reason in the words of a config file, with what was found."""
    choices = [choice for choice in get_args(kind) if isinstance(choice, str) and choice]
    found = f"(found {str(value)[:80]!r})"
    if choices and isinstance(value, str):
        return f"{value!r} is not one of {', '.join(choices)}; {nearest(value, choices)}"
    if wanted := _described(kind):
        return f"must be {wanted} {found}"
    return f"{why.replace('object', 'table').replace('array', 'list')} {found}"


def _described(kind: Any) -> str:  # noqa: ANN401
    """Return what a type asks for in words: its own, or that of a part of a union."""
    own = [meta.description for meta in getattr(kind, "__metadata__", ())]
    parts = get_args(kind) if get_origin(kind) in {Union, UnionType} else ()
    return next((text for text in (*own, *map(_described, parts)) if text), "")


def _contradictions(config: Config) -> Iterator[ConfigFault]:
    """Yield what no single value is to blame for."""
    for name, service in config.services.items():
        where = f"services.{name}"
        if service.port is not None and service.kind not in SERVED:
            yield ConfigFault(f"{where}.port", f"a {service.kind} has no port")
        if service.kind == "cron" and not service.schedule:
            yield ConfigFault(f"{where}.schedule", 'missing; a cron needs one, as "0 3 * * *"')
        if service.schedule and service.kind != "cron":
            yield ConfigFault(f"{where}.schedule", f"only a cron has one, not a {service.kind}")
    for name, environment in config.environments.items():
        where = f"environments.{name}"
        if environment.targets and not environment.registry:
            yield ConfigFault(f"{where}.registry", "missing; its nodes must be able to reach one")
        contexts = [target.context for target in environment.targets]
        if len(set(contexts)) < len(contexts):
            yield ConfigFault(f"{where}.targets", "one context stands there twice")


def nearest(name: str, known: Any) -> str:  # noqa: ANN401  any collection of names
    """Return the known name that is most like ``name``, or the first twelve, as a hint."""
    import difflib  # noqa: PLC0415  only a fault pays for it

    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]}?"
    names = list(known)
    shown = ", ".join(names[:_SHOWN]) or "none"
    return f"known are {shown}, ..." if len(names) > _SHOWN else f"known are {shown}"


def dotted(path: Path) -> str:
    """Return a key path as TOML writes it; parts that are no bare keys are quoted."""
    return ".".join(part if _is_bare(part) else quoted(part) for part in path)


def quoted(text: str) -> str:
    """Return a text as a TOML basic string; JSON escapes all that TOML wants but DEL."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def _is_bare(part: str) -> bool:
    name = part.partition("[")[0]  # places in lists are shown as they are
    return bool(name) and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
