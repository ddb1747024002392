"""What a service is, guessed from its sources: main packages, port, routes, gRPC health.

Roads call it when no config says so; each guess carries where it came from, so that a face can
print the line that would fix it. Without types nothing here is a proof: it reads patterns over
code with comments taken out.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

import msgspec

from shipway.core.golang.lexer import strip
from shipway.core.patterns import late

Packages = Mapping[str, Mapping[str, str]]
"""Folder relative to the module, to file name, to source."""

DEFAULT_PORT = 8080
VERSION = 2
"""Raised whenever the same sources may give another survey."""


class Port(msgspec.Struct, frozen=True):
    """A TCP port and who said so."""

    number: int
    origin: str
    """``Dockerfile``, ``source``, ``run`` or ``default``."""


_IGNORED = late(r"^//go:build\s+ignore\b|^// \+build ignore\b", re.MULTILINE)
_MAIN = late(r"^package\s+main\b", re.MULTILINE)
_IMPORTED = late(r'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([^"\s]+)"\s*;?$', re.MULTILINE)
_SERVES = late(
    r"\bListenAndServe(?:TLS)?\(|\bhttp\.Serve(?:TLS)?\(|\bgrpc\.NewServer\(|\bnet\.Listen\("
    r"|\.(?:Run|Start|Listen)\(\s*[^)\s]*:\d|\bhttp\.Server\{"
)
_FRAMEWORK = late(
    r'"github\.com/(?:gin-gonic/gin|labstack/echo|gofiber/fiber|kataras/iris)(?:/v\d+)?"'
)
_STARTS = late(r"\.(?:Run|RunTLS|Start|StartTLS|Listen|ListenTLS)\(")
_NUMBER = r"(?P<port>[1-9]\d{1,4})"
_ADDRESS = rf'"(?:[\w.\[\]:-]*):{_NUMBER}"'
_PORTS = (
    late(rf"\bListenAndServe(?:TLS)?\(\s*{_ADDRESS}"),
    late(rf"\bAddr:\s*{_ADDRESS}"),
    late(rf'\b(?:net\.|\w+\.)Listen\((?:[^()]*?"(?:tcp[46]?)"\s*,\s*)?{_ADDRESS}'),
    late(rf"\.(?:Run|Start|Listen)\(\s*{_ADDRESS}"),
    late(
        rf'(?i)\bflag\.(?:String|StringVar)\([^()\n]*?"[^"]*(?:addr|listen|bind|port)[^"]*"\s*,\s*'
        rf'"[^"\n]*?:?{_NUMBER}"'
    ),
    late(rf'(?i)\bflag\.(?:Int|IntVar|Uint)\([^()\n]*?"[^"]*port[^"]*"\s*,\s*{_NUMBER}\b'),
    late(rf'(?i)"[A-Z_]*PORT"\s*,\s*"?:?{_NUMBER}\b'),
    late(rf'(?i)"[A-Z_]*(?:ADDR|ADDRESS|LISTEN)"\s*,\s*{_ADDRESS}'),
    late(rf'(?i)\b\w*port\w*\s*:?=\s*"?:?{_NUMBER}"?\s*;?$', re.MULTILINE),
    late(rf"(?i)\b\w*(?:addr|address|listen)\w*\s*:?=\s*{_ADDRESS}\s*;?$", re.MULTILINE),
    late(rf"(?i)(?:port|addr|listen)[^\n]*\bdefault:'[^'\n]*?:?{_NUMBER}'"),
)
"""Ways to write a port, the most telling first."""

_ROUTE = late(
    r"\.(?:HandleFunc|Handle|Get|GET|Path|PathPrefix|Group|Route|Any)\(\s*"
    r'"(?:GET |HEAD )?(?P<path>/[^"\s{}*]*)"'
)
_EXPOSE = late(r"^\s*EXPOSE\s+(.+?)\s*$", re.MULTILINE | re.IGNORECASE)
_GRPC_HEALTH = late(r"\bRegisterHealthServer\(|google\.golang\.org/grpc/health\"")
_GRPC = late(r"\bgrpc\.NewServer\(")

_TEXT = r'"(?P<path>[^"\\\n]+)"'
_READING = (
    late(rf"\b(?:LoadHTML|Parse)Glob\(\s*{_TEXT}"),
    late(rf"\b(?:http\.Dir|os\.DirFS)\(\s*{_TEXT}"),
    late(rf"\b(?:os\.ReadFile|os\.Open|ioutil\.ReadFile)\(\s*{_TEXT}"),
    late(rf"\.(?:Static|StaticFile|StaticFS)\([^()\n]*,\s*{_TEXT}\s*\)"),
    late(rf"\bServeFile\([^()\n]*,\s*{_TEXT}\s*\)"),
)
"""Calls that read a path when the program runs."""
_SEVERAL = late(r"\b(?:LoadHTMLFiles|ParseFiles)\((?P<paths>[^()]*)\)")
_QUOTED = late(_TEXT)
_SECRET = (".key", ".pem", ".p12", ".pfx", ".env")
"""Never put into an image by a guess."""
_SHOWN = (
    *(".html", ".htm", ".css", ".js", ".mjs", ".map", ".wasm", ".webmanifest"),
    *(".tmpl", ".tpl", ".gohtml", ".gotmpl", ".templ"),
    *(".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".ico"),
    *(".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp3", ".mp4", ".ogg", ".webm"),
)
"""Kinds that are made to be shown to others, as generated assets are."""

STARTUP = ("/startupz", "/startup", "/healthz", "/health/startup")
READINESS = ("/readyz", "/ready", "/readiness", "/health/ready", "/-/ready", "/healthz", "/health")
LIVENESS = ("/livez", "/healthz", "/live", "/liveness", "/health/live", "/-/healthy", "/health")
_HEALTH = ("/ping", "/status")


class Probes(msgspec.Struct, frozen=True):
    """Routes for the three probes; empty where none was found. Never more than what is there."""

    startup: str = ""
    readiness: str = ""
    liveness: str = ""
    grpc: bool = False
    """Whether it registers the gRPC health service."""


class Main(msgspec.Struct, frozen=True, kw_only=True):
    """A main package, and what its sources and those of the module that it imports say."""

    folder: str
    name: str
    """What the go command would call its program."""
    serves: bool = False
    """Whether it listens or serves."""
    port: int | None = None
    """What it listens on by default."""
    probes: Probes = Probes()
    grpc: bool = False
    """Whether it starts a gRPC server."""
    reads: tuple[str, ...] = ()
    """Relative paths that it reads when it runs; of a pattern, its folder."""


class Survey(msgspec.Struct, frozen=True):
    """The programs of a module."""

    module: str
    """Its path."""
    mains: tuple[Main, ...]
    """Those that serve first."""


def is_main(texts: Mapping[str, str]) -> bool:
    """Return whether a folder's sources are a main package."""
    return any(
        _MAIN.search(text) and _MAIN.search(strip(text)) and not _IGNORED.search(text)
        for text in texts.values()
    )


