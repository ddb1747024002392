"""One person's kubeconfig: an entry of ours put in or taken out, everything else left as it is.

Text in, text out (the file format of client-go's clientcmd/api/v1). Comments do not survive a
change, since YAML's readers drop them; keys, values and their order do. Nothing of the values of
others is interpreted.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SECTIONS = ("clusters", "users", "contexts")
EXTENSION = "shipway"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster and one person's way in, all under one name."""

    name: str
    server: str
    """URL of the apiserver."""
    authority: str
    certificate: str
    key: str
    """PEM texts."""
    ends: float
    """When the certificate ends, seconds since the epoch."""


def merge(text: str | None, entry: Entry) -> str:
    """Return ``text`` with ``entry`` in place of an older one of its name.

    ``current-context`` is set only where there is none: another cluster that a person works with
    stays chosen.

    Raises:
        ShipwayError: ``kubeconfig.invalid`` (config).
    """
    config = _read(text)
    before = (config.get("current-context") or "").strip()
    for section, value in _values(entry).items():
        named = {"name": entry.name, section.removesuffix("s"): value}
        others = _others(config, section, entry.name)
        config[section] = [*others, named]
    config["current-context"] = before or entry.name
    return _write(config)


def remove(text: str | None, name: str) -> str | None:
    """Return ``text`` without our entry ``name``; nothing if no entry of anybody is left.

    An entry of that name that Shipway did not make stays.

    Raises:
        ShipwayError: ``kubeconfig.invalid`` (config).
    """
    if text is None:
        return None
    config = _read(text)
    if _ours(config, name) is None:
        return text
    for section in _SECTIONS:
        config[section] = _others(config, section, name)
    if config.get("current-context") == name:
        config["current-context"] = ""
    return _write(config) if any(config[section] for section in _SECTIONS) else None


def alone(text: str | None, name: str) -> str | None:
    """Return a kubeconfig with the entry ``name`` only, nothing if there is none.

    Raises:
        ShipwayError: ``kubeconfig.invalid`` (config).
    """
    config = _read(text)
    found = {
        section: [one for one in _listed(config, section) if one.get("name") == name]
        for section in _SECTIONS
    }
    if not all(found.values()):
        return None
    return _write({"apiVersion": "v1", "kind": "Config", **found, "current-context": name})


def ends(text: str | None, name: str) -> float | None:
    """Return when the certificate of our entry ``name`` ends, nothing if there is no such entry.

    Raises:
        ShipwayError: ``kubeconfig.invalid`` (config).
    """
    return _ours(_read(text), name)


def _values(entry: Entry) -> dict[str, dict[str, Any]]:
    note = {"name": EXTENSION, "extension": {"ends": int(entry.ends)}}
    return {
        "clusters": {
            "server": entry.server,
            "certificate-authority-data": _base64(entry.authority),
        },
        "users": {
            "client-certificate-data": _base64(entry.certificate),
            "client-key-data": _base64(entry.key),
        },
        "contexts": {"cluster": entry.name, "user": entry.name, "extensions": [note]},
    }


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _listed(config: Mapping[str, Any], section: str) -> list[dict[str, Any]]:
    return config.get(section) or []


def _others(config: Mapping[str, Any], section: str, name: str) -> list[dict[str, Any]]:
    return [one for one in _listed(config, section) if one.get("name") != name]


def _ours(config: Mapping[str, Any], name: str) -> float | None:
    """Return when our entry ends; one without our note is somebody else's."""
    for one in _listed(config, "contexts"):
        for note in (one.get("context") or {}).get("extensions") or []:
            if one.get("name") == name and note.get("name") == EXTENSION:
                return float(note["extension"]["ends"])
    return None


def _read(text: str | None) -> dict[str, Any]:
    import yaml  # noqa: PLC0415  only who touches a kubeconfig pays for it

    try:
        config = yaml.load(text or "", Loader=_loader())  # noqa: S506  a safe loader, see there
    except yaml.YAMLError as error:
        raise _invalid(str(error).replace("\n", " ")) from error
    if config is None:
        return {"apiVersion": "v1", "kind": "Config"}
    if not isinstance(config, dict):
        raise _invalid("it is not a mapping")
    for section in _SECTIONS:
        found = config.get(section) or []
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise _invalid(f"{section} is not a list of named entries")
    return config


def _loader() -> Any:  # noqa: ANN401  a class of an untyped library
    """Return a safe loader that leaves dates as the text they are, as kubectl does."""
    import yaml  # noqa: PLC0415

    class Loader(yaml.CSafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012  as the library declares it
            first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
            for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def _write(config: Mapping[str, Any]) -> str:
    import yaml  # noqa: PLC0415

    text: str = yaml.dump(
        dict(config), Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=10**9
    )
    return text


def _invalid(reason: str) -> ShipwayError:
    return ShipwayError(
        "kubeconfig.invalid",
        Kind.CONFIG,
        reason,
        operation="reading the kubeconfig",
        hint="mend it, or move it away: kubectl config view shows what is wrong",
    )
