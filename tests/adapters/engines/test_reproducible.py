"""What this machine builds is, byte for byte, what the lock says anyone gets."""

from __future__ import annotations

import os

import pytest

from shipway.adapters.engines import assembly
from shipway.adapters.engines.locks import LockFolder
from shipway.adapters.process import SystemProcesses


@pytest.mark.engines
@pytest.mark.parametrize("name", LockFolder().names())
def test_the_same_lock_gives_the_same_bytes(name: str) -> None:
    """Built by whomever, in whatever folder; so that a mirror needs no trust."""
    locks = LockFolder()
    expected = locks.read(name).recipe.prebuilt.get(locks.platform)

    (built,) = assembly.for_caller(SystemProcesses(), os.environ).ensure(
        [name], on_progress=lambda _: None
    )

    assert built.lock == locks.digest(name)
    assert expected is None or built.files == expected
