"""How long Shipway takes to verify Sigstore bundles: one in a fresh process, a thousand in one.

``python bench/bundles.py`` prints both by itself. The kinds differ in what must be verified: an
entry of Rekor v1 has a promise, one of v2 a timestamp. Authorities have P-384 keys, as the public
ones do.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests")]

from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402
from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: E402

from fakes import sigstore as made  # noqa: E402
from fakes.sigstore import ARTIFACT, IDENTITY, ISSUER, Authority, Sigstore  # noqa: E402
from shipway.core.sigstore import artifact, bundle, trustedroot  # noqa: E402
from shipway.core.sigstore.judge import judge  # noqa: E402
from shipway.core.sigstore.policy import Policy, Wanted  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = {"dsse": "Rekor v1", "dsse2": "Rekor v2"}
COUNT = 1000


def instance() -> Sigstore:
    """Return an instance whose authorities have keys as large as the public one's."""
    found, curve = Sigstore(), ec.SECP384R1()
    key, purpose = ec.generate_private_key(curve), ExtendedKeyUsageOID.CODE_SIGNING
    found.ca = Authority("fulcio", purpose, issues=True, key=key)
    key, purpose = ec.generate_private_key(curve), ExtendedKeyUsageOID.TIME_STAMPING
    found.tsa = Authority("tsa", purpose, issues=False, key=key)
    return found


def many(found: Sigstore, kind: str) -> float:
    """Return the seconds that a thousand different bundles take in this process."""
    root = trustedroot.parse(json.dumps(found.root()).encode())
    policy = Policy(identity=Wanted(IDENTITY), issuer=Wanted(ISSUER))
    files = []
    for number in range(COUNT):
        data = ARTIFACT + str(number).encode()
        found.key = ec.generate_private_key(ec.SECP256R1())
        made_one = found.bundle(kind, payload=made.statement(data))
        digest = hashlib.sha256(data).hexdigest()
        files.append((json.dumps(made_one).encode(), artifact.named(f"sha256:{digest}")))
    began = time.monotonic()
    for data, about in files:
        assert about is not None
        verdict = judge(bundle.parse(data), policy=policy, root=root, artifact=about)
        assert verdict.ok
    return time.monotonic() - began


def one(found: Sigstore, kind: str) -> float:
    """Return the seconds that one bundle takes from the command line."""
    with tempfile.TemporaryDirectory(prefix="shipway-bench-") as folder:
        place = Path(folder)
        (place / "bundle").write_text(json.dumps(found.bundle(kind)))
        (place / "root").write_text(json.dumps(found.root()))
        (place / "it").write_bytes(ARTIFACT)
        who = ["--identity", IDENTITY, "--issuer", ISSUER, "--trusted-root", "root"]
        command = [sys.executable, "-m", "shipway", "verify", "--bundle", "bundle", *who, "it"]
        began = time.monotonic()
        ran = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        took = time.monotonic() - began
    assert ran.returncode == 0, ran.stderr
    return took


def samples(times: int) -> Iterator[tuple[str, float]]:
    """Yield what was measured and the seconds it took, in turn."""
    found = instance()
    for _ in range(times):
        for kind, name in KINDS.items():
            yield f"verify --bundle, {name}", one(found, kind)
            yield f"{COUNT:,} bundles in one process, {name}", many(found, kind)


if __name__ == "__main__":
    for what, seconds in samples(5):
        print(f"{what}: {seconds:.3f} s", flush=True)
