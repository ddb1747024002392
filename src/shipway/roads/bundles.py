"""Verifying: one Sigstore bundle of anybody's, for one artifact, under one trusted root.

``verify --bundle`` calls it through wiring. Needs no project, cluster, registry or network.
"""

from __future__ import annotations

import importlib.resources
import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence.key import from_pem
from shipway.core.sigstore import artifact, bundle, trustedroot
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.judgement import (
    Judgement,
    Outcome,
)
from shipway.core.sigstore.policy import Policy, Wanted
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.sigstore.artifact import Artifact
    from shipway.core.sigstore.trustedroot import TrustedRoot

PUBLIC = "public"
"""Stands for the root of the public-good instance, which comes with Shipway."""


class BundleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked; paths are absolute or relative to the current folder."""

    bundle: str
    artifact: str
    """A file, or a digest (``sha256:HEX``)."""
    keys: tuple[str, ...] = ()
    identity: str = ""
    identity_pattern: str = ""
    issuer: str = ""
    issuer_pattern: str = ""
    trusted_root: str = ""
    """A file or ``public``; by default a key asks for no log, an identity for the public one."""
    predicate_type: str = ""
    timestamp: bool = False


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A judgement as a person reads it."""

    artifact: str
    judgement: Judgement
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield a line for each check with what it saw, then whether the bundle holds."""
        wide = max(len(one.check) for one in self.judgement.rows)
        for one in self.judgement.rows:
            id_ = f"{one.id}: " if one.id else ""
            yield f"{one.outcome.value:10} {one.check:{wide}}  {id_}{_plain(one.evidence)}".rstrip()
        holds = "holds" if self.judgement.ok else "does not hold"
        yield f"the bundle {holds} for {self.artifact}"


def _plain(text: str) -> str:
    """Return a stranger's text without what would speak to a terminal."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)


def verify(request: BundleRequest, *, hands: Hands) -> Judged:
    """Return the judgement of a bundle.

    Raises:
        ShipwayError: ``bundle.asked`` and ``bundle.pattern`` (usage) for what has no meaning,
            ``bundle.missing`` for a file that is not there, ``bundle.invalid``,
            ``bundle.needs-artifact``, ``trust.invalid``, ``key.invalid``. A bundle that does not
            hold is no error: it is shown, and makes the exit code.
    """
    policy = _policy(request, hands)
    about = artifact.named(request.artifact) or artifact.of(_read(request.artifact, hands))
    found = judge(
        bundle.parse(_read(request.bundle, hands)),
        policy=policy,
        root=_root(request, hands),
        artifact=about,
    )
    return Judged(artifact=_name(request, about), judgement=found, exit_kind=_exit(found))


def _policy(request: BundleRequest, hands: Hands) -> Policy:
    asked = Policy(predicate_type=request.predicate_type, timestamp=request.timestamp)
    people = (request.identity, request.identity_pattern, request.issuer, request.issuer_pattern)
    if request.keys:
        if len(request.keys) > 1 or any(people):
            raise _asked("one key, or an identity and its issuer: not several of these")
        path = request.keys[0]
        text = _read(path, hands).decode(errors="replace")
        return msgspec.structs.replace(asked, key=from_pem(text, subject=path))
    return msgspec.structs.replace(
        asked,
        identity=_wanted("identity", request.identity, request.identity_pattern),
        issuer=_wanted("issuer", request.issuer, request.issuer_pattern),
    )


def _wanted(what: str, text: str, pattern: str) -> Wanted:
    if bool(text) == bool(pattern):
        raise _asked(f"give --key, or an identity and an issuer; of the {what}, text or pattern")
    return Wanted(text or pattern, pattern=bool(pattern))


def _root(request: BundleRequest, hands: Hands) -> TrustedRoot | None:
    if request.trusted_root not in {"", PUBLIC}:
        return trustedroot.parse(_read(request.trusted_root, hands))
    if request.keys and not request.trusted_root:
        return None
    place = importlib.resources.files("shipway").joinpath("trust", "sigstore-public-good.json")
    return trustedroot.parse(place.read_bytes())


def _read(path: str, hands: Hands) -> bytes:
    folder, file = posixpath.split(posixpath.abspath(path))
    found = hands.files(folder).read(file) if file else None
    if found is None:
        raise ShipwayError(
            "bundle.missing",
            Kind.NOT_FOUND,
            "there is no such file",
            operation="reading",
            subject=path,
        )
    return found


def _name(request: BundleRequest, about: Artifact) -> str:
    return str(about) if request.artifact == str(about) else f"{request.artifact} ({about})"


def _exit(found: Judgement) -> Kind | None:
    """Return the kind of the gravest failure: forged before not allowed before not known here."""
    failed = [one.exit for one in found.rows if one.outcome is Outcome.FAILED]
    return Kind(max(failed)) if failed else None


def _asked(why: str) -> ShipwayError:
    return ShipwayError(
        "bundle.asked",
        Kind.USAGE,
        why,
        operation="verifying",
        subject="a bundle",
        hint="shipway verify --bundle FILE --identity ID --issuer URL ARTIFACT",
    )
