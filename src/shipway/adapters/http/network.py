"""How this machine reaches others: proxies and trusted roots, as the environment says.

Wiring reads the environment once and gives the result to the hands that speak HTTP. It opens
nothing by itself.
"""

from __future__ import annotations

import urllib.parse
from typing import TYPE_CHECKING

import msgspec

from shipway import redaction
from shipway.core.oci.reference import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping


class Network(msgspec.Struct, frozen=True):
    """Proxies by scheme, what goes around them, and the CA roots in place of the system's."""

    https_proxy: str = ""
    http_proxy: str = ""
    no_proxy: tuple[str, ...] = ()
    ca_file: str = ""
    ca_folder: str = ""

    def proxy(self, url: str) -> str:
        """Return the proxy for ``url``, empty where it is reached directly; this machine always."""
        parts = urllib.parse.urlsplit(url)
        host = (parts.hostname or "").lower()
        chosen = self.https_proxy if parts.scheme == "https" else self.http_proxy
        if not chosen or is_loopback(f"[{host}]" if ":" in host else host):
            return ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return "" if any(_covers(rule, host, port) for rule in self.no_proxy) else chosen


def from_environment(environment: Mapping[str, str]) -> Network:
    """Return the settings of ``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY`` and ``SSL_CERT_*``.

    Both spellings of the proxy variables count, lower case first, as curl has it.
    """

    def either(name: str) -> str:
        return environment.get(name.lower()) or environment.get(name) or ""

    rules = tuple(rule for part in either("NO_PROXY").split(",") if (rule := part.strip().lower()))
    return Network(
        _with_scheme(either("HTTPS_PROXY")),
        _with_scheme(either("HTTP_PROXY")),
        rules,
        environment.get("SSL_CERT_FILE", ""),
        environment.get("SSL_CERT_DIR", ""),
    )


def hide_login(proxy: str) -> None:
    """Mask a proxy's login from now on: all of it, and the password as written and as meant.

    Whatever stands before the last @ counts, since a login that is not escaped parses as none.
    """
    login = proxy.partition("://")[2] or proxy
    login, at, _ = login.rpartition("@")
    if not at:
        return
    password = login.partition(":")[2]
    for said in (login, password):
        redaction.add(said)
        redaction.add(urllib.parse.unquote(said))


def _with_scheme(proxy: str) -> str:
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _covers(rule: str, host: str, port: int) -> bool:
    """Return whether a NO_PROXY rule names ``host``: ``*``, a domain, an address or a network."""
    if rule == "*":
        return True
    if "/" in rule:
        return _within(rule, host)
    name, colon, number = rule.rpartition(":")
    if colon and number.isdecimal() and ":" not in name:
        rule = name
        if int(number) != port:
            return False
    rule = rule.removeprefix("*").lstrip(".").strip("[]")
    return host == rule or host.endswith(f".{rule}")


def _within(network: str, host: str) -> bool:
    import ipaddress  # noqa: PLC0415  needed only where a network is listed

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False
