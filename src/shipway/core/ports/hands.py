"""All the hands that a road may ask for, each made on its first use.

``shipway.wiring`` implements it; a test gives an object with the fakes it needs. Stages never see
this: a road hands each stage exactly the ports it names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from shipway.core.evidence.trust import TrustedKey
    from shipway.core.ports.bases import Bases, ImageFiles
    from shipway.core.ports.cache import StageCache
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.content import LayerStore
    from shipway.core.ports.debuggers import Debuggers
    from shipway.core.ports.evidence import Links
    from shipway.core.ports.files import Files
    from shipway.core.ports.forwards import Browser, Forwards
    from shipway.core.ports.git import Git
    from shipway.core.ports.go import Go
    from shipway.core.ports.journal import Runs
    from shipway.core.ports.keeping import Keeping
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.layouts import Layouts
    from shipway.core.ports.looking import Looking
    from shipway.core.ports.registry import Registry
    from shipway.core.ports.renderer import Renderer
    from shipway.core.ports.sandbox import Sandbox
    from shipway.core.ports.signer import Sealer, Signer
    from shipway.core.ports.vulns import Databases, Scanner
    from shipway.core.ports.watching import Watching
    from shipway.core.vulns.gate import Rules


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """The embedded cluster as a road sees it."""

    name: str
    context: str
    """Its kubeconfig context."""
    registry: str
    """``127.0.0.1:PORT``."""
    running: bool


class Hands(Protocol):
    """Hands by subject; the same one every time it is asked for."""

    @property
    def cores(self) -> int:
        """How many processors there are for this run."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...

    @property
    def runs(self) -> Runs:
        """Journals and notes of runs."""
        ...

    @property
    def cache(self) -> StageCache:
        """Results of stages that make something."""
        ...

    @property
    def content(self) -> LayerStore:
        """The local store."""
        ...

    @property
    def keeping(self) -> Keeping:
        """What is kept of what was built, and the removal of the rest."""
        ...

    @property
    def links(self) -> Links:
        """The links kept on this machine."""
        ...

    @property
    def registry(self) -> Registry:
        """Every registry, by the repository's host."""
        ...

    @property
    def git(self) -> Git:
        """The repository's history."""
        ...

    @property
    def go(self) -> Go:
        """The go command."""
        ...

    @property
    def sandbox(self) -> Sandbox:
        """Programs confined to a network of their own."""
        ...

    @property
    def bases(self) -> Bases:
        """Base images."""
        ...

    @property
    def debuggers(self) -> Debuggers:
        """What images for debugging run under."""
        ...

    @property
    def imagefiles(self) -> ImageFiles:
        """Files of a repository on their way into an image."""
        ...

    @property
    def watching(self) -> Watching:
        """Folders under watch."""
        ...

    @property
    def forwards(self) -> Forwards:
        """Ports of this machine that lead elsewhere."""
        ...

    @property
    def browser(self) -> Browser:
        """The person's browser."""
        ...

    @property
    def layouts(self) -> Layouts:
        """Images as files that a person asked for."""
        ...

    @property
    def looking(self) -> Looking:
        """Files of anybody, looked into."""
        ...

    @property
    def renderer(self) -> Renderer:
        """Manifests from an overlay."""
        ...

    @property
    def databases(self) -> Databases:
        """Known vulnerabilities."""
        ...

    @property
    def scanner(self) -> Scanner:
        """The search for them."""
        ...

    @property
    def scan_rules(self) -> Rules:
        """The user's ``[scan]``, which no repository can loosen."""
        ...

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables that Shipway was started with."""
        ...

    def files(self, root: str) -> Files:
        """Return the files below ``root``."""
        ...

    def warm(self) -> None:
        """Load what later steps would wait for; called beside the first ones."""
        ...

    def signer(self) -> Signer:
        """Open the user's key; made on first use."""
        ...

    def sealer(self) -> Sealer:
        """Return who signs by an identity; nothing is asked before its first signature.

        Raises:
            ShipwayError: ``keyless.*`` (config), ``trust.invalid``, ``identity.missing``.
        """
        ...

    def at_hand(self) -> bool:
        """Return whether the user's key is there and opens without asking anybody."""
        ...

    def fingerprint(self) -> str:
        """Return that of the user's key, without opening it where it is there."""
        ...

    def trusted(self, paths: tuple[str, ...], *, own: bool) -> tuple[TrustedKey, ...]:
        """Return the keys at ``paths`` and in the user's ``[trust]``; ``own`` adds theirs."""
        ...

    def kube(self, context: str) -> Kube:
        """Return the cluster that a kubeconfig context names."""
        ...

    def ground(self, name: str) -> Ground | None:
        """Return the embedded cluster of that name; none where there never was one."""
        ...

    def raise_ground(self, name: str) -> Ground:
        """Start the embedded cluster of that name, if it does not run."""
        ...
