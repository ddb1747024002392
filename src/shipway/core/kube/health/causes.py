"""Each cause of a gate's no: the id of its page, and what to do next.

Roads that tell a person of a failed gate ask here; ``explain/ID.md`` says more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube.health.state import Cause
from shipway.core.patterns import late

if TYPE_CHECKING:
    from collections.abc import Iterable

SEVERAL = "gate.failed"
"""The id where objects failed for different causes."""


class Page(msgspec.Struct, frozen=True):
    """What stands for a cause at the end of a run."""

    id: str
    hint: str


_MEND = "the container's last lines stand above; mend the service and run `shipway up` again"
PAGES: dict[Cause, Page] = {
    Cause.NONE: Page(SEVERAL, _MEND),
    Cause.CRASH_LOOP: Page("gate.crash_loop", _MEND),
    Cause.OOM: Page(
        "gate.oom_killed", "raise resources.limits.memory of the container, or let it use less"
    ),
    Cause.READ_ONLY: Page(
        "gate.read_only_root",
        "the root is read-only: mount an emptyDir where it writes (/tmp is one already), or put"
        " what it only reads into the image by `files`",
    ),
    Cause.PLATFORM: Page(
        "gate.wrong_platform",
        "build for the node's architecture: services.NAME.build.platforms in shipway.toml"
        " (kubectl get nodes -L kubernetes.io/arch shows it)",
    ),
    Cause.PORT: Page(
        "gate.wrong_port",
        "set services.NAME.port to the port that it listens on, on all addresses and not on"
        " 127.0.0.1 alone",
    ),
    Cause.PROBE: Page(
        "gate.probe_failing",
        "the probe's route must answer 2xx or 3xx; a slow start needs a larger failureThreshold"
        " of the startupProbe",
    ),
    Cause.UNPULLABLE: Page(
        "gate.image_pull", "is the registry reachable from the nodes, and are they allowed to pull?"
    ),
    Cause.UNSCHEDULABLE: Page(
        "gate.unschedulable", "ask for less (resources.requests), or add a node that fits"
    ),
    Cause.REJECTED: Page(
        "gate.rejected", "change the pod as the refusal says; `shipway render` prints what is sent"
    ),
    Cause.QUOTA: Page(
        "gate.quota", "ask for less, or have the quota raised: kubectl describe quota -n NAMESPACE"
    ),
    Cause.CANNOT_START: Page(
        "gate.cannot_start", "is the command in the image, and do its mounts exist?"
    ),
    Cause.DEADLINE: Page(
        "gate.progress_deadline", "kubectl describe the Deployment; its pods say what they wait for"
    ),
    Cause.NODE: Page(
        "gate.node_not_ready", "kubectl describe node; wait until it is Ready, then repeat"
    ),
    Cause.EVICTED: Page(
        "gate.evicted",
        "raise the limit that the message names, or make room on the node"
        " (kubectl describe node shows its pressure)",
    ),
    Cause.VOLUME: Page(
        "gate.volume_pending",
        "name a storageClassName that is there (kubectl get storageclass), or make a"
        " PersistentVolume for the claim",
    ),
    Cause.FAILED: Page("gate.object_failed", _MEND),
    Cause.REMOVED: Page("gate.removed", "find out who deleted it, then run `shipway up` again"),
    Cause.TIMEOUT: Page("gate.timeout", "a slow start needs a longer --timeout"),
}

_LISTENING = late(
    r"\b(?:listen\w*|serv\w+|start\w*|bound|bind\w*|addr\w*|port)\b[^\n]{0,80}?[:=\s\"](\d{2,5})\b(?!\.)",
    re.IGNORECASE,
)
_READ_ONLY = late(r"(?:(?:open|mkdir|create|rename|remove|unlinkat|mkdirat|openat) )?"
                        r"(?P<path>/\S+?)?:? ?read-only file system", re.IGNORECASE)  # fmt: skip
_FOREIGN = "exec format error"
_PROBED = late(r"nothing listens on port (\d+)")


def page(causes: Iterable[Cause]) -> Page:
    """Return the page of a gate that failed for these causes; one of its own for each, if one."""
    found = tuple(dict.fromkeys(cause for cause in causes if cause is not Cause.NONE))
    return PAGES[found[0]] if len(found) == 1 else PAGES[Cause.NONE]


def refined(cause: Cause, message: str, lines: Iterable[str]) -> tuple[Cause, str]:
    """Return cause and message as a container's last lines make them more exact."""
    said = tuple(lines)
    if cause in {Cause.CRASH_LOOP, Cause.CANNOT_START, Cause.FAILED}:
        for line in said:
            if _FOREIGN in line:
                return Cause.PLATFORM, f"{message}; its program is for another platform"
            if found := _READ_ONLY.search(line):
                where = f" ({found['path']})" if found["path"] else ""
                return Cause.READ_ONLY, f"{message}; it writes to its read-only root{where}"
    probed = _PROBED.search(message)
    if cause is Cause.PORT and probed:
        ports = {port for line in said for port in _LISTENING.findall(line)}
        if others := sorted(ports - {probed[1]}, key=int):
            return cause, f"{message}; its last lines speak of port {', '.join(others)}"
    return cause, message
