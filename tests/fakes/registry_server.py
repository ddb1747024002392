"""An OCI registry over real HTTP, in memory, that misbehaves on command.

It speaks the distribution-spec v1.1.1 with or without the referrers API, open, behind Basic, or
behind Bearer tokens of its own token server. A test plans faults by method, path and count.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import re
import socket
import struct
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Fault:
    """What goes wrong with the ``nth`` request (from 1) that matches; with ``times``, and more."""

    method: str
    path: str
    """A regular expression for the path with its query."""
    nth: int = 1
    times: int = 1
    status: int = 0
    """Answer this instead."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: bool = False
    """Send half of the body and reset; for a request with a body, take half of it and reset."""
    flip: bool = False
    """Answer with one bit of the body turned."""
    hook: Callable[[], object] | None = None
    """Run this before the request is handled as usual."""
    seen: int = 0


class RegistryServer:
    """A registry on a free loopback port while in its ``with`` block.

    Attributes:
        blobs: Bytes by (name, digest).
        manifests: Media type and bytes by (name, digest).
        tags: Digest by (name, tag).
        faults: What goes wrong.
        requests: Every request in order, as ``METHOD path?query``.
        auth: ``""``, ``basic`` or ``bearer``, for ``login`` (user, password).
        most: Bytes a request's body may have; larger ones get 413.
        refuse_from: The number of the first request that is answered 403, and all after it;
            0 for none.
        elsewhere: Blobs are answered by a redirect to this base URL.
        unsorted: Tags are listed as they were pushed; ``last`` counts only if it is one of them:
            else it is passed over (``ignoring``) or nothing comes behind it (``ending``).
    """

    login = ("shop", "hunter2-registry")

    def __init__(self, *, api: bool = True, auth: str = "", most: int = 1 << 40) -> None:
        self.api = api
        self.auth = auth
        self.most = most
        self.elsewhere = ""
        self.refuse_from = 0
        self.token_life = 300
        self.delete_allowed = True
        self.page = 1000
        self.unsorted = ""
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.tags: dict[tuple[str, str], str] = {}
        self.faults: list[Fault] = []
        self.requests: list[str] = []
        self.authorizations: list[str] = []
        self.uploads: dict[str, bytearray] = {}
        self.tokens: dict[str, str] = {}
        self._names = itertools.count(1)
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"registry": self})
        self._server = _Server(("127.0.0.1", 0), handler)

    @property
    def domain(self) -> str:
        """Return ``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        """Start serving."""
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and drop every connection."""
        self._server.shutdown()
        self._server.server_close()

    def fault_for(self, method: str, path: str) -> Fault | None:
        """Note the request, and return what is to go wrong with it."""
        with self._lock:
            self.requests.append(f"{method} {path}")
            if 0 < self.refuse_from <= len(self.requests):
                return Fault(method, path, status=403)
            for fault in self.faults:
                if fault.method == method and re.search(fault.path, path):
                    fault.seen += 1
                    if fault.nth <= fault.seen < fault.nth + fault.times:
                        return fault
        return None

    def new_upload(self) -> str:
        """Return the name of a new upload."""
        with self._lock:
            name = f"u{next(self._names)}"
            self.uploads[name] = bytearray()
        return name

    def new_token(self, scope: str) -> str:
        """Return a token that is good for ``scope``."""
        with self._lock:
            token = f"token-{next(self._names)}-for-the-registry"
            self.tokens[token] = scope
        return token

    def count(self, pattern: str) -> int:
        """Return how many requests matched."""
        return sum(1 for request in self.requests if re.search(pattern, request))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: cut connections are part of the tests."""


class _Methods(BaseHTTPRequestHandler):
    """Every method is dispatched by path."""

    def __getattr__(self, name: str) -> Any:
        """Return the one dispatcher for ``do_GET`` and its like."""
        if name.startswith("do_"):
            return self.dispatch
        raise AttributeError(name)

    def dispatch(self) -> None:
        """Handle the request."""
        raise TypeError


class _Handler(_Methods):
    registry: RegistryServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's own name
        """Say nothing."""

    def handle_one_request(self) -> None:
        """Handle one request; a connection that is gone ends quietly."""
        try:
            super().handle_one_request()
        except (ConnectionError, ValueError):
            self.close_connection = True

    def dispatch(self) -> None:
        """Note the request, let go wrong what is to, else route it."""
        registry = self.registry
        self.url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.url.query))
        self.fault = registry.fault_for(self.command, self.path)
        registry.authorizations.append(self.headers.get("Authorization", ""))
        if self.fault and self.fault.cut and self.command in {"PUT", "PATCH", "POST"}:
            self.rfile.read(int(self.headers.get("Content-Length") or 0) // 2)
            self._reset()
            return
        size = int(self.headers.get("Content-Length") or 0)
        if size > registry.most:
            self.close_connection = True
            self._answer(413, self._problem("SIZE_INVALID", "too much at once"))
            return
        self.data = self.rfile.read(size)
        if self.fault and self.fault.hook:
            self.fault.hook()
        elif self.fault and self.fault.status:
            self._answer(self.fault.status, self.fault.body, **self.fault.headers)
            return
        self._route()

    def _route(self) -> None:
        path = self.url.path
        if path == "/token":
            self._token()
        elif not self._allowed():
            self._ask()
        elif path == "/v2/":
            self._answer(200, b"{}")
        else:
            self._resource(path)

    def _resource(self, path: str) -> None:
        routes: dict[str, Callable[..., None]] = {
            r"/v2/(_catalog)": self._catalog,
            r"/v2/(.+)/blobs/uploads/(.*)": self._upload,
            r"/v2/(.+)/blobs/([^/]+)": self._blob,
            r"/v2/(.+)/manifests/([^/]+)": self._manifest,
            r"/v2/(.+)/referrers/([^/]+)": self._referrers,
            r"/v2/(.+)/tags/(list)": self._tags,
        }
        for pattern, act in routes.items():
            if found := re.fullmatch(pattern, path):
                act(*found.groups())
                return
        self._answer(404, b"404 page not found\n")

    def _allowed(self) -> bool:
        sent = self.headers.get("Authorization", "")
        if self.registry.auth == "basic":
            return sent == f"Basic {_basic(self.registry.login)}"
        if self.registry.auth == "bearer":
            scope = self.registry.tokens.get(sent.removeprefix("Bearer "))
            if scope is None or not sent.startswith("Bearer "):
                return False
            return self.url.path == "/v2/" or self._covers(scope.split())
        return True

    def _covers(self, scopes: list[str]) -> bool:
        if self.url.path == "/v2/_catalog":
            return scopes == ["registry:catalog:*"]
        found = re.match(r"/v2/(.+?)/(?:blobs|manifests|referrers|tags)/", self.url.path)
        verbs = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}
        needed = {(found[1] if found else "", verbs.get(self.command, "push"))}
        if source := self.query.get("from"):
            needed.add((source, "pull"))
        granted = set()
        for scope in scopes:
            where, _, actions = scope.removeprefix("repository:").rpartition(":")
            granted |= {(where, action) for action in actions.split(",")}
        return needed <= granted

    def _ask(self) -> None:
        realm = f"http://{self.registry.domain}/token"
        asked = {
            "basic": 'Basic realm="the registry"',
            "bearer": f'Bearer realm="{realm}",service="fake",scope="repository:x:pull"',
        }[self.registry.auth]
        body = self._problem("UNAUTHORIZED", "log in first")
        self._answer(401, body, **{"WWW-Authenticate": asked})

    def _token(self) -> None:
        sent = self.headers.get("Authorization", "")
        form = dict(urllib.parse.parse_qsl(self.data.decode()))
        good = sent == f"Basic {_basic(self.registry.login)}"
        good = good or form.get("refresh_token") == self.registry.login[1]
        if not good:
            self._answer(401, self._problem("UNAUTHORIZED", "who are you"))
            return
        scopes = urllib.parse.parse_qs(self.url.query).get("scope")
        scope = " ".join(scopes) if scopes else form.get("scope", "")
        token = self.registry.new_token(scope)
        answer = {"token": token, "expires_in": self.registry.token_life}
        self._answer(200, json.dumps(answer).encode())

    def _blob(self, name: str, digest: str) -> None:
        data = self.registry.blobs.get((name, digest))
        if data is None:
            self._answer(404, self._problem("BLOB_UNKNOWN", "no such blob"))
        elif self.registry.elsewhere and self.command == "GET":
            self._answer(307, b"", Location=f"{self.registry.elsewhere}{self.path}")
        else:
            self._answer(200, data, **{"Docker-Content-Digest": digest})

    def _upload(self, name: str, upload: str) -> None:
        act = {"POST": self._begin, "PATCH": self._piece, "PUT": self._finish}[self.command]
        act(name, upload)

    def _begin(self, name: str, _: str) -> None:
        mount, source = self.query.get("mount", ""), self.query.get("from", "")
        if (source, mount) in self.registry.blobs:
            self.registry.blobs[name, mount] = self.registry.blobs[source, mount]
            self._answer(201, b"", Location=f"/v2/{name}/blobs/{mount}")
            return
        upload = self.registry.new_upload()
        self._answer(202, b"", Location=f"/v2/{name}/blobs/uploads/{upload}?state=s")

    def _piece(self, name: str, upload: str) -> None:
        held = self.registry.uploads.get(upload)
        if held is None:
            self._answer(404, self._problem("BLOB_UPLOAD_UNKNOWN", "no such upload"))
            return
        start = int(self.headers.get("Content-Range", "0-").partition("-")[0])
        if start != len(held):
            self._answer(416, self._problem("BLOB_UPLOAD_INVALID", "out of order"))
            return
        held += self.data
        self._answer(202, b"", Location=f"/v2/{name}/blobs/uploads/{upload}?state=t")

    def _finish(self, name: str, upload: str) -> None:
        held = self.registry.uploads.pop(upload, None)
        if held is None:
            self._answer(404, self._problem("BLOB_UPLOAD_UNKNOWN", "no such upload"))
            return
        data = bytes(held) + self.data
        digest = _digest(data)
        if digest != self.query.get("digest"):
            self._answer(400, self._problem("DIGEST_INVALID", "other bytes"))
            return
        self.registry.blobs[name, digest] = data
        self._answer(201, b"", **{"Docker-Content-Digest": digest})

    def _manifest(self, name: str, target: str) -> None:
        act = {"PUT": self._put_manifest, "DELETE": self._delete_manifest}.get(self.command)
        (act or self._get_manifest)(name, target)

    def _get_manifest(self, name: str, target: str) -> None:
        digest = target if ":" in target else self.registry.tags.get((name, target), "")
        found = self.registry.manifests.get((name, digest))
        if found is None:
            self._answer(404, self._problem("MANIFEST_UNKNOWN", "no such manifest"))
            return
        headers = {"Content-Type": found[0], "Docker-Content-Digest": digest}
        self._answer(200, found[1], **headers)

    def _put_manifest(self, name: str, target: str) -> None:
        digest = _digest(self.data)
        if ":" in target and target != digest:
            self._answer(400, self._problem("DIGEST_INVALID", "other bytes"))
            return
        media_type = self.headers.get("Content-Type", "")
        self.registry.manifests[name, digest] = (media_type, self.data)
        if ":" not in target:
            self.registry.tags[name, target] = digest
        headers = {"Docker-Content-Digest": digest}
        subject = json.loads(self.data).get("subject")
        if subject and self.registry.api:
            headers["OCI-Subject"] = subject["digest"]
        self._answer(201, b"", **headers)

    def _delete_manifest(self, name: str, target: str) -> None:
        if not self.registry.delete_allowed:
            self._answer(405, self._problem("UNSUPPORTED", "deleting is off"))
        elif (
            self.registry.tags.pop((name, target), "")
            or self.registry.manifests.pop((name, target), ("", b""))[1]
        ):
            self._answer(202, b"")
        else:
            self._answer(404, self._problem("MANIFEST_UNKNOWN", "no such manifest"))

    def _referrers(self, name: str, subject: str) -> None:
        if not self.registry.api:
            self._answer(404, b"404 page not found\n")
            return
        found = []
        for (where, digest), (media_type, data) in sorted(self.registry.manifests.items()):
            parsed = json.loads(data)
            if where == name and (parsed.get("subject") or {}).get("digest") == subject:
                kind = parsed.get("artifactType") or parsed["config"]["mediaType"]
                entry = {"mediaType": media_type, "digest": digest, "size": len(data)}
                found.append(entry | {"artifactType": kind})
        self._page("manifests", found, {"schemaVersion": 2, "mediaType": INDEX})

    def _catalog(self, _: str) -> None:
        held = {name for name, _ in [*self.registry.manifests, *self.registry.blobs]}
        self._page("repositories", sorted(held), {})

    def _tags(self, name: str, _: str) -> None:
        found = [tag for where, tag in self.registry.tags if where == name]
        if not found:
            self._answer(404, self._problem("NAME_UNKNOWN", "no such repository"))
            return
        last = self.query.get("last", "")
        if not self.registry.unsorted:
            found.sort()
        elif last in found:
            found = found[found.index(last) + 1 :]
        elif last and self.registry.unsorted == "ending":
            found = []
        self._page("tags", found, {"name": name})

    def _page(self, key: str, items: list[Any], around: dict[str, Any]) -> None:
        start = int(self.query.get("start", "0"))
        end = start + self.registry.page
        headers = {"Content-Type": INDEX}
        if end < len(items):
            headers["Link"] = f'<{self.url.path}?start={end}>; rel="next"'
        self._answer(200, json.dumps(around | {key: items[start:end]}).encode(), **headers)

    def _problem(self, code: str, message: str) -> bytes:
        return json.dumps({"errors": [{"code": code, "message": message}]}).encode()

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        fault = self.fault if self.command in {"GET", "HEAD"} else None
        if fault and fault.flip and body:
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if fault and fault.cut:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            self._reset()
            return
        self.wfile.write(body)

    def _reset(self) -> None:
        """End the connection with RST."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.shutdown(socket.SHUT_RD)
            self.connection.close()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _basic(login: tuple[str, str]) -> str:
    return base64.b64encode(":".join(login).encode()).decode()
