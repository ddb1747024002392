"""A lock's digest names what is built, and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from shipway.core.engines.lock import Lock, altered, digest, read_sums, write_sums
from shipway.core.engines.recipe import Recipe
from shipway.core.oci.digest import of
from shipway.errors import Kind, ShipwayError

RECIPE = Recipe(1, "tool", "v1.0.0", "go1.27.3", {"tool": "x.dev/tool"})
LOCK = Lock(RECIPE, b"module x\n", b"x.dev/tool v1.0.0 h1:abc=\n")


def with_recipe(**changes: object) -> Lock:
    """Return the lock with another recipe."""
    return Lock(msgspec.structs.replace(RECIPE, **changes), LOCK.mod, LOCK.sums)


@pytest.mark.parametrize(
    "other",
    [
        with_recipe(version="v1.0.1"),
        with_recipe(toolchain="go1.27.4"),
        with_recipe(programs={"tool": "x.dev/tool/cmd"}),
        with_recipe(variables={"main.version": "1"}),
        with_recipe(tags=("netgo",)),
        Lock(RECIPE, b"module y\n", LOCK.sums),
        Lock(RECIPE, LOCK.mod, b""),
    ],
)
def test_whatever_changes_the_program_changes_the_digest(other: Lock) -> None:
    """Recipe, module and sums all count."""
    assert digest(other, "linux-amd64") != digest(LOCK, "linux-amd64")


def test_the_platform_counts() -> None:
    """The same lock is another program elsewhere."""
    assert digest(LOCK, "linux-arm64") != digest(LOCK, "linux-amd64")


def test_what_is_only_information_does_not_count() -> None:
    """Expected seconds and mirror digests change no program."""
    other = with_recipe(seconds=99.0, prebuilt={"linux-amd64": {"tool": of(b"x")}})

    assert digest(other, "linux-amd64") == digest(LOCK, "linux-amd64")


def test_the_order_of_keys_does_not_count() -> None:
    """Two spellings of one table are one lock."""
    one = with_recipe(programs={"a": "x.dev/a", "b": "x.dev/b"})
    two = with_recipe(programs={"b": "x.dev/b", "a": "x.dev/a"})

    assert digest(one, "linux-amd64") == digest(two, "linux-amd64")


def test_sums_survive_their_file() -> None:
    """What was written is read back."""
    files = {"kube-proxy": of(b"1"), "kubelet": of(b"2")}

    assert read_sums(write_sums(files), "here") == files


@pytest.mark.parametrize(
    "text",
    ["", "\n", "ffff  tool\n", write_sums({"tool": of(b"")}) + "x", "a" * 64 + "  ../tool\n"],
)
def test_a_torn_list_is_refused(text: str) -> None:
    """Half a line, no line or a path outside is no list."""
    with pytest.raises(ShipwayError) as caught:
        read_sums(text, "here")

    assert (caught.value.id, caught.value.kind) == ("engine.altered", Kind.INTEGRITY)


def test_an_altered_program_is_an_integrity_error() -> None:
    """The error says what to remove."""
    error = altered("/x/tool", "its bytes differ")

    assert "remove the folder" in error.hint
    assert str(error) == "checking /x/tool: its bytes differ"
