"""Which Sigstore instance signs: one of one's own, or the public one on purpose.

It comes from a person's own configuration alone. A released tree never names it: whoever could
would be sent the tokens of whoever builds that tree.
"""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import urlsplit

import msgspec

from shipway.errors import Kind, ShipwayError

SECTION = "[trust] in your own config.toml"
PUBLIC = {
    "fulcio": "https://fulcio.sigstore.dev",
    "rekor": "https://log2025-1.rekor.sigstore.dev",
    "timestamp": "https://timestamp.sigstore.dev/api/v1/timestamp",
}
"""The public instance, for who says ``public = true`` and names no other."""
_DOMAIN = "sigstore.dev"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[trust]`` of a person's own configuration."""

    keys: tuple[str, ...] = ()
    """Public key files, relative to the configuration."""
    fulcio: str = ""
    """URL of the certificate authority."""
    rekor: str = ""
    """URL of the transparency log."""
    timestamp: str = ""
    """URL that timestamp queries are posted to."""
    root: str = ""
    """A ``trusted_root.json``, relative to the configuration."""
    audience: str = "sigstore"
    """Whom an identity token must be meant for."""
    token: str = ""
    """Where it comes from: ``env:NAME``, ``file:PATH`` or ``github``; empty: what is there."""
    identity: str = ""
    """The name that certificates must have; empty: what Fulcio makes of the token."""
    public: bool = False
    """Whether the public instance may be written to."""


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """Where to sign, every address looked at."""

    fulcio: str
    rekor: str
    timestamp: str
    audience: str
    identity: str = ""
    public: bool = False
    """Whether what it logs can be read by everybody, for ever."""


def choose(said: Said) -> Instance:
    """Return the instance that a configuration names.

    ``public`` of the answer is a fact about its addresses, not what the configuration allows: see
    :func:`shown`.

    Raises:
        ShipwayError: ``keyless.unset`` (config) where it names none, or a part of one;
            ``keyless.address`` for an address that a token must not be sent to.
    """
    named = {part: getattr(said, part) for part in PUBLIC}
    if said.public and not any(named.values()):
        named = dict(PUBLIC)
    missing = [part for part, url in named.items() if not url]
    if missing:
        _refuse(
            "keyless.unset",
            f"{SECTION} says no {' and no '.join(missing)}",
            "write fulcio, rekor, timestamp and root there, or public = true",
        )
    if not said.audience:
        _refuse("keyless.unset", f"{SECTION} says no audience", 'write audience = "sigstore"')
    for part, url in named.items():
        check_address(part, url)
    hosts = [_host(url) for url in named.values()]
    public = any(host == _DOMAIN or host.endswith(f".{_DOMAIN}") for host in hosts)
    return Instance(
        **{part: url.rstrip("/") for part, url in named.items()},
        audience=said.audience,
        identity=said.identity,
        public=public,
    )


def shown(instance: Instance, name: str) -> tuple[str, ...]:
    """Return what the public instance will show for ever, a line each; nothing for another one."""
    if not instance.public:
        return ()
    what = (
        f"Everybody will see that {name} signed, when, by which issuer, what the certificate says"
        " of workflow and commit, and the SHA-256 of what was signed; not the statement itself."
    )
    host = _host(instance.rekor)
    return (f"{host} is public: nothing that is written there can be taken back.", what)


def refuse_unsaid() -> NoReturn:
    """Refuse to write to the public instance where nobody said so and nobody can be asked.

    Raises:
        ShipwayError: ``keyless.public`` (config).
    """
    _refuse(
        "keyless.public",
        "it is the public instance, where everything stays for everybody to see",
        f"write public = true to {SECTION}, or name an instance of your own",
    )


def check_address(part: str, url: str, *, query: bool = False) -> None:
    """Refuse an address that a token must not be sent to; ``query`` allows one after a ``?``.

    Raises:
        ShipwayError: ``keyless.address`` (config).
    """
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        sound = False
    if not sound or parts.fragment or (parts.query and not query):
        _refuse("keyless.address", f"{part} = {url!r} is no URL of a server", "https://HOST")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        _refuse(
            "keyless.address",
            f"{part} = {url!r} would be reached without TLS",
            "only a server on this machine may be; write https://",
        )


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _refuse(error: str, why: str, hint: str) -> NoReturn:
    raise ShipwayError(
        error,
        Kind.CONFIG,
        why,
        operation="choosing",
        subject="where to sign without a key",
        hint=hint,
    )
