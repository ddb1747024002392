"""The user's key on disk: made once, kept private, opened only with its passphrase."""

from __future__ import annotations

import base64
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from shipway.adapters import keyfile
from shipway.adapters.keyfile import open_key
from shipway.adapters.keys import KeyFolder, public_key
from shipway.errors import ShipwayError


def test_made_on_first_use(tmp_path: Path) -> None:
    """The first use makes the key, says its fingerprint once, and keeps it to the user alone."""
    said: list[str] = []
    folder = KeyFolder(str(tmp_path / "shipway" / "keys"), on_made=said.append)
    assert not folder.exists()
    signer = folder.signer()
    assert said == [signer.fingerprint]
    path = Path(folder.path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert sorted(one.name for one in path.parent.iterdir()) == ["shipway.key", "shipway.pub"]
    assert not signer.has_passphrase
    assert folder.signer().fingerprint == signer.fingerprint
    assert said == [signer.fingerprint]
    assert folder.public_key() == signer.public_key


def test_public_half_is_restored(tmp_path: Path) -> None:
    """A public file that is gone or wrong is written again on the next use."""
    folder = KeyFolder(str(tmp_path))
    signer = folder.signer()
    (tmp_path / "shipway.pub").write_text("wrong")
    folder.signer()
    assert public_key(str(tmp_path / "shipway.pub")) == signer.public_key


def test_two_first_uses(tmp_path: Path) -> None:
    """Two first uses at once end with one key, and no leftovers."""
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: KeyFolder(str(tmp_path)).signer(), range(4)))
    assert len({one.fingerprint for one in found}) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["shipway.key", "shipway.pub"]


def test_asked_for_a_passphrase(tmp_path: Path) -> None:
    """In a terminal a person is asked, for a new key and to open it; never without one."""
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return "secret"

    made = KeyFolder(str(tmp_path), ask=ask).signer()
    assert made.has_passphrase
    assert KeyFolder(str(tmp_path), ask=ask).signer().fingerprint == made.fingerprint
    assert len(asked) == 2
    assert all("secret" not in prompt for prompt in asked)
    with pytest.raises(ShipwayError) as caught:
        KeyFolder(str(tmp_path)).signer()
    assert caught.value.id == "key.locked"
    assert "needs a passphrase" in str(caught.value)


def test_at_hand(tmp_path: Path) -> None:
    """A key is at hand where it opens without a question: it is there, and needs none or has it."""
    plain, guarded = str(tmp_path / "plain"), str(tmp_path / "guarded")
    assert not KeyFolder(plain, ask=lambda _: "x").at_hand()
    KeyFolder(plain).signer()
    KeyFolder(guarded, passphrase="secret").signer()
    assert KeyFolder(plain).at_hand()
    assert KeyFolder(guarded, passphrase="secret").at_hand()
    assert not KeyFolder(guarded, ask=lambda _: "secret").at_hand()
    Path(KeyFolder(plain).path).chmod(0o640)
    assert not KeyFolder(plain).at_hand()


def test_wrong_passphrase(tmp_path: Path) -> None:
    """A wrong passphrase is denied, and said to be wrong without being shown."""
    KeyFolder(str(tmp_path), passphrase="right").signer()
    with pytest.raises(ShipwayError, match="does not open") as caught:
        KeyFolder(str(tmp_path), passphrase="guess").signer()
    assert "guess" not in str(caught.value)


def test_other_faults_are_not_asked_about(tmp_path: Path) -> None:
    """A file that is no key is refused at once, without asking anybody."""
    path = tmp_path / "shipway.key"
    path.write_text("nonsense")
    path.chmod(0o600)
    with pytest.raises(ShipwayError) as caught:
        KeyFolder(str(tmp_path), ask=lambda _: "x").signer()
    assert caught.value.id == "key.invalid"


def test_exposed(tmp_path: Path) -> None:
    """A key that others may read is refused, with the command that helps."""
    folder = KeyFolder(str(tmp_path))
    folder.signer()
    Path(folder.path).chmod(0o640)
    with pytest.raises(ShipwayError) as caught:
        folder.signer()
    assert caught.value.id == "key.exposed"
    assert "chmod 600" in caught.value.hint


def test_missing(tmp_path: Path) -> None:
    """A key that is named and not there is not found."""
    with pytest.raises(ShipwayError) as caught:
        public_key(str(tmp_path / "none.pub"))
    assert caught.value.id == "key.missing"
    with pytest.raises(ShipwayError):
        KeyFolder(str(tmp_path)).open()


def test_p384(tmp_path: Path) -> None:
    """A P-384 key signs with SHA-384."""
    signer = open_key(_armoured(ec.generate_private_key(ec.SECP384R1())), b"", subject="x")
    assert signer.public_key.verifies(signer.sign(b"m").sig, b"m")
    assert tmp_path.exists()


def test_other_kinds(tmp_path: Path) -> None:
    """Other kinds of private keys, and other bytes, are refused by name."""
    assert tmp_path.exists()
    for private in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP521R1())):
        with pytest.raises(ShipwayError, match="ECDSA P-256"):
            open_key(_armoured(private), b"", subject="x")
    with pytest.raises(ShipwayError, match="no PKCS#8"):
        open_key(keyfile._armour(keyfile._seal(b"junk", b"")), b"", subject="x")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("kdf.name", "argon2"),
        ("cipher.name", "aes"),
        ("kdf.params.N", 1 << 30),
        ("kdf.params.r", 1 << 20),
        ("kdf.params.p", 9),
        ("cipher.nonce", "AAAA"),
        ("kdf", 3),
        ("ciphertext", "!"),
    ],
)
def test_hostile_parameters(path: str, value: object) -> None:
    """A file cannot ask for more memory or time than the format knows, or for another cipher."""
    pem = keyfile.generate(b"")
    lines = pem.strip().splitlines()
    box = json.loads(base64.b64decode("".join(lines[1:-1])))
    place = box
    *folders, last = path.split(".")
    for folder in folders:
        place = place[folder]
    place[last] = value
    body = base64.b64encode(json.dumps(box).encode()).decode()
    with pytest.raises(ShipwayError) as caught:
        open_key(f"{lines[0]}\n{body}\n{lines[-1]}\n", b"", subject="x")
    assert caught.value.id == "key.invalid"


@pytest.mark.parametrize("body", ["", "!!!", "AAAA", base64.b64encode(b"[" * 9999).decode()])
def test_broken_bodies(body: str) -> None:
    """A body that is no base64 or no JSON is refused."""
    with pytest.raises(ShipwayError) as caught:
        open_key(f"-----BEGIN {keyfile.LABEL}-----\n{body}\n-----END-----\n", b"", subject="x")
    assert caught.value.id == "key.invalid"


def test_old_label() -> None:
    """Keys with the older label of cosign open too."""
    pem = keyfile.generate(b"x").replace(keyfile.LABEL, keyfile.OLD_LABEL)
    assert open_key(pem, b"x", subject="x").has_passphrase


def _armoured(private: object) -> str:
    plain = private.private_bytes(  # type: ignore[attr-defined]
        form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption()
    )
    return keyfile._armour(keyfile._seal(plain, b""))
