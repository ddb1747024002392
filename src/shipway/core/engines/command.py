"""The Go commands that make an engine, as argument lists and variables.

Only the hand that builds engines calls this. Same lock, same commands; where caches lie and
which proxy answers are the caller's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.engines.recipe import Recipe

NETWORK = (
    "GOPROXY", "GOSUMDB", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOINSECURE", "GOAUTH", "GOVCS",
)  # fmt: skip
"""What the user may have set about where modules come from (``go env -w`` included)."""

_PASSED = frozenset({
    "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "NETRC",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", *NETWORK,
})  # fmt: skip
"""Variables of the caller that a build may see; no token, agent or kubeconfig is among them."""

_GOARCH = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "amd64": "amd64"}


def platform_of(system: str, machine: str) -> str:
    """Return this machine as ``linux-amd64``, from what ``uname`` says."""
    return f"{system.lower()}-{_GOARCH.get(machine.lower(), machine.lower())}"


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of ``environ`` that a child may see, and a plain PATH."""
    passed = {name: value for name, value in environ.items() if name in _PASSED}
    return {**passed, "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def variables(
    environ: Mapping[str, str], *, platform: str, build_cache: str, module_cache: str
) -> dict[str, str]:
    """Return all variables of a build; nothing of the user's Go settings but the network's."""
    system, _, machine = platform.partition("-")
    return inherited(environ) | {
        "CGO_ENABLED": "0",
        "GOAMD64": "v1",
        "GOARCH": machine,
        "GOARM64": "v8.0",
        "GOCACHE": build_cache,
        "GOENV": "off",
        "GOFLAGS": "-mod=readonly -modcacherw",
        "GOMODCACHE": module_cache,
        "GOOS": system,
        "GOTELEMETRY": "off",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def settings(go: str) -> list[str]:
    """Return the command that prints the user's :data:`NETWORK` settings as JSON."""
    return [go, "env", "-json", *NETWORK]


def listing(go: str, recipe: Recipe) -> list[str]:
    """Return the command that downloads modules and prints every package to compile."""
    return [go, "list", "-deps", *_tags(recipe), "-f", "{{.ImportPath}}", *_packages(recipe)]


def compilation(go: str, recipe: Recipe, output: str) -> list[str]:
    """Return the command that compiles all programs into the folder ``output``."""
    return [
        go, "build", "-v", "-trimpath", "-buildvcs=false", *_tags(recipe),
        "-ldflags", _link_flags(recipe), "-o", f"{output}/", *_packages(recipe),
    ]  # fmt: skip


def _tags(recipe: Recipe) -> list[str]:
    return ["-tags", ",".join(recipe.tags)] if recipe.tags else []


def _packages(recipe: Recipe) -> list[str]:
    return [package for _, package in sorted(recipe.programs.items())]


def _link_flags(recipe: Recipe) -> str:
    sets = [f"-X {name}={value}" for name, value in sorted(recipe.variables.items())]
    return " ".join(["-s", "-w", "-buildid=", *sets])
