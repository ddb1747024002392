"""The pause image: its bytes, its archive, and that the program does what a sandbox needs."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import signal
import subprocess
import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from shipway.cluster import pause

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 62), ("aarch64", 183)])
def test_the_program_is_a_small_static_elf(machine: str, number: int) -> None:
    """One loadable segment, no interpreter, and the machine's own number."""
    data = pause.program(machine)
    assert data[:4] == b"\x7fELF"
    assert int.from_bytes(data[18:20], "little") == number
    assert int.from_bytes(data[56:58], "little") == 1
    assert len(data) < 400


@pytest.mark.parametrize(("machine", "architecture"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_the_archive_is_an_oci_layout(machine: str, architecture: str) -> None:
    """Every blob has the digest of its name, and the index leads to the program."""
    with tarfile.open(fileobj=io.BytesIO(pause.archive(machine))) as tar:
        files = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
    for name, data in files.items():
        if name.startswith("blobs/"):
            assert hashlib.sha256(data).hexdigest() == name.rpartition("/")[2]
    index = json.loads(files["index.json"])["manifests"][0]
    assert index["annotations"]["io.containerd.image.name"] == pause.PAUSE
    manifest = json.loads(files["blobs/sha256/" + index["digest"][7:]])
    config = json.loads(files["blobs/sha256/" + manifest["config"]["digest"][7:]])
    assert config["architecture"] == architecture
    assert config["config"]["User"] == "65535:65535"
    layer = files["blobs/sha256/" + manifest["layers"][0]["digest"][7:]]
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert tar.extractfile("pause").read() == pause.program(machine)  # type: ignore[union-attr]


def test_the_archive_is_deterministic() -> None:
    """Twice the same bytes, whenever it is made."""
    assert pause.archive("x86_64") == pause.archive("x86_64")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_waits_and_ends_when_told(tmp_path: Path, number: signal.Signals) -> None:
    """It sleeps until SIGTERM or SIGINT, then ends with 0 at once."""
    path = tmp_path / "pause"
    path.write_bytes(pause.program(platform.machine()))
    path.chmod(0o755)
    with subprocess.Popen([str(path)]) as child:
        time.sleep(0.1)
        assert child.poll() is None
        os.kill(child.pid, signal.SIGCHLD)
        time.sleep(0.05)
        assert child.poll() is None
        child.send_signal(number)
        assert child.wait(2) == 0
