"""Logins in a person's Docker config (config.json of docker/cli).

ko, cosign, crane and Shipway itself look there. Pure: text in, text out; the entries of others stay
as they are, and so does what nobody here knows.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from shipway.core.oci.reference import HUB
from shipway.errors import Kind, ShipwayError

TOKEN_USER = "<token>"  # noqa: S105  the protocol's marker for an identity token
_HUB_KEY = "https://index.docker.io/v1/"


def key(registry: str) -> str:
    """Return under which name Docker's programs keep a registry; Docker Hub has its old URL."""
    return _HUB_KEY if registry == HUB else registry


def stands_for(name: str, registry: str) -> bool:
    """Return whether an entry called ``name``, a host or a URL, is about ``registry``."""
    host = name.partition("://")[2] if "://" in name else name
    return name == key(registry) or host.partition("/")[0] == registry


def helper(text: str | None, registry: str) -> str:
    """Return the credential helper that keeps the login of ``registry``; empty for the file.

    Raises:
        ShipwayError: ``dockerconfig.invalid`` (config).
    """
    config = _read(text)
    own = config.get("credHelpers", {})
    for name in (registry, key(registry)):
        if name in own:
            return str(own[name])
    return str(config.get("credsStore") or "")


def holds(text: str | None, registry: str) -> bool:
    """Return whether the file itself has a login of ``registry``, and no mere note of one.

    Raises:
        ShipwayError: ``dockerconfig.invalid`` (config).
    """
    auths = _read(text).get("auths", {})
    return any(kept for name, kept in auths.items() if stands_for(name, registry))


def merge(text: str | None, registry: str, username: str, password: str) -> str:
    """Return ``text`` with the login of ``registry`` (``HOST[:PORT]``) in the file itself.

    Where a credential store is set for every registry, this one is taken out of its hands: it knows
    nothing of this login.

    Raises:
        ShipwayError: ``dockerconfig.invalid`` (config).
    """
    config = _without(_read(text), registry)
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    kept = {"identitytoken": password} if username == TOKEN_USER else {"auth": login}
    config.setdefault("auths", {})[key(registry)] = kept
    if config.get("credsStore"):
        config.setdefault("credHelpers", {})[registry] = ""
    return _text(config)


def note(text: str | None, registry: str) -> str:
    """Return ``text`` where ``registry`` is named and its login is a helper's, as Docker notes it.

    Raises:
        ShipwayError: ``dockerconfig.invalid`` (config).
    """
    config = _without(_read(text), registry)
    config.setdefault("auths", {})[key(registry)] = {}
    return _text(config)


def remove(text: str | None, registry: str) -> str | None:
    """Return ``text`` without the login of ``registry``; nothing if nothing else is in it.

    A helper that a person chose for it stays chosen.

    Raises:
        ShipwayError: ``dockerconfig.invalid`` (config).
    """
    if text is None:
        return None
    config = _read(text)
    if not any(stands_for(name, registry) for name in config.get("auths", {})):
        return text
    config = _without(config, registry)
    own = config.get("credHelpers", {})
    if own.get(registry) == "":
        del own[registry]
    for section in ("auths", "credHelpers"):
        if not config.get(section, True):
            del config[section]
    return _text(config) if config else None


def _without(config: dict[str, Any], registry: str) -> dict[str, Any]:
    auths = config.get("auths", {})
    for name in [name for name in auths if stands_for(name, registry)]:
        del auths[name]
    return config


def _text(config: dict[str, Any]) -> str:
    return json.dumps(config, indent="\t") + "\n"


def _read(text: str | None) -> dict[str, Any]:
    try:
        config = json.loads(text) if text and text.strip() else {}
    except ValueError as error:
        raise _invalid(str(error)) from error
    if not isinstance(config, dict):
        raise _invalid("it is not a mapping with logins under auths")
    for section in ("auths", "credHelpers"):
        if not isinstance(config.get(section, {}), dict):
            raise _invalid(f"{section} is not a mapping by registry")
    return config


def _invalid(reason: str) -> ShipwayError:
    return ShipwayError(
        "dockerconfig.invalid",
        Kind.CONFIG,
        reason,
        operation="reading the Docker config",
        hint="mend or move away the config.json of your Docker client",
    )
