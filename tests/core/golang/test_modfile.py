"""The few directives of go.mod and go.work that Shipway asks for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipway.core.golang import modfile
from shipway.core.golang.modfile import ModFile

GO_MOD = """// a comment
module "example.com/web" // its path

go 1.24.1
toolchain go1.26.2

require (
	example.com/a v1.0.0
	example.com/b v1.0.0 // indirect
)

replace example.com/a => ../a
replace (
	example.com/b v1.0.0 => ./local/b
	example.com/c => example.com/fork v1.1.0
	example.com/e =>
)
replace broken
use
"""


def test_directives_are_read() -> None:
    """Module, go, toolchain and local replacements are read, in lines and in blocks."""
    assert modfile.parse(GO_MOD) == ModFile(
        module="example.com/web", go="1.24.1", toolchain="go1.26.2", folders=("../a", "./local/b")
    )


def test_workspaces_are_read() -> None:
    """A go.work names the folders of its modules."""
    assert modfile.parse("go 1.27\nuse (\n\t.\n\t`./tools`\n)\n") == ModFile(
        go="1.27", folders=(".", "./tools")
    )


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """No text breaks the reader; what it cannot read it passes over."""
    assert isinstance(modfile.parse(text), ModFile)


def test_every_module_with_a_version_is_named() -> None:
    """Of go.mod, go.sum and modules.txt alike; replacements too, folders not."""
    sums = "example.com/d v1.0.0 h1:x=\nexample.com/d v1.0.0/go.mod h1:y=\n# example.com/f v2.0.0\n"

    assert modfile.named(GO_MOD) == {
        "example.com/web", "example.com/a", "example.com/b", "example.com/fork"
    }  # fmt: skip
    assert modfile.named(sums) == {"example.com/d", "example.com/f"}
    assert modfile.named("") == frozenset()
