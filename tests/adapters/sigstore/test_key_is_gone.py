"""The private key of a keyless signature is nowhere, once it has signed and while it does."""

from __future__ import annotations

import base64
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes import disclosing, sealing
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sigstore import ephemeral
from shipway.core.evidence.key import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.real_sigstore import RealSigstore

TESTS = Path(disclosing.__file__).parents[1]


def test_the_process_signs() -> None:
    """It signs what it reads, and asks for a certificate for the key that did."""
    from cryptography import x509  # noqa: PLC0415  only here
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415

    argv = [sys.executable, "-I", ephemeral.__file__]
    keys = set()
    for message in (b"", b"message" * 100_000):
        done = SystemProcesses().run(argv, env={}, stdin=message)
        assert done.code == 0, done.err
        signature, request = (base64.b64decode(line) for line in done.out.split())
        found = x509.load_pem_x509_csr(request)
        der = found.public_key().public_bytes(
            form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
        )
        assert found.is_signature_valid
        assert PublicKey(der).verifies(signature, message)
        keys.add(der)
    assert len(keys) == 2


def test_no_core_dump_and_no_look_inside() -> None:
    """While it runs its core limit is zero, hard, whatever the caller's is."""
    argv = [sys.executable, "-I", ephemeral.__file__]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={}) as child:
        limits = Path(f"/proc/{child.pid}/limits")
        until = time.monotonic() + 20
        while not _core(limits) and time.monotonic() < until:
            time.sleep(0.01)
        assert _core(limits)
        assert _owner(child.pid) == 0
        child.communicate(b"message")
    assert child.returncode == 0
    assert resource.getrlimit(resource.RLIMIT_CORE)[1] != 0


def _core(limits: Path) -> bool:
    (line,) = [one for one in limits.read_text().splitlines() if one.startswith("Max core")]
    return line.split()[4:6] == ["0", "0"]


def _owner(pid: int) -> int:
    """Return who owns its memory file: root's, of a process that nobody may look into."""
    return Path(f"/proc/{pid}/mem").stat().st_uid


class Search:
    """Where a number could be, in each form that it could have."""

    def __init__(self, number: bytes) -> None:
        value = int.from_bytes(number, "big")
        self._needles = (
            number,
            number[::-1],
            number.hex().encode(),
            number.hex().upper().encode(),
            str(value).encode(),
            base64.b64encode(number)[:40],
            base64.urlsafe_b64encode(number)[:40],
        )

    def holds(self, data: bytes) -> bool:
        """Return whether any form is in ``data``."""
        return any(needle in data for needle in self._needles)

    def memory(self, pid: int) -> bool:
        """Return whether a process has it in its memory."""
        return any(self.holds(piece) for piece in memory(pid))

    def folders(self, *folders: Path, since: float) -> list[Path]:
        """Return the files below ``folders``, written since then, that hold it."""
        return [one for folder in folders for one in written(folder, since) if self.read(one)]

    def read(self, path: Path) -> bool:
        """Return whether a file holds it."""
        try:
            return self.holds(path.read_bytes())
        except OSError:
            return False

    def processes(self) -> list[Path]:
        """Return arguments and environments of all processes that hold it."""
        found = [
            one / part for one in Path("/proc").glob("[0-9]*") for part in ("cmdline", "environ")
        ]
        return [one for one in found if self.read(one)]


def memory(pid: int) -> Iterator[bytes]:
    """Yield all readable memory of a process, a region each."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = (int(one, 16) for one in span.split("-"))
            try:
                file.seek(start)
                yield file.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue


def written(folder: Path, since: float) -> Iterator[Path]:
    """Yield plain files below ``folder`` that were written since ``since``."""
    for path, _, names in os.walk(folder, onerror=lambda _: None):
        for name in names:
            one = Path(path, name)
            try:
                if one.lstat().st_mtime >= since - 1 and one.is_file() and not one.is_symlink():
                    yield one
            except OSError:
                continue


@pytest.mark.engines
@pytest.mark.parametrize("leaky", [False, True])
def test_it_is_nowhere(sigstore: RealSigstore, tmp_path: Path, leaky: bool) -> None:
    """After a signature: not on disk or tmpfs, in logs, arguments, environments, the parent.

    The same search finds what a leaky process wrote, and a word that the parent does hold.
    """
    sigstore.calm()
    since = time.time()
    home = tmp_path / "home"
    home.mkdir()
    canary = os.urandom(16).hex()
    files = {"trust": sigstore.trust(), "token": sigstore.issuer.token(), "canary": canary}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    told = tmp_path / "told"
    leak = [str(home / "leak")] if leaky else []
    program = [sys.executable, disclosing.__file__, str(told), *leak]
    argv = [sys.executable, sealing.__file__, *(str(tmp_path / name) for name in files), *program]
    env = {"HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": str(TESTS)}
    log = home / "log"
    with (
        log.open("wb") as err,
        subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, env=env, text=True
        ) as parent,
    ):
        assert parent.stdout is not None
        said = parent.stdout.readline()
        assert said.startswith("sealed "), log.read_text()
        number = bytes(disclosing.TURN ^ one for one in told.read_bytes())
        search = Search(number)
        told.unlink()
        places = [tmp_path, Path("/dev/shm"), Path("/run"), Path("/var/log")]
        assert search.folders(*places, since=since) == ([home / "leak"] if leaky else [])
        assert search.processes() == []
        assert not search.memory(parent.pid)
        assert any(canary.encode() in piece for piece in memory(parent.pid))
        parent.communicate("")
    assert parent.returncode == 0
