"""The judgement of a bundle: every check, what it saw, and whether it held.

What must be there follows from the trusted root and the policy: a root that names logs asks for an
entry, one that names any clock (a log of v1, a timestamp authority) for a time, one that names CT
keys for their timestamp. A bundle that lacks a part fails the check of that part.
"""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from shipway.core.evidence.envelope import Envelope
from shipway.core.sigstore import (
    algorithm,
    body,
    certificate,
    logentry,
    sct,
    subject,
    timestamp,
)
from shipway.core.sigstore.judgement import Facts, Judgement, Outcome, Row
from shipway.core.sigstore.trustedroot import TrustedRoot
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate

    from shipway.core.sigstore.artifact import Artifact
    from shipway.core.sigstore.bundle import Bundle
    from shipway.core.sigstore.logentry import Entry
    from shipway.core.sigstore.policy import Policy
    from shipway.core.sigstore.timestamp import Stamp
    from shipway.core.sigstore.trustedroot import Authority, Log

_NO_ROOT = TrustedRoot()
_CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
"""id-kp-codeSigning."""


T = TypeVar("T")


class _Unjudged(Exception):  # noqa: N818  it is no error
    """A check needs what another one refused."""


def judge(
    bundle: Bundle, *, policy: Policy, root: TrustedRoot | None, artifact: Artifact
) -> Judgement:
    """Return the judgement of a bundle for an artifact.

    Raises:
        ShipwayError: of usage only: ``bundle.needs-artifact``, ``bundle.pattern``.
    """
    return _Case(bundle, policy, root, artifact).judged()


