"""CNCF Distribution: the registry that the node pulls from and people push to."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

from shipway.cluster.part import Part
from shipway.cluster.parts.containerd import USER
from shipway.core.ports.ground import Ask, Check, File

if TYPE_CHECKING:
    from shipway.cluster.site import Site

NAME = "registry"
PURGE = {"enabled": True, "age": "24h", "interval": "24h", "dryrun": False}
"""Of uploads that were never finished."""
COLLECT = "shipway/collect"
"""The repository of the tag that asks for a collection (``roads.growth`` sets it)."""
DRAIN = "10s"
"""How long what is under way may take once the registry is asked to end."""
_COLLECT = """if [ -e {tag} ]; then
  {program} garbage-collect {config} >/dev/null
  rm -rf {repository}
fi
"""


def part(site: Site, password_hash: str, http_secret: str) -> Part:
    """Return the registry on 127.0.0.1, the same port inside and outside, with one login.

    It collects garbage before it starts, never while it serves: what is pushed meanwhile could be
    lost. Nothing but deleted manifests makes garbage; untagged ones stay.
    """
    config = site.at("config", "registry.yaml")
    logins = site.at("config", "htpasswd")
    value = {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": site.at("registry")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": PURGE},
        },
        "http": {
            "addr": f"127.0.0.1:{site.registry}",
            "secret": http_secret,
            "draintimeout": DRAIN,
        },
        "auth": {"htpasswd": {"realm": "shipway", "path": logins}},
    }
    repository = site.at("registry", "docker", "registry", "v2", "repositories", COLLECT)
    tag = f"{repository}/_manifests/tags/now"
    return Part(
        name=NAME,
        program=NAME,
        arguments=("serve", config),
        first=_COLLECT.format(
            tag=shlex.quote(tag),
            program=shlex.quote(site.programs[NAME]),
            config=shlex.quote(config),
            repository=shlex.quote(repository),
        ),
        asked=tag,
        env={"OTEL_TRACES_EXPORTER": "none"},
        files=(
            File(config, json.dumps(value, indent=1) + "\n"),
            File(logins, f"{USER}:{password_hash}\n"),
        ),
        check=Check(ask=Ask.HTTP, port=site.registry, path="/v2/", statuses=(401,)),
    )
