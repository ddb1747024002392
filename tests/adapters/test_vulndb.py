"""Databases far away: only what is asked for is fetched, whole, and kept by its date."""

from __future__ import annotations

import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.vulnerable import ID, LEAKY, STDLIB, entry, write_database
from shipway.adapters.http.client import Http
from shipway.adapters.http.network import Network
from shipway.adapters.vulndb import VulnDatabases
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

OTHER = "GO-2026-9003"


class Mirror:
    """A database on a server of the loopback, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        mirror = self

        class Handler(SimpleHTTPRequestHandler):
            def log_request(self, *_: object) -> None:
                mirror.asked.append(self.path)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), partial(Handler, directory=str(folder))
        )
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def publish(self, modified: str, *more: str) -> None:
        """Lay out a database of this date, with further entries about ``leaky``."""
        entries = [entry(), entry(STDLIB, "stdlib"), entry(OTHER, "example.com/other")]
        entries += [entry(one) for one in more]
        write_database(self.folder, *entries, modified=modified)

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    """Give a mirror with three entries."""
    made = Mirror(tmp_path / "served")
    made.publish("2026-11-20T12:00:00Z")
    yield made
    made.close()


@pytest.fixture
def databases(tmp_path: Path) -> VulnDatabases:
    """Give the hand, with an empty cache."""
    return VulnDatabases(lambda: Http(Network(), "scan"), str(tmp_path / "cache"))


def test_the_entries_asked_for_are_fetched_once(mirror: Mirror, databases: VulnDatabases) -> None:
    """About the modules and about Go itself; a second time only date and index are asked for."""
    found = databases.open(f"{mirror.url}/", (LEAKY,))
    there = sorted(path.stem for path in Path(found.folder, "ID").iterdir())

    assert found.source == mirror.url
    assert there == [ID, STDLIB]
    mirror.asked.clear()
    assert databases.open(mirror.url, (LEAKY,)) == found
    assert mirror.asked == ["/index/db.json", "/index/modules.json"]


def test_a_newer_database_takes_a_folder_of_its_own(
    mirror: Mirror, databases: VulnDatabases
) -> None:
    """What a scan reads does not change under it; all but the newest two dates are removed."""
    folders = []
    for day in (20, 21, 22):
        mirror.publish(f"2026-11-{day}T12:00:00Z", f"GO-2026-90{day}")
        folders.append(Path(databases.open(mirror.url, (LEAKY,)).folder))

    assert [one.is_dir() for one in folders] == [False, True, True]
    assert (folders[2] / "ID" / "GO-2026-9022.json").is_file()
    assert not (folders[1] / "ID" / "GO-2026-9022.json").exists()


def test_a_fetch_that_breaks_off_leaves_no_database(
    mirror: Mirror, databases: VulnDatabases
) -> None:
    """An entry that is not there is an error, and so it is the next time, until it is there."""
    (mirror.folder / "ID" / f"{ID}.json").unlink()
    for _ in range(2):
        with pytest.raises(ShipwayError, match="status 404") as caught:
            databases.open(mirror.url, (LEAKY,))
        assert (caught.value.id, caught.value.kind) == ("scan.database", Kind.NOT_FOUND)

    mirror.publish("2026-11-20T12:00:00Z")
    assert Path(databases.open(mirror.url, (LEAKY,)).folder, "ID", f"{ID}.json").is_file()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("index/db.json", "{}"),
        ("index/db.json", '{"modified": "soon"}'),
        ("index/db.json", "[]"),
        ("index/modules.json", '{"a": 1}'),
        ("index/modules.json", json.dumps([{"path": LEAKY, "vulns": [{"id": "../../x"}]}])),
    ],
)
def test_what_is_no_database_is_refused(
    mirror: Mirror, databases: VulnDatabases, path: str, text: str
) -> None:
    """Nothing it names leaves the cache."""
    (mirror.folder / path).write_text(text)
    with pytest.raises(ShipwayError) as caught:
        databases.open(mirror.url, (LEAKY,))

    assert caught.value.id == "scan.database"


def test_a_folder_may_be_a_file_address(mirror: Mirror, databases: VulnDatabases) -> None:
    """Read where it lies; a date without a zone is in UTC."""
    (mirror.folder / "index" / "db.json").write_text('{"modified": "1970-01-02T00:00:00"}')
    found = databases.open(mirror.folder.as_uri(), ())

    assert (found.folder, found.source, found.modified) == (str(mirror.folder), "folder", 86_400)
    assert mirror.asked == []


def test_nobody_at_the_address(databases: VulnDatabases) -> None:
    """It may go through later."""
    with pytest.raises(ShipwayError) as caught:
        databases.open("http://127.0.0.1:1", ())

    assert (caught.value.id, caught.value.kind) == ("scan.unreachable", Kind.TRANSIENT)
