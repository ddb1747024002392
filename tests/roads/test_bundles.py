"""``verify --bundle``: what is read, whose word counts by default, and how the answer is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as form

from fakes import sigstore as made
from fakes.files import MemoryFiles
from fakes.sigstore import ARTIFACT, IDENTITY, ISSUER, PREDICATE, Sigstore
from shipway.core.sigstore import artifact
from shipway.core.sigstore.judgement import Outcome
from shipway.errors import Kind, ShipwayError
from shipway.roads import bundles
from shipway.roads.bundles import BundleRequest, Judged

INSTANCE = Sigstore()
WHO = {"identity": IDENTITY, "issuer": ISSUER}
PEM = INSTANCE.key.public_key().public_bytes(
    form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo
)


class Files:
    """Hands with one folder of files, whichever is asked for."""

    def __init__(self) -> None:
        self.folder = MemoryFiles(
            {
                "b": json.dumps(INSTANCE.bundle()).encode(),
                "v2": json.dumps(INSTANCE.bundle("dsse2")).encode(),
                "keyed": json.dumps(INSTANCE.bundle(key=INSTANCE.key)).encode(),
                "root": json.dumps(INSTANCE.root()).encode(),
                "key.pub": PEM,
                "it": ARTIFACT,
            }
        )

    def files(self, root: str) -> MemoryFiles:
        """Return the folder."""
        assert root.startswith("/")
        return self.folder


def verify(**asked: Any) -> Judged:
    """Return the judgement of what was asked; by default of the file under the instance's root."""
    plain = {"bundle": "b", "artifact": "it", "trusted_root": "root"}
    hands: Any = Files()
    return bundles.verify(BundleRequest(**{**plain, **asked}), hands=hands)


def failed(found: Judged) -> set[str]:
    """Return the ids of failed checks."""
    return {one.id for one in found.judgement.rows if one.outcome is Outcome.FAILED}


def test_an_identity() -> None:
    """Each check is told in a line, with what it saw; the last line is the verdict."""
    found = verify(**WHO)
    lines = list(found.lines())

    assert found.exit_kind is None
    assert len(lines) == len(found.judgement.rows) + 1
    assert any(line.startswith("passed") and IDENTITY in line for line in lines)
    assert lines[-1] == f"the bundle holds for it ({artifact.of(ARTIFACT)})"


def test_a_digest_and_patterns() -> None:
    """The artifact may be a digest, identity and issuer patterns."""
    digest = str(artifact.of(ARTIFACT))
    found = verify(artifact=digest, identity_pattern=".*@example.com", issuer_pattern="https://.*")

    assert list(found.lines())[-1] == f"the bundle holds for {digest}"


def test_a_key() -> None:
    """A key asks for no log of its own; with a root, for the logs that this names."""
    alone = verify(bundle="keyed", keys=("key.pub",), trusted_root="")
    logged = verify(bundle="keyed", keys=("key.pub",))
    public = verify(bundle="keyed", keys=("key.pub",), trusted_root="public")

    assert (alone.exit_kind, logged.exit_kind) == (None, None)
    assert not alone.judgement.facts.times
    assert logged.judgement.facts.times
    assert "trust.log-key" in failed(public)


def test_the_public_root_is_the_default_of_identities() -> None:
    """Without a root, an identity is one of the public instance, which does not know this one."""
    assert failed(verify(**WHO, trusted_root="")) >= {"trust.log-key", "bundle.chain"}


def test_what_it_says_and_when() -> None:
    """A predicate type and a timestamp can be asked for."""
    asked = {**WHO, "predicate_type": PREDICATE, "timestamp": True}

    assert failed(verify(**asked)) == {"bundle.no-timestamp"}
    assert verify(**asked, bundle="v2").exit_kind is None
    assert failed(verify(**{**asked, "predicate_type": "x"}, bundle="v2")) == {"bundle.predicate"}


def test_a_strangers_text_does_not_speak_to_the_terminal() -> None:
    """What a bundle says is shown without control characters."""
    hands: Any = Files()
    said = made.statement(predicate="x\x1b[2J\ny")
    hands.folder.files["b"] = json.dumps(INSTANCE.bundle(payload=said)).encode()
    asked = BundleRequest(bundle="b", artifact="it", trusted_root="root", **WHO)
    lines = list(bundles.verify(asked, hands=hands).lines())

    assert all(line.isprintable() for line in lines)
    assert any("x\ufffd[2J\ufffdy" in line for line in lines)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({**WHO, "artifact": "root"}, Kind.INTEGRITY),
        ({**WHO, "identity": "other@example.com"}, Kind.REJECTED),
        ({**WHO, "identity": "other@example.com", "artifact": "root"}, Kind.INTEGRITY),
    ],
)
def test_exit_kinds(asked: dict[str, Any], kind: Kind) -> None:
    """What is forged exits so even where who signed is not allowed either."""
    found = verify(**asked)

    assert found.exit_kind is kind
    assert list(found.lines())[-1].startswith("the bundle does not hold")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({}, "bundle.asked"),
        ({"identity": "x"}, "bundle.asked"),
        ({**WHO, "issuer_pattern": "x"}, "bundle.asked"),
        ({**WHO, "keys": ("key.pub",)}, "bundle.asked"),
        ({"keys": ("key.pub", "key.pub")}, "bundle.asked"),
        ({**WHO, "bundle": "nowhere"}, "bundle.missing"),
        ({**WHO, "artifact": "sha256:00"}, "bundle.missing"),
        ({**WHO, "artifact": "/"}, "bundle.missing"),
        ({**WHO, "trusted_root": "b"}, "trust.invalid"),
        ({**WHO, "bundle": "root"}, "bundle.invalid"),
        ({"keys": ("it",)}, "key.invalid"),
    ],
)
def test_refused(asked: dict[str, Any], error: str) -> None:
    """What has no meaning, is not there or cannot be read is an error of its own."""
    with pytest.raises(ShipwayError) as caught:
        verify(**asked)
    assert caught.value.id == error
