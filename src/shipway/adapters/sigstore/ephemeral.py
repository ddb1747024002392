"""The signing process: it makes a key, signs once, and is gone, and the key with it.

Only :mod:`shipway.adapters.sigstore.sealer` starts it, as a script under ``python -I``; it imports
nothing of Shipway, opens no file and speaks to nobody. It reads what to sign from standard input,
and writes the signature and a signing request (PKCS#10) for the key, both in base64, a line each.
The key is never turned into bytes: the crypto library makes it, uses it twice and frees it.
"""

from __future__ import annotations

import base64
import ctypes
import resource
import sys
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[ec.EllipticCurve], ec.EllipticCurvePrivateKey]

_PR_SET_DUMPABLE = 4


def harden() -> None:
    """Have no core dump ever written of this process, and no process of its user look into it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def sign(message: bytes, make: Make) -> tuple[bytes, bytes]:
    """Return a signature over ``message`` by a key just made, and a request for its certificate."""
    key = make(ec.SECP256R1())
    signature = key.sign(message, ec.ECDSA(hashes.SHA256()))
    request = x509.CertificateSigningRequestBuilder(x509.Name([])).sign(key, hashes.SHA256())
    return signature, request.public_bytes(serialization.Encoding.PEM)


def main(make: Make = ec.generate_private_key) -> None:
    """Sign standard input."""
    harden()
    for part in sign(sys.stdin.buffer.read(), make):
        sys.stdout.write(base64.b64encode(part).decode() + "\n")


if __name__ == "__main__":
    main()
