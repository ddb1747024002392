"""Which Go builds a module."""

from __future__ import annotations

import pytest

from shipway.core.golang import toolchain
from shipway.core.golang.modfile import ModFile
from shipway.errors import Kind, ShipwayError

OURS = "go1.27.3"


@pytest.mark.parametrize(
    ("file", "chosen"),
    [
        (ModFile(), OURS),
        (ModFile(go="1.20"), OURS),
        (ModFile(go="1.27"), OURS),
        (ModFile(go="1.27.4"), "go1.27.4"),
        (ModFile(go="1.28"), "go1.28.0"),
        (ModFile(go="1.28rc2"), "go1.28rc2"),
        (ModFile(go="1.21", toolchain="go1.26.1"), OURS),
        (ModFile(go="1.21", toolchain="go1.28.1"), "go1.28.1"),
        (ModFile(go="1.21", toolchain="default"), OURS),
        (ModFile(go="1.21", toolchain="local"), OURS),
    ],
)
def test_the_newest_asked_for_is_chosen(file: ModFile, chosen: str) -> None:
    """Ours builds what asks for nothing newer; else what the go or toolchain line names does."""
    assert toolchain.choose(OURS, (file,)) == chosen


def test_a_workspace_counts_too() -> None:
    """The go line of go.work can ask for a newer Go than the module's."""
    assert toolchain.choose(OURS, (ModFile(go="1.24"), ModFile(go="1.27.9"))) == "go1.27.9"


def test_a_lock_decides_alone() -> None:
    """The pinned Go is used exactly, also where it is older than ours."""
    assert (
        toolchain.choose(OURS, (ModFile(go="1.24", toolchain="go1.28.0"),), "1.26.1") == "go1.26.1"
    )
    assert toolchain.choose(OURS, (), "go1.26.1") == "go1.26.1"


def test_a_lock_too_old_for_the_module_is_refused() -> None:
    """A lock below the go line is an error that names the version to write."""
    with pytest.raises(ShipwayError) as failure:
        toolchain.choose(OURS, (ModFile(go="1.27"),), "go1.26.1")

    assert failure.value.id == "toolchain.lock"
    assert "go1.27.0" in failure.value.hint


def test_versions_are_ordered_as_go_orders_them() -> None:
    """A language version is older than its candidates, those than the release."""
    versions = ["1.20", "1.20.1", "1.21", "1.21alpha1", "1.21beta1", "1.21rc2", "1.21.0", "1.21.10"]

    assert sorted(versions, key=toolchain.order) == versions
    assert toolchain.release("1.20") == "go1.20"
    assert toolchain.order("2") == (2, 0, -1, -4, 0)


@pytest.mark.parametrize("text", ["", "latest", "go1.27.3; rm", "1.27.3\n", "go1.x"])
def test_other_words_are_no_version(text: str) -> None:
    """What is no Go version is a config error."""
    with pytest.raises(ShipwayError) as failure:
        toolchain.order(text)

    assert failure.value.kind is Kind.CONFIG
