"""The lock is the same text for the same pins, and damage is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci.digest import of
from shipway.core.project import lockfile
from shipway.core.project.lockfile import Lock, Toolchain
from shipway.errors import ShipwayError

NAMES = st.text(min_size=1, max_size=12)
PINS = st.dictionaries(NAMES, st.binary(max_size=3).map(of), max_size=4)


@given(PINS, PINS, st.none() | st.builds(Toolchain, NAMES, st.text(max_size=5)))
def test_round_trip(bases: dict, images: dict, go: Toolchain | None) -> None:  # type: ignore[type-arg]
    """A lock comes back as it was, and its text does not depend on the order of pins."""
    lock = Lock(go=go, bases=bases, images=images)
    turned = Lock(go=go, bases=dict(reversed(bases.items())), images=images)

    assert lockfile.load(lockfile.dump(lock)) == lock
    assert lockfile.dump(turned) == lockfile.dump(lock)


def test_no_file_no_pins() -> None:
    """Without a file nothing is pinned."""
    assert lockfile.load(None) == Lock()


def test_the_text() -> None:
    """The file is plain TOML that says who wrote it."""
    lock = Lock(go=Toolchain("go1.27.3", "h1:x"), images={"b:1": of(b"b"), "a:1": of(b"a")})

    assert lockfile.dump(lock).decode() == (
        f"{lockfile.HEAD}schema = 1\n\n"
        '[go]\nversion = "go1.27.3"\nsum = "h1:x"\n\n'
        f'[images]\n"a:1" = "{of(b"a")}"\n"b:1" = "{of(b"b")}"\n'
    )


def test_pins_stay() -> None:
    """A new pin is added; one that is there is never moved."""
    lock = lockfile.pinned(Lock(), "images", {"a": of(b"1")})
    lock = lockfile.pinned(lock, "images", {"a": of(b"2"), "b": of(b"3")})

    assert lock.images == {"a": of(b"1"), "b": of(b"3")}


@pytest.mark.parametrize(
    "data",
    [b"\xff", b"x = ", b"new = 1", b"schema = 2", b'[images]\na = "latest"', b"schema = 'x'"],
)
def test_damage_is_told(data: bytes) -> None:
    """A lock that this version would not write is refused, with what to do."""
    with pytest.raises(ShipwayError) as caught:
        lockfile.load(data)

    assert caught.value.id == "config.lock"
    assert "git" in caught.value.hint
