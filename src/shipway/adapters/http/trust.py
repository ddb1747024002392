"""Which authorities a TLS server's certificate may come from: the system's, or a company's own.

The HTTP hands of this floor call it. ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` mean what they mean to
Go: the files' certificates count in place of the system's, whatever the files are called.
"""

from __future__ import annotations

import contextlib
import os
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.adapters.http.network import Network

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+\Z")
"""Links that OpenSSL finds by itself in a folder (c_rehash)."""


def context(network: Network) -> ssl.SSLContext:
    """Return the TLS settings of a client that checks certificates and names.

    Raises:
        ShipwayError: ``network.roots`` (config) where the named file holds no certificates.
    """
    if not network.ca_file and not network.ca_folder:
        return ssl.create_default_context()
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # authorities of companies often lack extensions that Python >= 3.13 insists on
    found.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if network.ca_file:
        _load(found, network.ca_file)
    for folder in filter(None, network.ca_folder.split(os.pathsep)):
        _load_all(found, folder)
    return found


def untrusted(service: str, subject: str, error: BaseException) -> ShipwayError | None:
    """Return ``SERVICE.untrusted`` (integrity) if a certificate was not believed; else nothing.

    Another try would not change it, so it is no failure of the network.
    """
    from urllib3.util.ssl_match_hostname import CertificateError  # noqa: PLC0415  only on failure

    cause: BaseException | None = error
    while not isinstance(cause, (ssl.SSLCertVerificationError, CertificateError)):
        if cause is None:
            return None
        cause = cause.__cause__ or cause.__context__
    return ShipwayError(
        f"{service}.untrusted",
        Kind.INTEGRITY,
        f"its certificate is not believed: {getattr(cause, 'verify_message', '') or cause}",
        operation="connecting to",
        subject=subject,
        hint="if it is your company's, name its authority in SSL_CERT_FILE or as ca of [network] "
        "in ~/.config/shipway/config.toml; for a cluster, as certificate-authority in kubeconfig",
    )


def _load(found: ssl.SSLContext, path: str) -> None:
    try:
        found.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise ShipwayError(
            "network.roots",
            Kind.CONFIG,
            f"no certificates can be read from it ({error.strerror or error})",
            operation="reading the trusted authorities in",
            subject=path,
            hint="name a file of PEM certificates in SSL_CERT_FILE, or take the variable away",
        ) from error


def _load_all(found: ssl.SSLContext, folder: str) -> None:
    """Load every certificate in a folder; what is none is passed over, as Go does."""
    with contextlib.suppress(OSError):
        found.load_verify_locations(capath=folder)
        for path in sorted(Path(folder).iterdir()):
            if path.is_file() and not _HASHED.match(path.name):
                with contextlib.suppress(OSError, ssl.SSLError):
                    found.load_verify_locations(cafile=path)
