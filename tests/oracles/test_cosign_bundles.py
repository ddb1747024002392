"""The real cosign and our verifier agree on what it signs, and what the tests' Sigstore makes."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from fakes.sigstore import ARTIFACT, IDENTITY, ISSUER, PREDICATE, Sigstore
from shipway.core.evidence.key import from_pem
from shipway.core.sigstore import artifact, bundle
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.engines

ALONE = ("--use-signing-config=false", "--tlog-upload=false")
KEYS: dict[str, Callable[[], Any]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}


@pytest.fixture
def cosign(cosign_path: Path, tmp_path: Path) -> Run:
    """Give cosign, in a folder of its own with an artifact in it."""
    (tmp_path / "it").write_bytes(ARTIFACT)
    env = {"HOME": str(tmp_path), "COSIGN_PASSWORD": "", "PATH": os.environ["PATH"]}

    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        command = [str(cosign_path), *argv]
        return subprocess.run(
            command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
        )

    return run


@pytest.mark.parametrize("kind", KEYS)
def test_we_verify_what_cosign_signs(cosign: Run, tmp_path: Path, kind: str) -> None:
    """A blob and an attestation that cosign signs with a key of any kind hold by that key alone."""
    key = KEYS[kind]()
    encoding = (form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    (tmp_path / "k.pem").write_bytes(key.private_bytes(*encoding))
    (tmp_path / "said").write_text("{}")
    told = cosign("import-key-pair", "-y", "--key", "k.pem", "--output-key-prefix", "k")
    assert told.returncode == 0, told.stderr
    public = from_pem((tmp_path / "k.pub").read_text())
    other = from_pem(
        KEYS[kind]()
        .public_key()
        .public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    attest = ("attest-blob", "--type", "slsaprovenance1", "--predicate", "said")
    for words in (("sign-blob",), attest):
        told = cosign(words[0], "-y", "--key", "k.key", *ALONE, "--bundle", "b", *words[1:], "it")
        assert told.returncode == 0, told.stderr
        read = bundle.parse((tmp_path / "b").read_bytes())
        about = artifact.of(ARTIFACT)
        for trusted, holds in ((public, True), (other, False)):
            verdict = judge(read, policy=Policy(key=trusted), root=None, artifact=about)
            assert verdict.ok is holds


@pytest.mark.parametrize("kind", ["dsse", "intoto", "record2", "blob", "blob2"])
def test_cosign_verifies_what_the_tests_make(cosign: Run, tmp_path: Path, kind: str) -> None:
    """Bundles of the tests' Sigstore are honest ones: cosign takes them, by their signer alone.

    (Not dsse 0.0.2, which cosign does not read.)
    """
    instance = Sigstore()
    (tmp_path / "root").write_text(json.dumps(instance.root()))
    (tmp_path / "b").write_text(json.dumps(instance.bundle(kind)))
    words = ["verify-blob"]
    if not kind.startswith("blob"):
        words = ["verify-blob-attestation", "--type", PREDICATE]
    words += ["--trusted-root", "root", "--bundle", "b", "--certificate-oidc-issuer", ISSUER]

    taken = cosign(*words, "--certificate-identity", IDENTITY, "it")
    refused = cosign(*words, "--certificate-identity", "other@example.com", "it")
    assert taken.returncode == 0, taken.stderr
    assert refused.returncode != 0