def survey(module: str, packages: Packages) -> Survey:
    """Return the main packages of a module, each file looked at once."""
    found = [_main(module, packages, at) for at, texts in packages.items() if is_main(texts)]
    return Survey(module, tuple(sorted(found, key=lambda main: (not main.serves, main.folder))))


def _main(module: str, packages: Packages, folder: str) -> Main:
    at = reachable(module, packages, folder)
    texts = [strip(text) for name in at for text in packages.get(name, {}).values()]
    return Main(
        folder=folder,
        name=_program(module, folder),
        serves=any(map(_does_serve, texts)),
        port=_port(texts),
        probes=_probes(texts),
        grpc=any(_GRPC.search(text) for text in texts),
        reads=_reads(texts),
    )


def reachable(module: str, packages: Packages, folder: str) -> tuple[str, ...]:
    """Return ``folder`` and the module's folders whose packages it imports, nearest first."""
    found = {folder: None}
    queue = [folder]
    while queue:
        for path in _imports(packages.get(queue.pop(0), {})):
            at = _folder(module, path)
            if at in packages and at not in found:
                found[at] = None
                queue.append(at)
    return tuple(found)


def exposed(dockerfile: str) -> int | None:
    """Return the first TCP port that a Dockerfile exposes; variables are not resolved."""
    for match in _EXPOSE.finditer(dockerfile):
        for word in match[1].split():
            number, _, protocol = word.partition("/")
            if number.isdigit() and protocol.lower() in {"", "tcp"} and _is_port(int(number)):
                return int(number)
    return None


