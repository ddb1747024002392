"""Package URLs."""

from __future__ import annotations

from shipway.core.supply import purl


def test_modules_keep_case_and_major_version() -> None:
    """A module's path stands whole and in its own case, its version encoded."""
    assert (
        purl.golang("github.com/Azure/go-autorest/v14", "v14.2.0+incompatible")
        == "pkg:golang/github.com/Azure/go-autorest/v14@v14.2.0%2Bincompatible"
    )
    assert purl.golang("example.com/web") == "pkg:golang/example.com/web"


def test_the_standard_library_has_a_plain_version() -> None:
    """The standard library is versioned without the word go."""
    assert purl.stdlib("go1.27.3") == "pkg:golang/stdlib@1.27.3"
    assert purl.toolchain("go1.27.3") == "pkg:generic/go@1.27.3"


def test_images_are_named_by_their_last_element() -> None:
    """An image's name is its last path element in lower case; the repository is a qualifier."""
    assert (
        purl.oci("127.0.0.1:5000/P/Web", "sha256:ab")
        == "pkg:oci/web@sha256%3Aab?repository_url=127.0.0.1:5000/P/Web"
    )
