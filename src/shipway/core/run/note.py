"""Notes: one unsigned local record a step, the raw material of every link.

A note is written before its stage runs (``begun``) and replaced when the stage ends, however it
ends; a killed process leaves a begun note, which the next run closes as ``interrupted``. Edges
between statements are found by asking which note produced a digest. Nothing here writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable  # noqa: TC003  msgspec reads types

import msgspec

from shipway.core.oci.digest import Digest
from shipway.core.run.events import BEGUN, INTERRUPTED, Fault, Unit, result_of
from shipway.errors import Kind, ShipwayError

_DIGEST = re.compile(rb'"(sha256:[0-9a-f]{64})"')


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of one run.

    ``inputs`` and ``outputs`` are the digests that stand in its request and in its result, in
    order of first appearance; ``result`` is the result itself as JSON.
    """

    run: str
    trace: str
    number: int
    step: str
    unit: Unit = Unit()
    state: str = BEGUN
    version: str
    """Of Shipway and of the stage, as ``0.1.0/1``."""
    began: float
    ended: float = 0.0
    request: Digest
    """Of the request's JSON with sorted keys."""
    inputs: tuple[Digest, ...] = ()
    outputs: tuple[Digest, ...] = ()
    result: msgspec.Raw = msgspec.Raw()
    cached: bool = False
    """Taken from an earlier run; ``origin`` names it."""
    origin: str = ""
    fault: Fault | None = None

    @property
    def name(self) -> str:
        """Return its file's name without ending, as ``003-build-web-linux-amd64``."""
        words = re.sub(r"[^a-z0-9]+", "-", f"{self.step} {self.unit}".lower()).strip("-")
        return f"{self.number:03}-{words[:80]}"


_encoder = msgspec.json.Encoder()
_sorted = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(Note)


def canonical(value: object) -> bytes:
    """Return a value's JSON with sorted keys, what its digest and cache keys are made of."""
    return _sorted.encode(value)


def digests(data: bytes) -> tuple[Digest, ...]:
    """Return the digests that stand as texts in JSON, each once, in order of appearance."""
    found = dict.fromkeys(_DIGEST.findall(data))
    return tuple(Digest(text.decode()) for text in found)


def closed(
    note: Note,
    *,
    at: float,
    result: bytes = b"",
    fault: Fault | None = None,
    state: str = "",
    cached: bool = False,
    origin: str = "",
) -> Note:
    """Return ``note`` as it ends: by its fault, or as ``state`` says where there is none."""
    return msgspec.structs.replace(
        note,
        state=state or result_of(fault),
        ended=at,
        result=msgspec.Raw(result) if result else note.result,
        outputs=digests(result),
        fault=fault,
        cached=cached,
        origin=origin,
    )


def interrupted(note: Note, *, at: float) -> Note:
    """Return the begun ``note`` of a process that is gone as closed by another one."""
    return msgspec.structs.replace(note, state=INTERRUPTED, ended=at)


def dump(note: Note) -> bytes:
    """Return the JSON of ``note``."""
    return _encoder.encode(note)


def load(data: bytes) -> Note:
    """Return the note that ``data`` holds.

    Raises:
        ShipwayError: ``run.note`` (integrity) if it holds none.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ShipwayError(
            "run.note", Kind.INTEGRITY, f"not a note: {error}", operation="reading a note"
        ) from error


def producer(notes: Iterable[Note], digest: Digest) -> Note | None:
    """Return the newest note whose result holds ``digest`` and whose request does not."""
    made = [note for note in notes if digest in note.outputs and digest not in note.inputs]
    return max(made, key=lambda note: note.number, default=None)
