"""Image references, in the grammar that Docker, containerd and Kubernetes share.

The grammar is the one of the ``distribution/reference`` library:
``[DOMAIN[:PORT]/]PATH[:TAG][@DIGEST]``. Pure. Names without a domain mean Docker Hub, as
everywhere else; Shipway itself always writes the domain.
"""

from __future__ import annotations

import msgspec

from shipway.core.oci.digest import Digest
from shipway.core.oci.digest import parse as parse_digest
from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

HUB = "docker.io"
_HUBS = frozenset({HUB, f"index.{HUB}", f"registry-1.{HUB}"})

_DOMAIN = late(
    r"(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
    r"(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[A-Fa-f0-9:]+\])(?::[0-9]{1,5})?\Z"
)
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = late(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_TAG = late(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
_LONGEST = 255
_LOOPBACK = late(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?\Z")


class Reference(msgspec.Struct, frozen=True):
    """What one image reference says."""

    domain: str
    """Host and port of the registry, as in ``127.0.0.1:5000``."""
    path: str
    """The name within it, as in ``shop/web``."""
    tag: str = ""
    digest: Digest | None = None

    @property
    def repository(self) -> str:
        """Return ``HOST[:PORT]/NAME``."""
        return f"{self.domain}/{self.path}"

    @property
    def target(self) -> str:
        """Return what to ask a registry for: the digest, else the tag, else ``latest``."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        """Return it in full."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}" + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Return what ``text`` refers to.

    Raises:
        ShipwayError: ``reference.invalid`` (usage), saying which part is wrong.
    """
    rest, at, raw = text.partition("@")
    try:
        digest = parse_digest(raw) if at else None
    except ShipwayError:
        raise _invalid(text, "its digest is not sha256 and 64 hex digits") from None
    name, tag = _cut_tag(rest)
    if tag is not None and not _TAG.match(tag):
        raise _invalid(text, f"{tag!r} is no tag")
    domain, path = _cut_domain(name)
    if not _DOMAIN.match(domain):
        raise _invalid(text, f"{domain!r} is no host")
    if not _PATH.match(path):
        raise _invalid(text, f"{path!r} is no name (lower case letters, digits, '.', '_', '-')")
    if len(domain) + 1 + len(path) > _LONGEST:
        raise _invalid(text, f"its name has more than {_LONGEST} characters")
    return Reference(domain, path, tag or "", digest)


def parse_repository(text: str) -> Reference:
    """Return the repository ``HOST[:PORT]/NAME`` that ``text`` names, without tag or digest.

    Raises:
        ShipwayError: ``reference.invalid`` (usage).
    """
    found = parse(text)
    if found.tag or found.digest:
        raise _invalid(text, "a repository has neither tag nor digest")
    return found


def registry(text: str) -> str:
    """Return the registry ``HOST[:PORT]`` that ``text`` names, as a host or a URL of it.

    Raises:
        ShipwayError: ``reference.invalid`` (usage).
    """
    host = (text.partition("://")[2] if "://" in text else text).partition("/")[0]
    if not _DOMAIN.match(host):
        raise _invalid(text, f"{host!r} is no host of a registry")
    return HUB if host in _HUBS else host


def is_tag(text: str) -> bool:
    """Return whether ``text`` is a tag by its form."""
    return _TAG.match(text) is not None


def is_loopback(domain: str) -> bool:
    """Return whether ``domain`` is this machine, where plain HTTP is spoken."""
    return _LOOPBACK.match(domain) is not None


def _cut_tag(rest: str) -> tuple[str, str | None]:
    name, colon, tag = rest.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (rest, None)


def _cut_domain(name: str) -> tuple[str, str]:
    """Return domain and path; a first part without dot, port or capital is no domain."""
    first, slash, rest = name.partition("/")
    is_domain = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if slash and is_domain:
        domain, path = first, rest
    else:
        domain, path = HUB, name
    if domain == f"index.{HUB}":
        domain = HUB
    return domain, f"library/{path}" if domain == HUB and "/" not in path else path


def _invalid(text: str, reason: str) -> ShipwayError:
    return ShipwayError(
        "reference.invalid",
        Kind.USAGE,
        reason,
        operation="reading the image reference",
        subject=text[:300],
        hint="write HOST[:PORT]/NAME[:TAG][@sha256:...]",
    )
