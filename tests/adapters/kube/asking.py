"""A person's process that asks for a credential, and (``plugin``) the plugin that asks the person.

Run by a test on a pseudo-terminal: ``asking.py MODE`` prints the token that it got.
"""

from __future__ import annotations

import json
import os
import sys

V1 = "client.authentication.k8s.io/v1"


def plugin() -> None:
    """Ask for a word where asking is allowed, and print it as the token."""
    word = "nobody was asked"
    if json.loads(os.environ["KUBERNETES_EXEC_INFO"])["spec"]["interactive"]:
        sys.stderr.write("code? ")
        sys.stderr.flush()
        word = sys.stdin.readline().strip()
    answer = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": word}}
    sys.stdout.write(json.dumps(answer))


def person(mode: str) -> None:
    """Get a credential on this process's terminal."""
    from shipway.adapters.kube.credentials import Credentials  # noqa: PLC0415  not the plugin's
    from shipway.adapters.process import SystemProcesses  # noqa: PLC0415
    from shipway.core.kube.contexts import Access, ExecPlugin  # noqa: PLC0415

    found = ExecPlugin(command=sys.executable, args=(__file__, "plugin"), interactive=mode)
    access = Access(context="c", namespace="n", server="https://s", plugin=found)
    processes = SystemProcesses()
    token = Credentials(access, processes, {}, processes).current().token
    sys.stdout.write(f"token: {token}\n")


if __name__ == "__main__":
    plugin() if sys.argv[1] == "plugin" else person(sys.argv[1])