def _port(texts: list[str]) -> int | None:
    """Return the port that a program listens on by default, as its sources have it."""
    for pattern in _PORTS:
        for text in texts:
            numbers = [int(match["port"]) for match in pattern.finditer(text)]
            if found := [number for number in numbers if _is_port(number)]:
                return found[0]
    return None


def _probes(texts: list[str]) -> Probes:
    routes = {match["path"] for text in texts for match in _ROUTE.finditer(text)}
    return Probes(
        startup=_first((*STARTUP, *_HEALTH), routes),
        readiness=_first((*READINESS, *_HEALTH), routes),
        liveness=_first((*LIVENESS, *_HEALTH), routes),
        grpc=any(_GRPC_HEALTH.search(text) for text in texts),
    )


def _reads(texts: list[str]) -> tuple[str, ...]:
    """Return relative paths that are read at run time; hidden files and keys are left out."""
    found: dict[str, None] = {}
    for text in texts:
        said = [match["path"] for pattern in _READING for match in pattern.finditer(text)]
        for match in _SEVERAL.finditer(text):
            said += [one["path"] for one in _QUOTED.finditer(match["paths"])]
        found |= dict.fromkeys(filter(None, map(_asset, said)))
    return tuple(sorted(found))


def _asset(path: str) -> str:
    """Return a path without its pattern; empty where it is none for an image."""
    plain = re.split(r"[*?\[]", path, maxsplit=1)[0]
    plain = posixpath.normpath(plain if plain == path else posixpath.dirname(plain) or ".")
    apart = plain.startswith(("/", ".")) or "/." in plain or is_secret(plain)
    return "" if apart else plain


def is_secret(path: str) -> bool:
    """Return whether a file is named as keys and secrets are, in capitals or not."""
    return path.lower().endswith(_SECRET)


def is_shown(path: str) -> bool:
    """Return whether a file is a page, style, script, picture, font or template, packed or not."""
    name = path.lower()
    return name.removesuffix(".gz").removesuffix(".br").endswith(_SHOWN)


def decide(dockerfile: str, source: int | None, ran: tuple[int, ...] | None) -> Port:
    """Return the port, in the order Dockerfile, source, confined run, 8080."""
    if (number := exposed(dockerfile)) is not None:
        return Port(number, "Dockerfile")
    if source is not None:
        return Port(source, "source")
    if ran:
        return Port(DEFAULT_PORT if DEFAULT_PORT in ran else ran[0], "run")
    return Port(DEFAULT_PORT, "default")


def _does_serve(text: str) -> bool:
    """Return whether a file listens, or starts a web framework, which may say no port."""
    return bool(_SERVES.search(text) or (_FRAMEWORK.search(text) and _STARTS.search(text)))


def _imports(texts: Mapping[str, str]) -> list[str]:
    return [match[1] for text in texts.values() for match in _IMPORTED.finditer(strip(text))]


def _folder(module: str, path: str) -> str:
    if path == module:
        return "."
    return path.removeprefix(module + "/") if path.startswith(module + "/") else ""


def _program(module: str, folder: str) -> str:
    """Return the last path element, the one before where it is a major version (go help build)."""
    parts = posixpath.normpath(posixpath.join(module, folder)).split("/")
    if len(parts) > 1 and re.fullmatch(r"v[2-9]|v[1-9]\d+", parts[-1]):
        parts.pop()
    return parts[-1]


def _first(wanted: tuple[str, ...], routes: set[str]) -> str:
    return next((path for path in wanted if path in routes), "")


def _is_port(number: int) -> bool:
    return 0 < number < 1 << 16
