"""Scan links: what a scan of a release's services found, attached to their images.

``release`` comes here where a scan is asked for. They are leaves beside the image and no part of
the sealed release: a newer database may say something else of the same bytes tomorrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import scanned
from shipway.core.evidence.scanned import Scan
from shipway.core.oci.digest import of
from shipway.core.run.events import Unit
from shipway.core.vulns import gate
from shipway.roads import scanning, signing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shipway.core.evidence.statement import Statement
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.ports.hands import Hands
    from shipway.core.vulns.gate import Rules
    from shipway.roads.make import Made, MakeRequest
    from shipway.roads.opening import Opening
    from shipway.run import Run
    from shipway.scope import Task
    from shipway.stages.scan import Scanned


class Scans:
    """The scans of some services under way, and what is done with them."""

    def __init__(
        self, task: Task[dict[Unit, Scanned]], rules: Rules, *, hands: Hands, run: Run
    ) -> None:
        self._task = task
        self._rules = rules
        self._hands = hands
        self._run = run
        self._began = hands.clock.now()

    def blocking(self) -> None:
        """Wait for all of them.

        Raises:
            ShipwayError: ``scan.found`` (rejected); whatever a scan raises.
        """
        now = self._hands.clock.now()
        refused = scanning.refusal(self._task.join(), self._rules, now)
        if refused is not None:
            raise refused

    def attach(self, services: Iterable[tuple[MakeRequest, Made]], *, opening: Opening) -> None:
        """Sign what they found about each platform's image, and push it beside the image."""
        found = self._task.join()
        for request, made in services:
            said = [
                pair
                for part, image in zip(request.each, made.images, strict=True)
                for pair in self._said(found[part.unit], image.manifest, made)
            ]
            images = [one.manifest.digest for one in made.images]
            known = [(one.service, one.platform, found[one]) for one in found]
            attach(
                made.name,
                made.published.repository,
                said,
                [images, known, self._rules.block],
                hands=self._hands,
                run=self._run,
                opening=opening,
            )

    def _said(
        self, found: Scanned, image: Descriptor, made: Made
    ) -> Iterable[tuple[Descriptor, Statement]]:
        scan = Scan(
            scanner=found.scanner,
            go=found.go,
            source=found.source,
            modified=found.modified,
            modules=found.modules,
            judged=gate.judge(found.findings, self._rules, self._began),
            block=self._rules.block,
            started=self._began,
            finished=self._hands.clock.now(),
        )
        author = self._hands.fingerprint()
        return about(scan, image, made.published.repository, author)


def attach(
    name: str,
    repository: str,
    said: Sequence[tuple[Descriptor, Statement]],
    about: object,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
) -> None:
    """Sign and push, unless the images have links that say just that; ``about`` is what they say.

    Times do not count: the same findings by the same database are said once.
    """
    told = ["scan", about, repository, hands.fingerprint()]
    key = of(msgspec.json.encode(told))
    kept = hands.cache.get(key)
    if kept is not None and all(
        hands.registry.resolve(repository, one) is not None
        for one in msgspec.json.decode(kept, type=list[str])
    ):
        return
    links = signing.sign(
        Unit(service=name), repository, said, hands=hands, run=run, signer=opening.signer()
    )
    hands.cache.put(key, msgspec.json.encode([link.manifest.digest for link in links]))


def about(
    scan: Scan, image: Descriptor, repository: str, author: str
) -> Iterator[tuple[Descriptor, Statement]]:
    """Yield what a scan says of one platform's image, and as VEX where it knows of any."""
    yield image, scanned.statement(scan, image.digest)
    vexed = scanned.vex(scan, image.digest, repository, author)
    if vexed is not None:
        yield image, vexed