class _Case:
    """One bundle before the judge; each method is a check and returns what it saw."""

    def __init__(
        self, bundle: Bundle, policy: Policy, root: TrustedRoot | None, artifact: Artifact
    ) -> None:
        self.bundle, self.policy, self.root, self.artifact = bundle, policy, root, artifact
        self.rows: list[Row] = []
        self.facts: dict[str, Any] = {}
        self.leaf: Certificate | None = None
        self.key: PublicKeyTypes | None = None
        self.verifier: bytes | None = None
        self.authority: Authority | None = None
        self.promises: list[float] | None = None
        self.stamps: list[Stamp] | None = None

    def judged(self) -> Judgement:
        keyless = self.policy.key is None
        logged = self.root is not None and bool(self.root.logs)
        self._row("signer", self._signer)
        self._row("signature", self._signature)
        envelope = isinstance(self.bundle.content, Envelope)
        self._row("payload type", self._payload_type, asked=envelope)
        self._row("predicate type", self._predicate, asked=bool(envelope or self._typed()))
        self._row("subject", self._subject)
        self._row("log entry", self._entry, asked=logged)
        self._row("log key", self._log_key, asked=logged)
        self._row("inclusion", self._each(logentry.included), asked=logged)
        self._row("checkpoint", self._each_by_key(logentry.witnessed), asked=logged)
        self._row("promise", self._promise, asked=logged)
        self._row("timestamp", self._timestamp, asked=self._stamped())
        self._row("imprint", self._imprint, asked=self._stamped())
        self._row("timestamp validity", self._stamp_counted, asked=self._stamped())
        clocks = self.policy.timestamp or bool(self._root().timestamp_authorities)
        self._row("time", self._time, asked=keyless or clocks)
        self._row("log validity", self._log_validity, asked=logged)
        self._row("chain", self._chain, asked=keyless)
        self._row("validity", self._validity, asked=keyless)
        self._row("key usage", self._usage, asked=keyless)
        self._row("certificate log", self._sct, asked=keyless and bool(self._root().ct_logs))
        self._row("identity", self._identity, asked=keyless)
        self._row("issuer", self._issuer, asked=keyless)
        found = Judgement(rows=tuple(self.rows), facts=Facts())
        return msgspec.structs.replace(found, facts=Facts(**self.facts)) if found.ok else found

    def _row(self, check: str, look: Callable[[], str], *, asked: bool = True) -> None:
        row = Row(check=check, outcome=Outcome.NOT_ASKED, evidence="")
        if asked:
            try:
                row = Row(check=check, outcome=Outcome.PASSED, evidence=look())
            except _Unjudged:
                row = Row(check=check, outcome=Outcome.NOT_JUDGED, evidence="")
            except ShipwayError as error:
                if error.kind is Kind.USAGE:
                    raise
                code = error.kind.value
                row = Row(
                    check=check,
                    outcome=Outcome.FAILED,
                    evidence=error.message,
                    id=error.id,
                    exit=code,
                )
        self.rows.append(row)

    def _root(self) -> TrustedRoot:
        return self.root or _NO_ROOT

    def _stamped(self) -> bool:
        """Return whether timestamps are looked at: where the root names who makes them."""
        return bool(self._root().timestamp_authorities) and (
            bool(self.bundle.timestamps) or self._needs_stamp()
        )

    def _needs_stamp(self) -> bool:
        """Return whether only a timestamp can say when: no entry whose log gives a time."""
        timed = bool(self._root().logs) and any(not one.newer for one in self.bundle.entries)
        return self.policy.timestamp or not timed

    def _typed(self) -> str:
        return self.policy.predicate_type

    def _signer(self) -> str:
        certificates, wanted = self.bundle.certificates, self.policy.key
        if wanted is not None:
            if certificates:
                raise _refused("bundle.signer", "a certificate signed it, and a key is asked for")
            self.key, self.verifier = algorithm.load(wanted.der), wanted.der
            return f"{algorithm.name(self.key)} {wanted.fingerprint}"
        if not certificates:
            raise _refused("bundle.signer", "a key signed it, and an identity is asked for")
        self.leaf = certificate.load(certificates[0])
        self.key, self.verifier = certificate.key(self.leaf), certificates[0]
        return f"{algorithm.name(self.key)}, by its certificate"

    def _signature(self) -> str:
        key, content = self.key, self.bundle.content
        if key is None:
            raise _Unjudged
        if isinstance(content, Envelope):
            made, signed = content.signatures[0].sig, content.signed
            held = algorithm.verifies(key, made, signed) or (
                algorithm.name(key) == "Ed25519" and algorithm.verifies_prehashed(key, made, signed)
            )
        else:
            held = algorithm.verifies_artifact(key, content.signature, self.artifact)
        if not held:
            raise _refused("bundle.signature", "the signer's key did not make it over this content")
        return f"{algorithm.name(key)} over the {'envelope' if self._said() else 'artifact'}"

    def _said(self) -> bool:
        return isinstance(self.bundle.content, Envelope)

    def _payload_type(self) -> str:
        found = self._envelope().payload_type
        if found != self.policy.payload_type:
            raise _refused("bundle.payload-type", f"it is {found[:80]!r}")
        return found

    def _predicate(self) -> str:
        if not self._said():
            raise _refused("bundle.predicate", "it says nothing but that it was signed")
        found = self._statement.predicate_type
        if self.policy.predicate_type and not self.policy.says(found):
            raise _gate("bundle.predicate", f"it says {found[:80]!r}")
        self.facts["predicate_type"] = found
        return found

    def _subject(self) -> str:
        content = self.bundle.content
        if isinstance(content, Envelope):
            said = self._statement
            if not subject.about(said, self.artifact):
                raise _refused("bundle.subject", f"none of its subjects is {self.artifact}")
            return f"{self.artifact}, one of {len(said.subjects)}"
        if not content.digest:
            return f"{self.artifact}, by the signature alone"
        if content.digest != self.artifact.digest(content.algorithm):
            raise _refused("bundle.subject", f"it is about another artifact than {self.artifact}")
        return str(self.artifact)

    def _entry(self) -> str:
        if not self.bundle.entries:
            raise _refused("bundle.no-entry", "the trusted root names logs, and it has no entry")
        verifier = _known(self.verifier)
        seen = [
            body.check(one, self.bundle, verifier, self.artifact) for one in self.bundle.entries
        ]
        self.facts["log_index"] = tuple(one.index for one in self.bundle.entries)
        return "; ".join(seen)

    def _log_key(self) -> str:
        seen = []
        for one in self._entries():
            log = self._root().log(one.log)
            if log is None:
                raise _config(
                    "trust.log-key", f"the trusted root does not name {one.log.hex()[:16]}"
                )
            seen.append(f"{log.url or 'a log'} {log.id.hex()[:8]}")
        return "; ".join(seen)

    def _promise(self) -> str:
        seen = [logentry.promised(one, self._log(one)) for one in self._entries()]
        self.promises = [float(one.time) for one in self._entries() if not one.newer]
        return "; ".join(seen)

    def _timestamp(self) -> str:
        found = self.bundle.timestamps
        if not found:
            raise _refused("bundle.no-timestamp", "only a timestamp can say when, and it has none")
        stamps = [timestamp.read(one, self._root().timestamp_authorities) for one in found]
        self.stamps = stamps
        return "; ".join(one.who for one in stamps)

    def _imprint(self) -> str:
        stamps = _known(self.stamps)
        if not all(timestamp.over(one, self.bundle.signature) for one in stamps):
            raise _refused("bundle.imprint", "a timestamp is of another signature")
        return ", ".join(f"{one.algorithm}:{one.imprint.hex()[:12]}" for one in stamps)

    def _stamp_counted(self) -> str:
        stamps = _known(self.stamps)
        late = [one for one in stamps if not one.counted]
        if late:
            why = f"{late[0].who} did not count at {_iso(late[0].moment)}"
            raise _refused("bundle.timestamp-validity", why)
        return ", ".join(_iso(one.moment) for one in stamps)

    def _time(self) -> str:
        times = self._times()
        if not times:
            raise _refused("bundle.no-time", "nobody whom the trusted root names says when")
        self.facts["times"] = times
        return ", ".join(_iso(one) for one in times)

    def _times(self) -> tuple[float, ...]:
        """Return all times that were attested; who needs one waits for those who give them."""
        rows = {one.check: one.outcome for one in self.rows}
        givers = ("promise", "timestamp", "imprint", "timestamp validity")
        if any(rows[one] in {Outcome.FAILED, Outcome.NOT_JUDGED} for one in givers):
            raise _Unjudged
        stamps = [one.moment for one in self.stamps or ()]
        return tuple(sorted({*(self.promises or ()), *stamps}))

    def _log_validity(self) -> str:
        times = self._times()
        for one in self._entries():
            log, own = self._log(one), (float(one.time),) if not one.newer else times
            if not all(log.window.covers(moment) for moment in own):
                raise _refused("bundle.log-validity", f"{log.url} did not count at that time")
        return "at the times above"

    def _chain(self) -> str:
        leaf = _known(self.leaf)
        brought = self.bundle.certificates[1:]
        self.authority = certificate.issued(leaf, brought, self._root().authorities)
        return f"{leaf.issuer.rfc4514_string()} ({self.authority.url})"

    def _validity(self) -> str:
        leaf, authority, times = _known(self.leaf), _known(self.authority), self._times()
        if not times:
            raise _Unjudged
        if not all(certificate.counted(leaf, authority, moment) for moment in times):
            raise _refused("bundle.validity", f"{_when(leaf)}, and signed at {_iso(times[0])}")
        return _when(leaf)

    def _usage(self) -> str:
        leaf = _known(self.leaf)
        if not certificate.purpose(leaf, _CODE_SIGNING) or not certificate.signs(leaf):
            raise _refused("bundle.usage", "the certificate is not for signing code")
        return "digital signature, code signing"

    def _sct(self) -> str:
        return sct.check(_known(self.leaf), _known(self.authority), self._root())

    def _identity(self) -> str:
        found = certificate.identities(_known(self.leaf))
        match = next((one for one in found if self.policy.identity.matches(one)), None)
        if match is None:
            raise _gate("bundle.identity", f"it was issued to {', '.join(found)[:200] or 'nobody'}")
        self.facts["identity"] = match
        return match

    def _issuer(self) -> str:
        found = certificate.issuer(_known(self.leaf))
        if not self.policy.issuer.matches(found):
            raise _gate("bundle.issuer", f"{found[:200] or 'nobody'} vouched for the identity")
        self.facts["issuer"] = found
        return found

    def _each(self, look: Callable[[Entry], str]) -> Callable[[], str]:
        return lambda: "; ".join(look(one) for one in self._entries())

    def _each_by_key(self, look: Callable[[Entry, Log], str]) -> Callable[[], str]:
        return lambda: "; ".join(look(one, self._log(one)) for one in self._entries())

    def _entries(self) -> tuple[Entry, ...]:
        return self.bundle.entries or _unjudged()

    def _log(self, entry: Entry) -> Log:
        return _known(self._root().log(entry.log))

    @functools.cached_property
    def _statement(self) -> subject.Said:
        return subject.read(self._envelope().payload)

    def _envelope(self) -> Envelope:
        assert isinstance(self.bundle.content, Envelope)  # noqa: S101  asked for envelopes only
        return self.bundle.content


def _known(value: T | None) -> T:
    if value is None:
        raise _Unjudged
    return value


def _unjudged() -> NoReturn:
    raise _Unjudged


def _when(leaf: Certificate) -> str:
    since, until = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    return f"valid {_iso(since.timestamp())} to {_iso(until.timestamp())}"


def _iso(moment: float) -> str:
    at = dt.datetime.fromtimestamp(moment, dt.UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def _refused(error: str, why: str) -> ShipwayError:
    return ShipwayError(error, Kind.INTEGRITY, why)


def _gate(error: str, why: str) -> ShipwayError:
    return ShipwayError(error, Kind.REJECTED, why)


def _config(error: str, why: str) -> ShipwayError:
    return ShipwayError(error, Kind.CONFIG, why)
