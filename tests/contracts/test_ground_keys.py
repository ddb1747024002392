"""What every maker of keys and certificates promises, in memory and with real ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from fakes.ground import CountingKeys, MemoryTree
from shipway.adapters.ground.keys import GroundKeys
from shipway.adapters.ground.tree import RootTree
from shipway.core.ports.ground import Keys, Leaf, Tree

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Keys,)


class Maker:
    """A maker with a folder to write to, and an authority in it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.clock = FakeClock()
        self.top = str(folder)
        self.tree: Tree = MemoryTree() if kind == "memory" else RootTree(owner=os.getuid())
        self.keys: Keys = (
            CountingKeys(self.tree)  # type: ignore[arg-type]
            if kind == "memory"
            else GroundKeys(self.tree, self.clock.now)
        )
        self.keys.authority(self.path("ca"), "test ca")

    def path(self, name: str) -> str:
        """Return a path in the folder."""
        return f"{self.top}/{name}"

    def text(self, name: str) -> str | None:
        """Return a file's text."""
        return self.tree.read(self.path(name))

    def leaf(self, name: str) -> Leaf:
        """Return a certificate to have."""
        return Leaf(path=self.path(name), issuer=self.path("ca"), common_name=name, client=True)


@pytest.fixture(params=["memory", "disk"])
def maker(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Give each maker in turn."""
    return Maker(request.param, tmp_path)


def test_an_authority_is_made_once(maker: Maker) -> None:
    """Its two files are there and stay."""
    before = maker.text("ca.crt"), maker.text("ca.key")
    assert all(before)
    maker.keys.authority(maker.path("ca"), "another name")
    assert (maker.text("ca.crt"), maker.text("ca.key")) == before


def test_certificates_are_had_and_stay(maker: Maker) -> None:
    """Each has a pair of its own; asked for again, it is the same one."""
    leaves = [maker.leaf("one"), maker.leaf("two")]
    maker.keys.have(leaves)
    before = [maker.text(f"{name}.{end}") for name in ("one", "two") for end in ("crt", "key")]
    assert len({*before, None}) == 5
    maker.keys.have(leaves)
    assert before == [
        maker.text(f"{name}.{end}") for name in ("one", "two") for end in ("crt", "key")
    ]


def test_what_is_issued_is_written_nowhere(maker: Maker) -> None:
    """Each is a new one, with its authority and its end."""
    before = maker.tree.entries(maker.top)
    first, second = (maker.keys.issue(maker.leaf("person")) for _ in range(2))
    assert maker.tree.entries(maker.top) == before
    assert first.certificate != second.certificate
    assert first.key != second.key
    assert first.authority == second.authority
    assert first.ends > 0


def test_a_signer_of_tokens_is_made_once(maker: Maker) -> None:
    """A private and a public key, no certificate."""
    maker.keys.signer(maker.path("tokens"))
    before = maker.text("tokens.key"), maker.text("tokens.pub")
    assert all(before)
    assert maker.text("tokens.crt") is None
    maker.keys.signer(maker.path("tokens"))
    assert (maker.text("tokens.key"), maker.text("tokens.pub")) == before


def test_a_secret_is_made_once(maker: Maker) -> None:
    """A path has its own text, the same at every call."""
    one = maker.keys.secret(maker.path("one"))
    assert maker.keys.secret(maker.path("one")) == one
    assert maker.keys.secret(maker.path("two")) != one
    assert one == one.strip()


def test_a_password_is_hashed_as_bcrypt(maker: Maker) -> None:
    """What comes back is what an htpasswd file takes, and differs between passwords."""
    hashed = maker.keys.password_hash("a password")
    assert hashed.startswith("$2")
    assert ":" not in hashed
    assert maker.keys.password_hash("another one") != hashed
