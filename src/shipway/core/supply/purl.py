"""Package URLs (purl-spec; types golang and oci) as syft writes them, so that scanners agree."""

from __future__ import annotations

from urllib.parse import quote

_KEPT = ".-_~:"
"""Characters that stay as they are besides letters and digits (PURL-SPECIFICATION, encoding)."""


def golang(path: str, version: str = "") -> str:
    """Return the purl of a Go module; its path keeps its case and its major version suffix."""
    name = "/".join(quote(part, safe=_KEPT) for part in path.strip("/").split("/"))
    return f"pkg:golang/{name}{_at(version)}"


def stdlib(go_version: str) -> str:
    """Return the purl of Go's standard library, from ``go1.27.3``."""
    return f"pkg:golang/stdlib{_at(go_version.removeprefix('go'))}"


def oci(repository: str, digest: str) -> str:
    """Return the purl of an image: its name is the last path element, without a namespace."""
    name = quote(repository.rpartition("/")[2].lower(), safe=_KEPT)
    where = quote(repository, safe=_KEPT + "/")
    return f"pkg:oci/{name}@{quote(digest, safe='._-~')}?repository_url={where}"


def _at(version: str) -> str:
    return f"@{quote(version, safe=_KEPT)}" if version else ""
