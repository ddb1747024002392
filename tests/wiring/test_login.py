"""``shipway login`` as a person types it, against a registry behind a token server."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from fakes.registry_server import RegistryServer

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = RegistryServer.login


def _shipway(home: Path, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shipway", *words],
        input=said,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_in_and_out_again(tmp_path: Path) -> None:
    """The right password is kept for its owner, a wrong one not at all; out leaves nothing."""
    file = tmp_path / ".docker" / "config.json"
    with RegistryServer(auth="bearer") as server:
        login = ("login", server.domain, "--username", USER, "--password-stdin")
        wrong = _shipway(tmp_path, *login, said="wrong-password\n")
        assert (wrong.returncode, file.exists()) == (7, False)
        assert "registry.unauthorized" in wrong.stderr
        assert "wrong-password" not in wrong.stderr

        right = _shipway(tmp_path, *login, said=f"{PASSWORD}\n")
        assert (right.returncode, right.stderr) == (0, "")
        assert right.stdout == f"logged in to {server.domain} as {USER}; kept by {file}\n"
        assert file.stat().st_mode & 0o777 == 0o600
        assert list(json.loads(file.read_text())["auths"]) == [server.domain]

        assert _shipway(tmp_path, "logout", server.domain).returncode == 0
        assert not file.exists()
