"""How long ``shipway affected`` takes where 1,000 releases serve, each with a program of its own.

Every release has its history, images and signed links in a registry in memory, as ``up`` left them;
heads lie in as many clusters. Time is taken of the whole answer: first with nothing known on this
machine, then as it is asked again.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

from figures import Figures, target  # noqa: E402

from fakes.git import ROOT as PROJECT  # noqa: E402
from fakes.hands import ServingKube  # noqa: E402
from fakes.shop import Shop  # noqa: E402
from fakes.vulnerable import LEAKY, entry  # noqa: E402
from shipway.core.golang.binary import Module  # noqa: E402
from shipway.core.vulns.gate import Rules  # noqa: E402
from shipway.roads.affected import AffectedRequest, affected  # noqa: E402
from shipway.roads.where import WhereRequest  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

RELEASES = 1_000
MODULES = 60
"""Modules of each program."""
ENTRIES = 4_300
"""As many vulnerabilities as the Go project's database had in August 2026."""
FIRST, AGAIN = "affected, 1,000 releases, first", "affected, 1,000 releases, again"


def stage(releases: int) -> Shop:
    """Return a project that serves on as many clusters, a version each."""
    shop = Shop()
    names = [f"c{number}" for number in range(releases)]
    shop.clusters = {one: ServingKube() for one in names}
    for number, one in enumerate(names):
        shop.go.modules = tuple(_modules(number))
        shop.edit(one)
        _target(shop, one)
        shop.carry(environment="live", keys=("key",), tests="off")
        shop.said.clear()
    _target(shop, *names)
    modified = "2100-01-01T00:00:00Z"
    shop.databases.known["/db"] = [
        entry(f"GO-{number:05d}", f"example.com/m{number % 900}", fixed="0.5.0")
        for number in range(ENTRIES - 1)
    ] + [entry(modified=modified)]
    shop.scan_rules = Rules(database="/db", days=100_000)
    return shop


def _target(shop: Shop, *contexts: str) -> None:
    named = ", ".join(f'{{context = "{one}"}}' for one in contexts)
    shop.write(
        "shipway.toml",
        'schema = 1\n[services.shop]\npackage = "."\nport = 1\n'
        f'[environments.live]\nregistry = "r.test"\ntargets = [{named}]\n',
    )


def _modules(number: int) -> Iterator[Module]:
    total = "h1:" + "A" * 43 + "="
    for one in range(MODULES - 1):
        yield Module(f"example.com/m{(number + one * 7) % 900}", f"v1.{number}.0", total)
    yield Module(LEAKY, "v1.0.0" if number == 0 else "v1.2.0", total)


def measure(figures: Figures, samples: int = 5, releases: int = RELEASES) -> None:
    """Ask once with nothing known, then again and again."""
    shop = stage(releases)
    place = WhereRequest(directory=PROJECT, environment="", keys=("key",))
    for sample in range(samples + 1):
        began = time.monotonic()
        told: Any = affected(AffectedRequest(where=place, id="CVE-2026-9001"), hands=shop)
        figures.add(AGAIN if sample else FIRST, time.monotonic() - began)
        assert (len(told.reached), told.unknown) == (1, ())


def row(figures: Figures) -> str:
    """Return the row of the table."""
    return target(AGAIN, figures.median(AGAIN), 2.0, "s")


def main() -> None:
    """Measure this alone, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--releases", type=int, default=RELEASES)
    given = parser.parse_args()
    figures = Figures()
    measure(figures, given.samples, given.releases)
    print(row(figures))
    for name in figures.named("affected"):
        print(f"{name}: {figures.spread(name)}")


if __name__ == "__main__":
    main()
