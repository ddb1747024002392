"""Whose word counts: keys of the caller, in roles of the policy; a release only takes away."""

from __future__ import annotations

import pytest

from fakes.signer import MemorySigner
from shipway.core.evidence import predicate, trust
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.bundle import Bundle
from shipway.core.evidence.envelope import Envelope, pae
from shipway.core.evidence.policy import BUILT_IN, built_in, parse
from shipway.core.evidence.statement import MEDIA_TYPE
from shipway.core.evidence.trust import Trust, TrustedKey
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError

ONE, TWO = MemorySigner(1), MemorySigner(2)


def key(signer: MemorySigner, *roles: str, passphrase: bool = True) -> TrustedKey:
    """Return a trusted key."""
    return TrustedKey(key=signer.public_key, roles=roles or ("*",), passphrase=passphrase)


def signed(signer: MemorySigner, hint: str = "") -> Bundle:
    """Return a bundle by a signer, with its hint or another."""
    envelope = Envelope(payload=b"{}", signatures=(signer.sign(pae(MEDIA_TYPE, b"{}")),))
    return Bundle(envelope=envelope, hint=hint or signer.public_key.hint)


def judge(
    bundle: Bundle, *keys: TrustedKey, kind: str = predicate.SBOM, protected: bool = False
) -> TrustedKey | Finding:
    """Judge a bundle."""
    return trust.judge(
        bundle,
        kind,
        trust=Trust(keys=keys, protected=protected),
        policy=built_in().policy,
        subject="x",
    )


def answer(found: TrustedKey | Finding) -> Answer:
    """Return the name of what is wrong."""
    assert isinstance(found, Finding)
    return found.answer


def test_hint_only_selects() -> None:
    """A wrong hint costs nothing and proves nothing: keys decide."""
    assert judge(signed(ONE, "wrong"), key(TWO), key(ONE)) == key(ONE)
    assert judge(signed(ONE, TWO.public_key.hint), key(TWO), key(ONE)) == key(ONE)
    assert answer(judge(signed(ONE), key(TWO))) is Answer.NOT_ALLOWED
    assert answer(judge(signed(ONE, TWO.public_key.hint), key(TWO))) is Answer.ALTERED
    assert answer(judge(signed(ONE))) is Answer.NOT_ALLOWED


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("tester", predicate.TEST),
        ("builder", predicate.BUILD),
        ("builder", predicate.SBOM),
        ("builder", predicate.SIGNATURE),
        ("scanner", predicate.SCAN),
        ("releaser", predicate.RELEASE),
        ("verifier", predicate.VERDICT),
        ("deployer", predicate.RENDER),
        ("deployer", predicate.INTENT),
        ("deployer", predicate.OUTCOME),
    ],
)
def test_roles(role: str, kind: str) -> None:
    """Each role signs its own kinds, and no key of all other roles may."""
    assert judge(signed(ONE), key(ONE, role), kind=kind) == key(ONE, role)
    others = tuple(one for one in built_in().policy.roles if one != role)
    assert answer(judge(signed(ONE), key(ONE, *others), kind=kind)) is Answer.NOT_ALLOWED


def test_unknown_kind() -> None:
    """A kind that the policy does not know is signed by nobody."""
    assert answer(judge(signed(ONE), key(ONE), kind="https://example.com")) is Answer.NOT_ALLOWED


def test_protected() -> None:
    """A key without passphrase counts only where nothing is protected."""
    bare = key(ONE, passphrase=False)
    assert judge(signed(ONE), bare) == bare
    assert answer(judge(signed(ONE), bare, protected=True)) is Answer.NOT_ALLOWED
    assert judge(signed(ONE), key(ONE), protected=True) == key(ONE)


def test_narrow() -> None:
    """A released tree can take keys away by fingerprint or file, and never add one."""
    keys = (key(ONE), key(TWO))
    files = {"ci.pub": TWO.public_key.pem(), "other.pub": MemorySigner(3).public_key.pem()}
    assert trust.narrow(keys, (), files.__getitem__) == keys
    assert trust.narrow(keys, (ONE.fingerprint,), files.__getitem__) == (key(ONE),)
    assert trust.narrow(keys, ("ci.pub",), files.__getitem__) == (key(TWO),)
    assert trust.narrow(keys, ("other.pub",), files.__getitem__) == ()
    with pytest.raises(ShipwayError):
        trust.narrow(keys, ("bad.pub",), lambda _: "nonsense")


def test_policy_is_read_strictly() -> None:
    """The built-in policy is named by URI and digest; unknown fields are refused."""
    named = built_in()
    assert named.uri == "https://shipway.dev/policy/built-in/v1"
    assert named.digest == of(BUILT_IN)
    with pytest.raises(ShipwayError) as caught:
        parse(BUILT_IN.replace(b'"image"', b'"imgae"'))
    assert caught.value.id == "policy.invalid"
