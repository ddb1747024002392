"""Databases of known vulnerabilities: a folder, or an address that is fetched into one.

Wiring makes it for the scan road. The layout is that of go.dev/doc/security/vuln/database. Of a
database far away the index and the entries about the modules asked for are fetched, into a folder
of their own for each date that it gives itself; the scanner then needs no network.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from shipway import scope
from shipway.core.oci.digest import hex_of, of
from shipway.core.ports.vulns import Database
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shipway.adapters.http.client import Http

DATE, MODULES = "index/db.json", "index/modules.json"
OF_GO = ("stdlib", "toolchain")
"""Modules of the database that every program is made of."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}\Z")
_MOST = 64 << 20
_BESIDE = 8
"""Entries that are fetched side by side."""
_KEPT = 2
"""Dates of one database that stay in the cache."""
_OK = 200


class VulnDatabases:
    """The :class:`~shipway.core.ports.vulns.Databases` of this machine; ``cache`` is a folder."""

    def __init__(self, http: Callable[[], Http], cache: str) -> None:
        """``http`` is called when the first address is: its libraries are slow to load."""
        self._http = http
        self._cache = Path(cache)

    def open(self, source: str, modules: Collection[str]) -> Database:
        """Return the database in a folder, or what is needed of one far away; see the port."""
        if source.startswith(("http://", "https://")):
            return self._fetched(source.rstrip("/"), {*modules, *OF_GO})
        path = unquote(urlsplit(source).path) if source.startswith("file://") else source
        folder = Path(path).absolute()
        try:
            date = (folder / DATE).read_bytes()
            (folder / MODULES).stat()
        except OSError as error:
            raise _unreadable(
                source, f"{Path(str(error.filename)).name}: {error.strerror}"
            ) from error
        return Database(folder=str(folder), source="folder", modified=_modified(date, source))

    def entries(self, database: Database, modules: Collection[str]) -> tuple[bytes, ...]:
        """Return the entries about ``modules``; see the port."""
        folder = Path(database.folder)
        try:
            index = (folder / MODULES).read_bytes()
            found = _ids(index, modules, database.source)
            return tuple((folder / one).read_bytes() for one in found)
        except OSError as error:
            raise _unreadable(database.source, str(error)) from error

    def _fetched(self, source: str, modules: Collection[str]) -> Database:
        date = self._get(source, DATE)
        modified = _modified(date, source)
        home = self._cache / hex_of(of(source.encode()))[:16]
        folder = home / str(int(modified))
        index = self._get(source, MODULES)
        self._write(folder / MODULES, index)
        wanted = [one for one in _ids(index, modules, source) if not (folder / one).is_file()]
        scope.each(lambda one: self._write(folder / one, self._get(source, one)), wanted, _BESIDE)
        self._write(folder / DATE, date)
        self._clear(home)
        return Database(folder=str(folder), source=source, modified=modified)

    def _get(self, source: str, path: str) -> bytes:
        with self._http().send("GET", f"{source}/{path}", headers={}, follow=True) as answer:
            data = answer.read(_MOST)
        if answer.status != _OK or len(data) > _MOST:
            raise _unreadable(source, f"{path}: status {answer.status}, {len(data)} bytes")
        return data

    def _write(self, place: Path, data: bytes) -> None:
        """Put a file there, whole or not at all."""
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        beside.write_bytes(data)
        beside.replace(place)

    def _clear(self, home: Path) -> None:
        """Remove all but the newest dates."""
        dated = sorted((one for one in home.iterdir() if one.name.isdigit()), key=_number)
        for old in dated[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)


def _number(path: Path) -> int:
    return int(path.name)


def _modified(data: bytes, source: str) -> float:
    try:
        found = datetime.fromisoformat(json.loads(data)["modified"])
    except (ValueError, TypeError, LookupError) as error:
        raise _unreadable(source, f"{DATE} gives no date") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _ids(data: bytes, modules: Collection[str], source: str) -> list[str]:
    """Return the files of the entries about ``modules``."""
    try:
        listed: list[dict[str, Any]] = json.loads(data)
        found = {
            vuln["id"]
            for one in listed
            if one["path"] in modules
            for vuln in one.get("vulns") or ()
        }
        if not all(_ID.match(one) for one in found):
            raise ValueError("an id is none")  # noqa: TRY301  told below
    except (ValueError, TypeError, LookupError) as error:
        raise _unreadable(source, f"{MODULES} is no index") from error
    return [os.path.join("ID", f"{one}.json") for one in sorted(found)]  # noqa: PTH118  relative


def _unreadable(source: str, why: str) -> ShipwayError:
    return ShipwayError(
        "scan.database",
        Kind.NOT_FOUND,
        why,
        operation="reading the vulnerability database",
        subject=source,
        hint="name one under [scan] in your own configuration: database = FOLDER or URL",
    )
