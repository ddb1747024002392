"""``shipway/static``: the base image made in process from pinned packages.

Pure: given the CA roots and the time zones as bytes, its entries. Users are root, nobody and
1001; there is no shell, no package manager and no libc, so static binaries only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci.layer import Entry, Type

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "shipway/static"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
"""Where Debian, Alpine and Go's crypto/x509 look for CA roots."""
ZONES = "usr/share/zoneinfo"
USER = "1001:1001"

_USERS = (
    "root:x:0:0:root:/:/sbin/nologin\n"
    "app:x:1001:1001:app:/:/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
)
_GROUPS = "root:x:0:\napp:x:1001:\nnogroup:x:65534:\n"
_NSSWITCH = "hosts: files dns\n"
_RELEASE = 'ID=shipway-static\nNAME="shipway/static"\nPRETTY_NAME="Shipway static base"\n'


def entries(roots: bytes, zones: Mapping[str, bytes]) -> tuple[Entry, ...]:
    """Return the base's entries; ``zones`` maps paths below the zone folder to their bytes."""
    texts = {
        "etc/passwd": _USERS,
        "etc/group": _GROUPS,
        "etc/nsswitch.conf": _NSSWITCH,
        "etc/os-release": _RELEASE,
    }
    return (
        *(Entry(path=path, data=text.encode()) for path, text in texts.items()),
        Entry(path=BUNDLE, data=roots),
        *(Entry(path=f"{ZONES}/{name}", data=data) for name, data in zones.items()),
        Entry(path="tmp", type=Type.DIRECTORY, mode=0o1777),
    )


def merged(roots: bytes, extra: bytes) -> bytes:
    """Return the CA bundle ``roots`` with the certificates of ``extra`` after it."""
    return b"".join(part.rstrip(b"\n") + b"\n" for part in (roots, extra) if part.strip())


def certificates(pem: bytes) -> int:
    """Return how many certificates a PEM file holds (RFC 7468), 0 if its lines do not pair."""
    begun = pem.count(b"-----BEGIN CERTIFICATE-----")
    return begun if begun == pem.count(b"-----END CERTIFICATE-----") else 0
