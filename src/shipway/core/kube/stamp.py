"""The stamp that deployed objects carry, on their own metadata and nowhere else.

Two annotations name the release and the intent, one label the ApplySet. A pod template is never
touched: that would restart every pod. The intent names objects as they were before the stamp.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube.applyset import MEMBER
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj

RELEASE = "shipway.dev/release"
"""Annotation: digest of the release manifest."""
INTENT = "shipway.dev/intent"
"""Annotation: payload digest of the intent link."""


class Stamp(msgspec.Struct, frozen=True):
    """What is written on each object."""

    release: Digest
    intent: Digest
    set_id: str

    def on(self, obj: Obj) -> Obj:
        """Return ``obj`` with the stamp on its metadata."""
        metadata = obj.get("metadata") or {}
        annotations = {**(metadata.get("annotations") or {})}
        annotations |= {RELEASE: self.release, INTENT: self.intent}
        labels = {**(metadata.get("labels") or {}), MEMBER: self.set_id}
        return {**obj, "metadata": {**metadata, "annotations": annotations, "labels": labels}}
