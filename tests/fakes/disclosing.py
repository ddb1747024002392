"""The signing process, instrumented: it makes and uses its key as the real one, and tells a test.

Run as ``disclosing.py FILE``: the private number goes to FILE with every byte turned over, so that
the telling itself leaves no copy that a search would find. ``disclosing.py FILE LEAK`` also writes
it down as it is, which a search must find.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

import shipway.adapters.sigstore.ephemeral as real

TURN = 0xFF


def main() -> None:
    """Sign standard input, and tell the number."""
    path, *leak = sys.argv[1:]

    def make(curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(curve)
        number = key.private_numbers().private_value
        Path(path).write_bytes(bytes(TURN ^ one for one in number.to_bytes(32, "big")))
        if leak:
            Path(leak[0]).write_text(f"{number:064x}\n")
        return key

    runpy.run_path(real.__file__)["main"](make)


if __name__ == "__main__":
    main()
