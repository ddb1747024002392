"""The environment that go commands run in: an allow-list, and two networks.

Only the Go hand uses it. Building and testing run the repository's own code in the end, so they
see no token, no agent socket and no kubeconfig; downloading runs none of it and sees what the
user's own ``go mod download`` would.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.ports.go import Target

_ACCOUNT = ("PATH", "USER", "LOGNAME", "LANG", "LC_ALL", "TMPDIR", "TZ")
_BUILD = (
    "GOFLAGS", "GOEXPERIMENT", "GOFIPS140", "GOAMD64", "GO386", "GOARM", "GOARM64", "GOMIPS",
    "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
)  # fmt: skip
_CGO = (
    "CC", "CXX", "AR", "FC", "PKG_CONFIG", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS",
    "CGO_FFLAGS", "CGO_LDFLAGS", "CGO_CFLAGS_ALLOW", "CGO_LDFLAGS_ALLOW",
)  # fmt: skip
_DOWNLOAD = (
    "GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH",
    "HOME", "NETRC", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY",
    "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "GIT_SSH", "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO", "GIT_ASKPASS", "GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME",
)  # fmt: skip
"""What a download may see: logins (``~/.netrc``, git's, an ssh agent) and the way out."""
_FOLDERS = ("GOPATH", "GOMODCACHE", "GOCACHE")
_REFUSED = ("toolexec", "overlay", "modfile", "exec", "o", "C", "n")
"""Flags of GOFLAGS that would make a build something else than what its link says."""

_OURS = ("mod", "buildvcs", "trimpath")
"""Flags that are always given on the command line, whatever GOFLAGS says."""


class Settings:
    """The user's Go settings: environment over the file that ``go env -w`` writes."""

    def __init__(self, variables: Mapping[str, str], cache: str = "") -> None:
        known = (*_ACCOUNT, *_BUILD, *_CGO, *_DOWNLOAD, *_FOLDERS)
        merged = _stored(variables) | {name: variables[name] for name in known if name in variables}
        self._merged = {name: value for name, value in merged.items() if name in known}
        home = variables.get("HOME", "/")
        path = self._merged.get("GOPATH") or str(Path(home, "go"))
        self.modules = self._merged.get("GOMODCACHE") or str(Path(path.split(":")[0], "pkg", "mod"))
        store = Path(variables.get("XDG_CACHE_HOME") or Path(home, ".cache"))
        self.cache = cache or self._merged.get("GOCACHE") or str(store / "go-build")

    def recorded(self, target: Target) -> dict[str, str]:
        """Return the variables that decide what is built; they are stated in the build link.

        Raises:
            ShipwayError: ``go.flags``.
        """
        names = (*_BUILD, *_CGO) if target.cgo else _BUILD
        found = self._only(names)
        if flags := _kept(found.pop("GOFLAGS", "")):
            found["GOFLAGS"] = flags
        platform = target.platform
        found |= {
            "CGO_ENABLED": "1" if target.cgo else "0",
            "GOARCH": platform.architecture,
            "GOOS": platform.os,
        }
        if platform.variant:
            name = "GOARM" if platform.architecture == "arm" else f"GO{platform.architecture}"
            found[name.upper()] = platform.variant.removeprefix("v")
        return dict(sorted(found.items()))

    def offline(self, target: Target, go: str, home: str) -> dict[str, str]:
        """Return the environment of a build or a test: nothing can be fetched.

        ``home`` is an empty folder: the user's own has kubeconfigs and tokens at known places.
        """
        fixed = {"HOME": home, "GOPROXY": "off", "GOSUMDB": "off", "GOVCS": "*:off"}
        return self._only(_ACCOUNT) | self._common(target, go) | fixed

    def online(self, target: Target, go: str) -> dict[str, str]:
        """Return the environment of a download: as the user has it."""
        return self._only((*_ACCOUNT, *_DOWNLOAD)) | self._common(target, go)

    def _common(self, target: Target, go: str) -> dict[str, str]:
        path = self._merged.get("PATH", "/usr/local/bin:/usr/bin:/bin")
        return self.recorded(target) | {
            "GOCACHE": self.cache,
            "GOENV": "off",
            "GOMODCACHE": self.modules,
            "GOTOOLCHAIN": "local",
            "PATH": f"{Path(go).parent}:{path}",
        }

    def _only(self, names: tuple[str, ...]) -> dict[str, str]:
        return {name: self._merged[name] for name in names if name in self._merged}


def _stored(variables: Mapping[str, str]) -> dict[str, str]:
    """Return what ``go env -w`` has stored (go help environment, GOENV)."""
    where = variables.get("GOENV", "")
    if where == "off":
        return {}
    if not where:
        config = variables.get("XDG_CONFIG_HOME") or os.path.join(  # noqa: PTH118
            variables.get("HOME", "/"), ".config"
        )
        where = f"{config}/go/env"
    try:
        text = Path(where).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, mark, value in pairs if mark}


def _kept(flags: str) -> str:
    """Return GOFLAGS without what we set ourselves.

    Raises:
        ShipwayError: ``go.flags`` for a flag that no build link could describe.
    """
    named = {word: word.lstrip("-").partition("=")[0] for word in flags.split()}
    for word, name in named.items():
        if name in _REFUSED:
            raise ShipwayError(
                "go.flags",
                Kind.CONFIG,
                "this flag would build something that the evidence cannot describe",
                operation="reading GOFLAGS",
                subject=word,
                hint="take it out of GOFLAGS (`go env -u GOFLAGS` where `go env -w` stored it)",
            )
    return " ".join(word for word, name in named.items() if name not in _OURS)
