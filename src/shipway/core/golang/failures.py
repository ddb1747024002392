"""Why a go command failed, told from what it wrote.

The Go hand raises what is found here. The compiler's own lines are kept in the message, since they
are what a person needs; what is not recognised keeps the last lines too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from shipway.core.golang.linkage import BASE
from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

LINES = 40
"""Lines of the compiler that a message carries at most."""


class _Cause(NamedTuple):
    id: str
    kind: Kind
    pattern: re.Pattern[str]
    hint: str


def _cause(id_: str, kind: Kind, pattern: str, hint: str) -> _Cause:
    return _Cause(id_, kind, late(pattern, re.MULTILINE), hint)


_CAUSES = (
    _cause(
        "build.go-too-old",
        Kind.CONFIG,
        r"requires go >= \S+|go\.mod requires go|requires newer Go version",
        "raise the `go` line of go.mod (`go mod tidy` does), or the Go version in shipway.lock",
    ),
    _cause(
        "build.no-module",
        Kind.CONFIG,
        r"go\.mod file not found|cannot find main module|no modules were found",
        "run `go mod init example.com/NAME` in the module's folder",
    ),
    _cause(
        "build.private",
        Kind.DENIED,
        r"401 Unauthorized|403 Forbidden|terminal prompts disabled|could not read Username"
        r"|Permission denied \(publickey|Authentication failed for|no secure protocol found",
        "log in as for `go mod download`, by ~/.netrc or an ssh agent, with GOPRIVATE for the host "
        "(if it can be reached: `git ls-remote https://HOST/PATH` shows)",
    ),
    _cause(
        "build.checksum",
        Kind.INTEGRITY,
        r"checksum mismatch|SECURITY ERROR",
        "the downloaded module is not the one that go.sum names: do not go on before you know why",
    ),
    _cause(
        "build.go-sum",
        Kind.CONFIG,
        r"missing go\.sum entry|updates to go\.mod needed|updates to go\.sum needed"
        r"|no required module provides package|go: updating go\.mod",
        "run `go mod tidy` and commit go.mod and go.sum",
    ),
    _cause(
        "build.vendor",
        Kind.CONFIG,
        r"inconsistent vendoring|is explicitly required in go\.mod, but not marked",
        "run `go mod vendor` and commit vendor/",
    ),
    _cause(
        "build.file-name",
        Kind.CONFIG,
        r"invalid input file name|cannot embed file .*: invalid name|invalid name .*cannot embed",
        "rename the file: Go takes UTF-8 names without control characters, and no leading dash",
    ),
    _cause(
        "build.offline",
        Kind.MISSING,
        r"module lookup disabled by GOPROXY=off|cannot find module providing package",
        "a module is not on this machine: is the module proxy reachable for the download?",
    ),
    _cause(
        "build.no-package",
        Kind.CONFIG,
        r"no Go files in|directory not found|build constraints exclude all Go files"
        r"|is not in std|no such file or directory$|matched no packages"
        r"|outside main module or its selected dependencies",
        "name a folder with a main package of this module, as in `./cmd/web`",
    ),
    _cause(
        "build.cgo",
        Kind.MISSING,
        r"C compiler \S+ not found|cgo: .*executable file not found",
        "install a C compiler, or set `cgo = false` for this service",
    ),
    _cause(
        "build.no-space",
        Kind.MISSING,
        r"no space left on device|disk quota exceeded",
        "free some disk: the build cache and the module cache grow without limit",
    ),
)


_EXCLUDED = late(r"build constraints exclude all Go files in (.+)$", re.MULTILINE)


def explain(stderr: str, *, operation: str, subject: str, needs_c: bool = False) -> ShipwayError:
    """Return the error for what a failed go command wrote.

    ``needs_c`` says that a package it left out (see :func:`excluded`) has only files that use C.
    """
    tail = "\n".join([line for line in stderr.strip().splitlines() if line.strip()][-LINES:])
    if needs_c:
        return ShipwayError(
            "build.needs-cgo",
            Kind.CONFIG,
            tail,
            operation=operation,
            subject=subject,
            hint="it uses C: cgo = true under [services.NAME.build], and a base with a C library, "
            f'as base = "{BASE}" under [services.NAME.image]',
        )
    for cause in _CAUSES:
        if cause.pattern.search(stderr):
            return ShipwayError(
                cause.id, cause.kind, tail, operation=operation, subject=subject, hint=cause.hint
            )
    return ShipwayError(
        "build.compile",
        Kind.CONFIG,
        tail or "go said nothing",
        operation=operation,
        subject=subject,
        hint="the lines above are the compiler's; `go build` shows them too",
    )


def excluded(stderr: str) -> tuple[str, ...]:
    """Return the folders of packages of which build constraints leave nothing."""
    return tuple(match[1] for match in _EXCLUDED.finditer(stderr))


def is_download_missing(stderr: str) -> bool:
    """Return whether it failed only because something has not been downloaded yet."""
    return "GOPROXY=off" in stderr
