"""A process that seals one statement by an instrumented signing process, then waits to be searched.

Run as ``sealing.py TRUST TOKEN CANARY PROGRAM...``: files with ``[trust]`` and a token, a word that
its memory will hold, and the signing process. It writes ``sealed`` and ends with its input.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import msgspec

from shipway.adapters.clock import SystemClock
from shipway.adapters.http.network import Network
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sigstore.sealer import KeylessSealer
from shipway.adapters.sigstore.tokens import Tokens
from shipway.core.keyless import instance
from shipway.core.sigstore import trustedroot
from shipway.redaction import Secret


def main() -> None:
    """Seal, say so, wait."""
    trust, token, canary, *program = sys.argv[1:]
    held = Path(canary).read_text()
    said = msgspec.convert(tomllib.loads(Path(trust).read_text())["trust"], instance.Said)
    clock = SystemClock()
    secret = Secret(Path(token).read_bytes())
    sealer = KeylessSealer(
        instance.choose(said),
        trustedroot.parse(Path(said.root).read_bytes()),
        Tokens(lambda: secret, audience=said.audience, clock=clock),
        network=Network(),
        processes=SystemProcesses(),
        clock=clock,
        program=program,
    )
    bundle = json.loads(sealer.seal(b'{"a": 1}'))
    sys.stdout.write(f"sealed {bundle['mediaType']}\n")
    sys.stdout.flush()
    sys.stdin.read()
    assert held


if __name__ == "__main__":
    main()
