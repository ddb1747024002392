"""Package URLs (purl-spec; types golang and oci) as syft writes them, so that scanners agree."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEPT = ".-_~:"
"""Characters that stay as they are besides letters and digits (PURL-SPECIFICATION, encoding)."""


def golang(path: str, version: str = "") -> str:
    """Return the purl of a Go module; its path keeps its case and its major version suffix."""
    name = "/".join(quote(part, safe=_KEPT) for part in path.strip("/").split("/"))
    return f"pkg:golang/{name}{_at(version)}"


def stdlib(go_version: str) -> str:
    """Return the purl of Go's standard library, from ``go1.27.3``."""
    return f"pkg:golang/stdlib{_at(go_version.removeprefix('go'))}"


def toolchain(go_version: str) -> str:
    """Return the purl of Go's toolchain: no module, or its faults would count as the program's."""
    return f"pkg:generic/go{_at(go_version.removeprefix('go'))}"


def packaged(
    kind: str, namespace: str, name: str, version: str, qualifiers: Mapping[str, str]
) -> str:
    """Return the purl of a distribution's package; empty qualifiers are left out."""
    path = "/".join(quote(part, safe=_KEPT) for part in (namespace, name) if part)
    said = "&".join(
        f"{key}={quote(value, safe=_KEPT)}" for key, value in sorted(qualifiers.items()) if value
    )
    return f"pkg:{kind}/{path}{_at(version)}" + (f"?{said}" if said else "")


def oci(repository: str, digest: str) -> str:
    """Return the purl of an image: its name is the last path element, without a namespace."""
    name = quote(repository.rpartition("/")[2].lower(), safe=_KEPT)
    where = quote(repository, safe=_KEPT + "/")
    return f"pkg:oci/{name}@{quote(digest, safe='._-~')}?repository_url={where}"


def _at(version: str) -> str:
    return f"@{quote(version, safe=_KEPT)}" if version else ""
