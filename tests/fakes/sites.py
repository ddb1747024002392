"""A cluster's site and plan on a machine of :mod:`fakes.machines`, with every program in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.ground import FixedEngineStore, FixedPackages, built
from fakes.machines import CI
from shipway.cluster.plan import Plan, Secrets, plan
from shipway.cluster.site import Allocation, Programs, Site

if TYPE_CHECKING:
    from shipway.core.ports.hostfacts import Facts

SECRETS = Secrets(encryption="a2V5", password="word", password_hash="$2b$04$hash", http="http")


def programs() -> Programs:
    """Return where the fakes put every program."""
    paths, digests = {"python": "/usr/bin/python3"}, {}
    for name, (path, digest) in FixedPackages().have(lambda _: None).items():
        paths[name], digests[name] = path, digest
    store = FixedEngineStore()
    for one in built():
        installed = store.install(one)
        paths |= installed.files
        digests |= {
            name: digest.removeprefix("sha256:") for name, digest in installed.digests.items()
        }
    return Programs(paths, digests)


def site(facts: Facts = CI, name: str = "default") -> Site:
    """Return a site with ports from 20000 in 10.213.0.0/16."""
    return Site(
        name=name,
        facts=facts,
        allocation=Allocation(20000, "10.213.0.0/16"),
        programs=programs(),
    )


def whole(facts: Facts = CI, name: str = "default") -> Plan:
    """Return the plan of that site."""
    return plan(site(facts, name), SECRETS)
