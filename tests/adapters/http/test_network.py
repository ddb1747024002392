"""Proxies and roots, as the environment says."""

from __future__ import annotations

import pytest

from shipway.adapters.http.network import Network, from_environment

_PROXY = "http://proxy.example:3128"


def test_both_spellings_count() -> None:
    """Lower case wins; a proxy without scheme is an HTTP one."""
    found = from_environment(
        {
            "HTTPS_PROXY": "upper.example:1",
            "https_proxy": "lower.example:2",
            "HTTP_PROXY": "http://plain.example:3",
            "NO_PROXY": " a.example , .B.example,,",
            "SSL_CERT_FILE": "/roots.pem",
            "SSL_CERT_DIR": "/roots",
        }
    )

    assert found == Network(
        "http://lower.example:2",
        "http://plain.example:3",
        ("a.example", ".b.example"),
        "/roots.pem",
        "/roots",
    )
    assert from_environment({}) == Network()


@pytest.mark.parametrize(
    ("rules", "url", "direct"),
    [
        ("", "https://r.example/", False),
        ("*", "https://r.example/", True),
        ("r.example", "https://r.example/", True),
        ("r.example", "https://a.r.example:5000/", True),
        (".r.example", "https://a.r.example/", True),
        ("*.r.example", "https://a.r.example/", True),
        ("r.example", "https://other-r.example/", False),
        ("r.example:443", "https://r.example/", True),
        ("r.example:444", "https://r.example/", False),
        ("10.0.0.0/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.0.0.0/8", "https://r.example/", False),
        ("nonsense/8", "https://r.example/", False),
        ("10.1.2.3", "https://10.1.2.3/", True),
        ("[fd00::1]", "https://[fd00::1]/", True),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("", "https://127.0.0.1:5000/", True),
        ("", "https://localhost/", True),
        ("", "https://[::1]/", True),
        ("", "http://r.example/", True),
    ],
)
def test_what_goes_around_the_proxy(rules: str, url: str, direct: bool) -> None:
    """NO_PROXY names hosts, domains, ports and networks; this machine is always direct."""
    network = from_environment({"https_proxy": _PROXY, "no_proxy": rules})

    assert network.proxy(url) == ("" if direct else _PROXY)


def test_plain_http_has_its_own_proxy() -> None:
    """The scheme of the URL chooses the proxy."""
    assert Network(http_proxy=_PROXY).proxy("http://r.example/") == _PROXY
    assert Network(http_proxy=_PROXY).proxy("https://r.example/") == ""
