"""One entry of a person's Docker config: the login of the embedded registry.

ko, cosign, crane and Shipway itself look there (config.json of docker/cli). Pure: text in, text
out; the entries of others stay as they are.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from shipway.errors import Kind, ShipwayError


def merge(text: str | None, registry: str, username: str, password: str) -> str:
    """Return ``text`` with the login of ``registry`` (``HOST:PORT``).

    Where a credential store is set for every registry, ours is taken out of its hands: it knows
    nothing of this login.

    Raises:
        ShipwayError: ``dockerconfig.invalid`` (config).
    """
    config = _read(text)
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    config.setdefault("auths", {})[registry] = {"auth": login}
    if config.get("credsStore"):
        config.setdefault("credHelpers", {})[registry] = ""
    return json.dumps(config, indent="\t") + "\n"


def remove(text: str | None, registry: str) -> str | None:
    """Return ``text`` without ``registry``; nothing if nothing else is in it.

    Raises:
        ShipwayError: ``dockerconfig.invalid`` (config).
    """
    if text is None:
        return None
    config = _read(text)
    if registry not in config.get("auths", {}):
        return text
    for section in ("auths", "credHelpers"):
        config.get(section, {}).pop(registry, None)
        if not config.get(section, True):
            del config[section]
    return json.dumps(config, indent="\t") + "\n" if config else None


def _read(text: str | None) -> dict[str, Any]:
    try:
        config = json.loads(text) if text and text.strip() else {}
    except ValueError as error:
        raise _invalid(str(error)) from error
    if not isinstance(config, dict) or not isinstance(config.get("auths", {}), dict):
        raise _invalid("it is not a mapping with logins under auths")
    return config


def _invalid(reason: str) -> ShipwayError:
    return ShipwayError(
        "dockerconfig.invalid",
        Kind.CONFIG,
        reason,
        operation="reading the Docker config",
        hint="mend or move away the config.json of your Docker client",
    )
