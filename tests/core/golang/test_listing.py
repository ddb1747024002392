"""The files of ours that a build reads, from ``go list``."""

from __future__ import annotations

import pytest

from shipway.core.golang import listing
from shipway.errors import ShipwayError

RAW = b"""{
	"ImportPath": "fmt", "Dir": "/go/src/fmt", "Standard": true, "GoFiles": ["print.go"]
}
{
	"ImportPath": "example.com/dep", "Dir": "/mod/example.com/dep@v1", "GoFiles": ["d.go"]
}
{
	"ImportPath": "example.com/web/internal/page", "Dir": "/w/internal/page",
	"GoFiles": ["page.go"], "EmbedPatterns": ["static"],
	"EmbedFiles": ["static/css/a.css", "static/index.html"]
}
{
	"ImportPath": "example.com/lib", "Dir": "/lib", "CgoFiles": ["c.go"], "HFiles": ["c.h"]
}
{
	"ImportPath": "example.com/web", "Dir": "/w", "Name": "main", "GoFiles": ["main.go"]
}
{
	"ImportPath": "example.com/web.test", "Dir": "/w", "GoFiles": ["/cache/ab/main.go"],
	"TestEmbedPatterns": ["t"], "TestEmbedFiles": ["t/x"]
}
{
	"ImportPath": "unsafe"
}
"""


def test_only_ours_is_named() -> None:
    """Files of Go, of the module cache and of the build cache are left out; replaced ones stay."""
    named = listing.ours(listing.parse(RAW), ("/go", "/mod", "/cache"), "/w")

    assert named.files == (
        "/w/internal/page/page.go",
        "/w/internal/page/static/css/a.css",
        "/w/internal/page/static/index.html",
        "/lib/c.go",
        "/lib/c.h",
        "/w/main.go",
        "/w/t/x",
    )
    assert named.packages == (
        "example.com/web/internal/page",
        "example.com/lib",
        "example.com/web",
        "example.com/web.test",
    )


def test_folders_where_a_new_file_counts_are_named() -> None:
    """Package folders, those above them in the module, and embedded trees are watched."""
    named = listing.ours(listing.parse(RAW), ("/go", "/mod", "/cache"), "/w")

    assert named.folders == ("/w/internal/page", "/w/internal", "/w", "/lib")
    assert named.embedded == (
        "/w/internal/page",
        "/w/internal/page/static/css",
        "/w/internal/page/static",
        "/w",
        "/w/t",
    )


def test_every_kind_of_file_is_asked_for() -> None:
    """Each field that is asked for is one that the package has, and the other way round."""
    package = listing.parse(b'{"ImportPath":"x"\n}\n')[0]
    raw = ",".join(f'"{field}":["{field}"]' for field in listing._KINDS)
    full = listing.parse(b'{"ImportPath":"x",' + raw.encode() + b"\n}\n")[0]

    assert package.files == []
    assert sorted(full.files) == sorted(listing._KINDS)
    assert not package.embeds


def test_another_answer_is_an_error() -> None:
    """What is no listing is ``go.listing``."""
    with pytest.raises(ShipwayError) as failure:
        listing.parse(b'{"ImportPath": 3\n}\n')

    assert failure.value.id == "go.listing"


GRAPH = b"""{
	"ImportPath": "fmt", "Standard": true, "Imports": ["io"]
}
{
	"ImportPath": "example.com/a/x", "Imports": ["fmt", "example.com/b", "C", "example.com/a/y"],
	"Module": {"Path": "example.com/a", "Version": "v1.0.0", "Dir": "/mod/a@v1.0.0"}
}
{
	"ImportPath": "example.com/a/y", "Imports": ["example.com/d"],
	"Module": {"Path": "example.com/a", "Version": "v1.0.0", "Dir": "/mod/a@v1.0.0"}
}
{
	"ImportPath": "example.com/b",
	"Module": {"Path": "example.com/b", "Version": "v0.1.0", "Dir": "/mod/b",
	"Replace": {"Path": "example.com/c", "Version": "v2.0.0", "Dir": "/mod/c@v2.0.0"}}
}
{
	"ImportPath": "example.com/d",
	"Module": {"Path": "example.com/d", "Version": "v0.0.0", "Dir": "/d",
	"Replace": {"Path": "../d", "Dir": "/d"}}
}
{
	"ImportPath": "example.com/web", "Imports": ["example.com/a/x"],
	"Module": {"Path": "example.com/web", "Main": true, "Dir": "/w"}
}
"""


def test_who_needs_whom() -> None:
    """A module needs those whose packages its own import, and never itself."""
    assert listing.ours(listing.parse(GRAPH), (), "/w").needs == {
        "example.com/a": ("example.com/b", "example.com/d"),
        "example.com/b": (),
        "example.com/d": (),
        "example.com/web": ("example.com/a",),
    }


def test_modules_that_are_the_same_everywhere() -> None:
    """Only a module with a version lies in the module cache, a replaced one by its replacement."""
    assert listing.ours(listing.parse(GRAPH), (), "/w").cached == {
        "example.com/a": "/mod/a@v1.0.0",
        "example.com/b": "/mod/c@v2.0.0",
    }
