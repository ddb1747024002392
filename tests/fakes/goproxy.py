"""A module proxy on disk (go.dev/ref/mod, GOPROXY protocol) and the sums that go.sum needs."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class FileProxy:
    """Modules under a folder; its ``url`` is a GOPROXY."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"file://{folder}"

    def add(self, path: str, version: str, files: dict[str, str]) -> str:
        """Publish a module and return its two lines of go.sum."""
        files = {"go.mod": f"module {path}\n\ngo 1.24\n", **files}
        place = self.folder / path / "@v"
        place.mkdir(parents=True, exist_ok=True)
        named = {f"{path}@{version}/{name}": text.encode() for name, text in files.items()}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, data in named.items():
                archive.writestr(name, data)
        (place / f"{version}.zip").write_bytes(packed.getvalue())
        (place / f"{version}.mod").write_text(files["go.mod"])
        (place / f"{version}.info").write_text(f'{{"Version":"{version}"}}')
        (place / "list").write_text(f"{version}\n")
        whole, alone = _h1(named), _h1({"go.mod": files["go.mod"].encode()})
        return f"{path} {version} {whole}\n{path} {version}/go.mod {alone}\n"


def _h1(files: dict[str, bytes]) -> str:
    """Return golang.org/x/mod/sumdb/dirhash's Hash1."""
    rows = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return "h1:" + base64.b64encode(hashlib.sha256("".join(rows).encode()).digest()).decode()
