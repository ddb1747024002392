"""Image references: the shared grammar, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci import reference
from shipway.errors import ShipwayError

_HEX = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "digest"),
    [
        ("ubuntu", "docker.io", "library/ubuntu", "", None),
        ("ubuntu:24.04", "docker.io", "library/ubuntu", "24.04", None),
        ("grafana/loki", "docker.io", "grafana/loki", "", None),
        ("index.docker.io/x/y", "docker.io", "x/y", "", None),
        ("localhost/x", "localhost", "x", "", None),
        ("localhost:5000/x:y", "localhost:5000", "x", "y", None),
        ("127.0.0.1:5000/shop/web:v1", "127.0.0.1:5000", "shop/web", "v1", None),
        (f"ghcr.io/a/b@{_HEX}", "ghcr.io", "a/b", "", _HEX),
        (f"ghcr.io/a/b:t@{_HEX}", "ghcr.io", "a/b", "t", _HEX),
        ("[::1]:5000/x", "[::1]:5000", "x", "", None),
        ("Host/x", "Host", "x", "", None),
        ("r.example/a__b/c-d/e.f/g---h", "r.example", "a__b/c-d/e.f/g---h", "", None),
        ("r.example/x:_9.-", "r.example", "x", "_9.-", None),
    ],
)
def test_parse(text: str, domain: str, path: str, tag: str, digest: str | None) -> None:
    """Every part is found, and Docker Hub stands for names without a domain."""
    found = reference.parse(text)

    assert (domain, path, tag, digest) == (found.domain, found.path, found.tag, found.digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/x",
        "x/",
        "r.example/",
        "r.example/UP",
        "r.example/a..b",
        "r.example/-a",
        "r.example/a_",
        "r.example/a___b",
        "r.example/x:",
        "r.example/x:-t",
        "r.example/x:" + "t" * 129,
        "r.example/x@sha256:123",
        "r.example/x@",
        f"r.example/x@{_HEX}\n",
        "r.example/x\n",
        "r.example:port/x",
        "http://r.example/x",
        "r.example/" + "a" * 246,
        "r.exa mple/x",
        "-r.example/x",
    ],
)
def test_parse_refuses(text: str) -> None:
    """What is outside of the grammar is refused, saying how it is written."""
    with pytest.raises(ShipwayError) as caught:
        reference.parse(text)

    assert caught.value.id == "reference.invalid"
    assert "HOST[:PORT]/NAME" in caught.value.hint


_COMPONENT = st.from_regex(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+){0,2}", fullmatch=True)


@given(
    st.from_regex(r"[a-z0-9]{1,9}\.[a-z]{2,5}(:[0-9]{1,5})?", fullmatch=True),
    st.lists(_COMPONENT, min_size=1, max_size=4),
    st.one_of(st.just(""), st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,40}", fullmatch=True)),
    st.booleans(),
)
def test_what_was_parsed_prints_as_it_was(
    domain: str, parts: list[str], tag: str, pinned: bool
) -> None:
    """A full reference parses to its parts and prints as the same text."""
    text = f"{domain}/{'/'.join(parts)}" + (f":{tag}" if tag else "")
    text += f"@{_HEX}" if pinned else ""
    if len(text) > 250:
        return

    found = reference.parse(text)

    assert text == str(found)
    assert found == reference.parse(str(found))
    assert f"{domain}/{'/'.join(parts)}" == found.repository


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    """No text makes it fail in another way."""
    try:
        found = str(reference.parse(text))
    except ShipwayError as error:
        found = error.id

    assert found == "reference.invalid" or str(reference.parse(found)) == found


def test_target_is_what_a_registry_is_asked_for() -> None:
    """The digest wins over the tag, and nothing means latest."""
    assert reference.parse(f"r.example/x:t@{_HEX}").target == _HEX
    assert reference.parse("r.example/x:t").target == "t"
    assert reference.parse("r.example/x").target == "latest"


def test_a_repository_has_no_tag() -> None:
    """Repositories are named without tag and digest."""
    assert reference.parse_repository("r.example/a/b").repository == "r.example/a/b"
    with pytest.raises(ShipwayError, match="neither tag nor digest"):
        reference.parse_repository("r.example/a:t")


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.1.2.3", True),
        ("[::1]:5000", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("10.0.0.1", False),
    ],
)
def test_plain_http_is_for_this_machine_only(domain: str, expected: bool) -> None:
    """Only loopback names count as this machine."""
    assert reference.is_loopback(domain) is expected


def test_tags() -> None:
    """Tags are told by their form."""
    assert reference.is_tag("v1.2.3_x-y")
    assert not reference.is_tag("a/b")
    assert not reference.is_tag("")


@pytest.mark.parametrize(
    ("text", "registry"),
    [
        ("r.example:5000", "r.example:5000"),
        ("https://r.example/v2/", "r.example"),
        ("r.example/shop/web", "r.example"),
        ("[::1]:5000", "[::1]:5000"),
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_a_registry_by_host_or_url(text: str, registry: str) -> None:
    """Scheme and path are not its name; Docker Hub has one."""
    assert reference.registry(text) == registry


@pytest.mark.parametrize("text", ["", "-x", "a b", "https://", "r.example:port"])
def test_what_is_no_registry(text: str) -> None:
    """A registry is a host."""
    with pytest.raises(ShipwayError) as caught:
        reference.registry(text)
    assert caught.value.id == "reference.invalid"
