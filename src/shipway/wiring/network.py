"""The person's own ``[network]``: proxies and a company's authority, for every client alike.

It becomes the environment variables that all of them read (ours, Go, git and pip), so that there is
one meaning and one order: what the environment says wins over the configuration.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SYSTEM = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep their authorities in one file (as crypto/x509 looks)."""
_BUNDLES = ("SSL_CERT_FILE", "GIT_SSL_CAINFO", "PIP_CERT")


class OwnNetwork(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[network]`` of the person's own configuration."""

    https_proxy: str = ""
    http_proxy: str = ""
    no_proxy: str = ""
    ca: str = ""
    """PEM file with authorities that are trusted besides the system's, relative to the file."""


def variables(
    given: Mapping[str, str], own: OwnNetwork, *, base: Path, cache: Path
) -> dict[str, str]:
    """Return ``given`` with what ``own`` says where the environment says nothing.

    ``ca`` is added to what ``SSL_CERT_FILE`` names, else to the system's file; the bundle is kept
    in the folder ``cache``.

    Raises:
        ShipwayError: ``network.roots`` (config) where ``ca`` or the system's file cannot be read.
    """
    found = dict(given)
    for name in ("https_proxy", "http_proxy", "no_proxy"):
        said = getattr(own, name)
        if said and not (found.get(name) or found.get(name.upper())):
            found |= {name: said, name.upper(): said}  # of http_proxy git reads this spelling alone
    if own.ca:
        bundle = _bundle(base / own.ca, found.get("SSL_CERT_FILE") or _system(), cache)
        found["SSL_CERT_FILE"] = bundle
        found |= {name: bundle for name in _BUNDLES if name not in found}
    return found


def _system() -> str:
    known = (ssl.get_default_verify_paths().cafile or "", *_SYSTEM)
    return next((path for path in known if path and Path(path).is_file()), "")


def _bundle(ca: Path, others: str, cache: Path) -> str:
    """Write the company's certificates and the others into one file; return its path."""
    try:
        text = ca.read_bytes().rstrip() + b"\n"
        ssl.create_default_context(cadata=text.decode())
        if others:
            text += Path(others).read_bytes()
    except (OSError, ValueError, ssl.SSLError) as error:
        raise ShipwayError(
            "network.roots",
            Kind.CONFIG,
            f"no certificates can be read from it ({error})",
            operation="reading the trusted authorities in",
            subject=str(ca),
            hint="name a file of PEM certificates as ca under [network]",
        ) from error
    place = cache / "roots.pem"
    if not place.is_file() or place.read_bytes() != text:
        _replace(place, text)
    return str(place)


def _replace(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".roots-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(place)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
