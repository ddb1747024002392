"""What 10,000 releases cost a run that changes nothing: the same service before and after.

The service is deployed as number 10,001. What the first 10,000 would have left is laid beside it:
tags of intents, outcomes and other links in the registry, links and results of stages on this
machine, as many and as big as real ones.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

import service  # noqa: E402
from figures import Figures, target  # noqa: E402

from e2e.world import Repo, World, as_root  # noqa: E402
from shipway.adapters.engines import assembly  # noqa: E402
from shipway.adapters.process import SystemProcesses  # noqa: E402
from shipway.core.oci.digest import hex_of, of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = "bench-history"
RELEASES = 10_000
LINKS, STAGES = 9, 8
"""Links of one release, and results of its stages."""
BEFORE, AFTER = "nothing changed, a short history", "nothing changed after 10,000 releases"
TAGS = """import os, sys
top, digest = sys.argv[1:]
for name in sys.stdin.read().split():
    os.makedirs(f"{top}/{name}/current")
    with open(f"{top}/{name}/current/link", "w") as file:
        file.write(digest)
"""
"""Write tags as the registry does (its filesystem driver)."""


class History:
    """One service on a cluster of its own."""

    def __init__(self, folder: Path, figures: Figures) -> None:
        engines = assembly.for_caller(SystemProcesses(), os.environ)
        (built,) = engines.ensure(["kubernetes"], on_progress=lambda _: None)
        self.world = World(folder, Path(built.directory) / "kubectl", CLUSTER)
        self.figures = figures
        self.repo = Repo(self.world, folder / "repos" / "big", "big")
        self.repo.path.mkdir(parents=True)
        service.write(self.repo.path, "one")
        self.repo.git("init", "-q", "-b", "main")
        self.repo.commit("one")

    def up(self, name: str = "") -> None:
        """Run ``shipway up``."""
        began = time.monotonic()
        ran = self.repo.up("--tests", "off")
        if name:
            self.figures.add(name, time.monotonic() - began)
        assert ran.code == 0, ran

    def measure(self, samples: int) -> None:
        """Deploy number 10,001, and ask for it again with a short and with a long history."""
        assert self.world.shipway("cluster", "up").code == 0
        self.up()
        head = f"head.big.dev.{self.world.context}"
        patch = json.dumps({"data": {"sequence": str(RELEASES)}})
        self.world.kubectl("-n", "shipway-system", "patch", "configmap", head, "-p", patch)
        service.write(self.repo.path, "two")
        self.up()
        self.up()
        for _ in range(samples):
            self.up(BEFORE)
        self.fill()
        self.up()
        for _ in range(samples):
            self.up(AFTER)

    def fill(self) -> None:
        """Lay down what 10,000 releases leave."""
        (tags,) = self._registry().glob(
            "docker/registry/v2/repositories/big/evidence/_manifests/tags"
        )
        digest = as_root("/bin/sh", "-c", f"cat {tags}/dev.*-intent/current/link | head -n 1")
        names = "\n".join(self._tags())
        as_root(sys.executable, "-c", TAGS, str(tags), digest.strip(), text=names)
        store = Path(self.world.env["XDG_DATA_HOME"]) / "shipway" / "store" / "links"
        sample = next(store.glob("*/*.json")).read_bytes()
        stages = Path(self.world.env["XDG_CACHE_HOME"]) / "shipway" / "stages"
        result = next(stages.glob("*/*")).read_bytes()
        for number in range(RELEASES):
            for folder, count, data, end in (
                (store, 2, sample, ".json"),
                (stages, STAGES, result, ""),
            ):
                for one in range(count):
                    name = hex_of(of(b"%d %d" % (number, one)))
                    (folder / name[:2]).mkdir(exist_ok=True)
                    (folder / name[:2] / (name if end else name[2:] + end)).with_suffix(
                        end
                    ).write_bytes(data)

    def _tags(self) -> Iterator[str]:
        for number in range(2, RELEASES):
            digest = hex_of(of(b"%d" % number))
            for kind in ("intent", "outcome"):
                yield f"dev.{self.world.context}-{number:06d}.{digest[:8]}-{kind}"
            for kind in ("release", "render", "verdict"):
                yield f"{kind}-{digest}"

    def _registry(self) -> Path:
        return Path("/var/lib/shipway/clusters", CLUSTER, "registry")

    def delete(self) -> None:
        """Remove the cluster, stopped first: nothing in its registry is worth copying."""
        self.world.shipway("cluster", "down")
        self.world.shipway("cluster", "delete")


def measure(figures: Figures, samples: int = 7) -> None:
    """Measure both, on a cluster that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="shipway-bench-"))
    one = History(folder, figures)
    try:
        one.measure(samples)
    finally:
        one.delete()
        shutil.rmtree(folder, ignore_errors=True)


def row(figures: Figures) -> str:
    """Return the row of the table."""
    ratio = figures.median(AFTER) / figures.median(BEFORE)
    return target("nothing changed after 10,000 releases, of a short history", ratio, 1.1, "x")


def main() -> None:
    """Measure this alone, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=7)
    figures = Figures()
    measure(figures, parser.parse_args().samples)
    print(row(figures))
    for name in figures.named("nothing"):
        print(f"{name}: {figures.spread(name)}")


if __name__ == "__main__":
    main()
