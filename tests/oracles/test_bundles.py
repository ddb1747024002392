"""sigstore-python agrees with our verifier on bundles of the public instance, good and damaged.

It judges certificates of the public instance only, for it asks for their certificate timestamp.
"""

from __future__ import annotations

import base64
import copy
import functools
import importlib.resources
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError
from sigstore.errors import Error
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier
from sigstore.verify.policy import Identity

from shipway.core.sigstore import artifact, bundle, fields, trustedroot
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.policy import Policy, Wanted
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = Path(__file__).parents[1] / "core" / "sigstore" / "public"
ROOT = importlib.resources.files("shipway").joinpath("trust", "sigstore-public-good.json")
NAMES = ("circleci", "github", "gitlab", "google", "slsa")
UNREAD = "verificationMaterial.tlogEntries[].inclusionProof.treeSize"
"""sigstore-python does not hold it against the checkpoint; we do."""
COVERED = {one.path for one in fields.FIELDS if one.check}


@functools.cache
def verifier() -> Verifier:
    """Return theirs, under the root that comes with Shipway."""
    return Verifier(trusted_root=TrustedRoot.from_file(str(ROOT)))


def signer(found: dict[str, Any]) -> tuple[str, str]:
    """Return identity and issuer of a good bundle, as our own reader tells them."""
    anyone = Wanted(".*", pattern=True)
    return ours(found, anyone, anyone)[1:]


def ours(found: dict[str, Any], identity: Wanted, issuer: Wanted) -> tuple[bool, str, str]:
    """Return our verdict, and by whom it was signed."""
    statement = json.loads(base64.b64decode(found["dsseEnvelope"]["payload"]))
    about = artifact.named("sha256:" + statement["subject"][0]["digest"]["sha256"])
    assert about is not None
    verdict = judge(
        bundle.parse(json.dumps(found).encode()),
        policy=Policy(identity=identity, issuer=issuer),
        root=trustedroot.parse(ROOT.read_bytes()),
        artifact=about,
    )
    return verdict.ok, verdict.facts.identity, verdict.facts.issuer


def accepted_by_us(found: dict[str, Any], identity: str, issuer: str) -> bool:
    """Return whether we accept a bundle."""
    try:
        return ours(found, Wanted(identity), Wanted(issuer))[0]
    except (ShipwayError, ValueError):
        return False


def accepted_by_them(found: dict[str, Any], identity: str, issuer: str) -> bool:
    """Return whether sigstore-python accepts a bundle."""
    try:
        read = Bundle.from_json(json.dumps(found))
        verifier().verify_dsse(read, Identity(identity=identity, issuer=issuer))
    except (Error, ValueError, ValidationError):
        return False
    return True


def read(name: str) -> dict[str, Any]:
    """Return a public bundle."""
    found: dict[str, Any] = json.loads((PUBLIC / f"{name}.sigstore.json").read_text())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_both_accept(name: str) -> None:
    """Both accept a public bundle by its signer, and refuse it by another one or another issuer."""
    found = read(name)
    who, by = signer(found)
    for verify in (accepted_by_us, accepted_by_them):
        assert verify(found, who, by)
        assert not verify(found, f"{who}x", by)
        assert not verify(found, who, "https://example.com")


def places(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield path, holder and key of each field."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in pairs:
        inner = f"{path}.{key}".lstrip(".") if isinstance(value, dict) else f"{path}[]"
        if isinstance(part, (dict, list)):
            yield from places(part, inner)
        else:
            yield inner, value, key


def damaged(text: str) -> str:
    """Return another value: the next number, or text with a letter in its last part changed.

    (In the middle of a checkpoint stands its signer's name, which sigstore-python does not read.)
    """
    if text.isdigit():
        return str(int(text) + 1)
    at = len(text) * 3 // 4
    return text[:at] + ("B" if text[at] == "A" else "A") + text[at + 1 :]


@pytest.mark.parametrize("name", NAMES)
def test_both_refuse_damage(name: str) -> None:
    """Whichever covered field is damaged, we refuse the bundle, and so does sigstore-python."""
    good = read(name)
    who, by = signer(good)
    count = len([path for path, _, _ in places(good) if path in COVERED])
    accepted = []
    for number in range(count):
        found = copy.deepcopy(good)
        path, holder, key = [one for one in places(found) if one[0] in COVERED][number]
        holder[key] = damaged(str(holder[key]))
        accepted += [
            (path, verify.__name__)
            for verify in (accepted_by_us, accepted_by_them)
            if verify(found, who, by)
        ]
    assert set(accepted) <= {(UNREAD, accepted_by_them.__name__)}
    assert count > 20
