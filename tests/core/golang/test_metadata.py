"""Metadata that the linker puts into a program."""

from __future__ import annotations

import pytest

from shipway.core.golang import metadata
from shipway.core.project.source import Source
from shipway.errors import ShipwayError

SOURCE = Source(
    root="/w", commit="c" * 40, tree="t", dirty=True, branch="it's", version="v1-dirty", time=61
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("package x\nvar gitCommit string\n", ("gitCommit",)),
        ('package x\nvar version = ""\n', ("version",)),
        ("package x\nvar Version, GitCommit string // both\n", ("GitCommit", "Version")),
        (
            'package x\nvar (\n\tbuildTime string\n\tisDirty string = ""\n\tn = 1\n)\n',
            ("isDirty", "buildTime"),
        ),
        ("package x\n// var gitCommit string\n", ()),
        ("package x\nfunc f() {\n\tvar gitCommit string\n}\n", ()),
        ("package x\nvar gitCommit int\n", ()),
        ("package x\nvar version = compute()\n", ()),
        ("package x\nconst version = `v1`\n", ()),
        ("package x\nvar a = `\nvar gitCommit string\n`\n", ()),
    ],
)
def test_only_settable_variables_are_found(text: str, found: tuple[str, ...]) -> None:
    """Package-level string variables count; nothing else does."""
    assert metadata.variables([text]) == found


def test_values_come_from_the_source() -> None:
    """Commit, branch, dirty, time in UTC and version are what the source says."""
    assert metadata.values(SOURCE) == {
        "gitCommit": "c" * 40,
        "gitBranch": "it's",
        "isDirty": "true",
        "buildTime": "1970-01-01T00:01:01Z",
        "version": "v1-dirty",
    }


def test_a_package_of_its_own_is_preferred() -> None:
    """Where nothing is configured, a metadata package is chosen before the main package."""
    packages = {
        ".": {"main.go": "package main\nvar version string\n"},
        "internal/metadata": {"m.go": "package metadata\nvar gitCommit string\n"},
    }

    assert metadata.choose(packages, "", ".") == ("internal/metadata", ("gitCommit",))
    assert metadata.choose({".": packages["."]}, "", ".") == (".", ("version",))
    assert metadata.choose({}, "", ".") == ("", ())


@pytest.mark.parametrize("packages", [{}, {"meta": {"m.go": "package meta\n"}}])
def test_a_configured_package_has_to_take_it(packages: dict[str, dict[str, str]]) -> None:
    """A named package without such variables is an error, since the linker would say nothing."""
    with pytest.raises(ShipwayError) as failure:
        metadata.choose(packages, "meta", ".")

    assert failure.value.id == "build.metadata"


def test_flags_are_quoted_as_go_reads_them() -> None:
    """Values with spaces or quotes survive go's own splitting of -ldflags."""
    assigned = metadata.assignments("main", ("gitBranch", "Version"), SOURCE)

    assert assigned == {"main.gitBranch": "it's", "main.Version": "v1-dirty"}
    assert metadata.ldflags(assigned) == (
        '-s -w -buildid= -X "main.gitBranch=it\'s" -X main.Version=v1-dirty'
    )
    assert metadata.ldflags({"a": 'x "y'}).endswith("-X 'a=x \"y'")
    assert metadata.ldflags({"a": "'\""}).endswith('-X "a=\'%22"')
