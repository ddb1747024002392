"""A company's proxy and authority, honoured by every client: registry, cluster, Go, engines.

The names are known to the proxy alone, and their certificates are the company's own: a client that
heeds neither variable fails by itself.
"""

from __future__ import annotations

import functools
import http.server
import threading
from typing import TYPE_CHECKING

import pytest

from fakes import apiserver as servers
from fakes.company import Company
from fakes.content import MemoryContent
from fakes.goproxy import FileProxy
from fakes.gotools import real_go, target
from fakes.registry_server import RegistryServer
from fakes.tinyengine import TOML, write_lock
from fakes.toolchains import FakeToolchains
from shipway.adapters.engines import mirror
from shipway.adapters.engines.build import EngineBuilder
from shipway.adapters.engines.locks import LockFolder
from shipway.adapters.process import SystemProcesses
from shipway.adapters.registry.client import connect
from shipway.core.oci.descriptor import LAYER_TAR
from shipway.core.oci.digest import of
from shipway.errors import Kind, ShipwayError
from shipway.wiring.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGISTRY, MODULES, CLUSTER = "registry.company.test", "modules.company.test", "kubernetes"


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """Give a company's network."""
    (tmp_path / "company").mkdir()
    with Company(tmp_path / "company") as found:
        yield found


@pytest.fixture
def registry(company: Company) -> Iterator[RegistryServer]:
    """Give a registry in it."""
    with RegistryServer() as server:
        company.serve(REGISTRY, int(server.domain.rpartition(":")[2]))
        yield server


@pytest.fixture
def modules(company: Company, tmp_path: Path) -> Iterator[FileProxy]:
    """Give a module proxy in it."""
    proxy = FileProxy(tmp_path / "modules")
    proxy.folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base's own
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(proxy.folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    company.serve(MODULES, server.server_port)
    proxy.url = f"https://{MODULES}"
    yield proxy
    server.shutdown()
    server.server_close()


def _push(variables: dict[str, str]) -> int:
    content = MemoryContent()
    at = content.put(b"a layer of the company", LAYER_TAR)
    client = connect({"DOCKER_CONFIG": "/nonexistent", **variables})
    try:
        return client.push_blob(f"{REGISTRY}/shop/web", at, content)
    finally:
        client.close()


def test_the_registry(company: Company, registry: RegistryServer) -> None:
    """A push goes through the proxy, and the company's certificate is believed."""
    assert _push(company.variables())
    assert company.asked == [f"CONNECT {REGISTRY}:443"]
    assert ("shop/web", of(b"a layer of the company")) in registry.blobs


@pytest.mark.parametrize(
    ("other", "expected", "kind"),
    [
        ({"SSL_CERT_FILE": ""}, "registry.untrusted", Kind.INTEGRITY),
        ({"NO_PROXY": ".company.test"}, "registry.unreachable", Kind.TRANSIENT),
        ({"HTTPS_PROXY": ""}, "registry.unreachable", Kind.TRANSIENT),
    ],
)
def test_without_one_of_them_there_is_no_way(
    company: Company, registry: RegistryServer, other: dict[str, str], expected: str, kind: Kind
) -> None:
    """Each variable counts: without the authority, around the proxy, or without it."""
    with pytest.raises(ShipwayError) as caught:
        _push(company.variables() | other)

    assert (caught.value.id, caught.value.kind) == (expected, kind)
    assert not registry.blobs


def test_a_proxy_that_wants_another_login_is_told(
    company: Company, registry: RegistryServer
) -> None:
    """407 is the proxy's word, and its URL's password is shown nowhere."""
    wrong = {"HTTPS_PROXY": company.proxy.replace("hunter2-proxy", "wrong-word")}

    with pytest.raises(ShipwayError, match="407") as caught:
        _push(company.variables() | wrong)

    assert "wrong-word" not in f"{caught.value}{caught.value.hint}"
    assert registry.blobs == {}


def test_a_company_folder_of_authorities(company: Company, registry: RegistryServer) -> None:
    """SSL_CERT_DIR will do as well."""
    variables = company.variables() | {"SSL_CERT_FILE": "", "SSL_CERT_DIR": str(company.ca.parent)}

    assert _push(variables)
    assert registry.blobs


def _kubeconfig(folder: Path, port: int) -> Path:
    path = folder / "kubeconfig"
    path.write_text(
        f"""
clusters: [{{name: c, cluster: {{server: "https://{CLUSTER}:{port}"}}}}]
users: [{{name: u, user: {{token: {servers.ADMIN}}}}}]
contexts: [{{name: eu, context: {{cluster: c, user: u}}}}]
"""
    )
    return path


def test_the_cluster(company: Company, tmp_path: Path) -> None:
    """An API server behind the proxy, believed by SSL_CERT_FILE where kubeconfig names no CA."""
    real = servers.shared()
    company.names[f"{CLUSTER}:{real.port}"] = real.port
    variables = {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(_kubeconfig(tmp_path, real.port)),
        "HTTPS_PROXY": company.proxy,
        "SSL_CERT_FILE": real.ca_file,
    }

    assert Tools(lambda _: None, variables).kube("eu").version().startswith("v1.")
    assert company.asked == [f"CONNECT {CLUSTER}:{real.port}"]
    wrong = {"kube.unreachable": {"NO_PROXY": CLUSTER}}
    wrong["kube.untrusted"] = {"SSL_CERT_FILE": str(company.ca)}
    for expected, other in wrong.items():
        with pytest.raises(ShipwayError) as caught:
            Tools(lambda _: None, variables | other).kube("eu").version()
        assert caught.value.id == expected


def test_go_downloads(company: Company, modules: FileProxy, go_path: str, tmp_path: Path) -> None:
    """Modules come through the proxy, from a server that the company vouches for."""
    sums = modules.add("company.test/lib", "v1.0.0", {"lib.go": "package lib\n\nconst One = 1\n"})
    root = tmp_path / "module"
    root.mkdir()
    (root / "go.mod").write_text(
        "module company.test/web\n\ngo 1.24\n\nrequire company.test/lib v1.0.0\n"
    )
    (root / "go.sum").write_text(sums)
    (root / "main.go").write_text(
        'package main\n\nimport "company.test/lib"\n\nfunc main() { println(lib.One) }\n'
    )
    settings = {"GOPROXY": modules.url, "GONOSUMDB": "*", **company.variables()}
    go = real_go(go_path, tmp_path, settings)

    assert go.build(target(root, "."), "-s -w -buildid=")
    assert f"CONNECT {MODULES}:443" in company.asked


def test_engines(company: Company, modules: FileProxy, go_path: str, tmp_path: Path) -> None:
    """An engine's modules come the same way: here they came, and are refused for their sum."""
    good = modules.add("company.test/tool", "v1.0.0", {"main.go": "package main\n"})
    modules.add("company.test/tool", "v1.0.0", {"main.go": "package main // altered\n"})
    toml = TOML.replace("cmd/pack", "company.test/tool")
    locks = write_lock(tmp_path / "locks", toml)
    (locks / "tiny" / "go.mod").write_text(
        "module shipway.dev/engine/tiny\n\ngo 1.26.0\n\ntool company.test/tool\n\n"
        "require company.test/tool v1.0.0 // indirect\n"
    )
    (locks / "tiny" / "go.sum").write_text(good)
    own = {"HOME": str(tmp_path), "GOPROXY": modules.url, "GONOSUMDB": "*"}
    engines = EngineBuilder(
        LockFolder(locks),
        SystemProcesses(),
        FakeToolchains(go_path),
        own | company.variables(),
        str(tmp_path / "cache"),
    )

    with pytest.raises(ShipwayError, match="checksum mismatch"):
        engines.ensure(("tiny",), on_progress=lambda _: None)

    assert f"CONNECT {MODULES}:443" in company.asked


def test_a_mirror_of_engines(company: Company, modules: FileProxy, tmp_path: Path) -> None:
    """Prebuilt programs come the same way."""
    digest = of(b"program")
    mirror_folder = modules.folder / "sha256"
    mirror_folder.mkdir()
    (mirror_folder / digest.removeprefix("sha256:")).write_bytes(b"program")
    environ = {mirror.VARIABLE: modules.url, **company.variables()}

    assert mirror.fetch({"tool": digest}, tmp_path, environ, lambda _: None)
    assert (tmp_path / "tool").read_bytes() == b"program"
    assert not mirror.fetch({"tool": digest}, tmp_path, {mirror.VARIABLE: modules.url}, print)


def test_the_persons_own_configuration(
    company: Company, registry: RegistryServer, tmp_path: Path
) -> None:
    """``[network]`` means the same as the variables, and its authority is added to the system's."""
    folder = tmp_path / "config" / "shipway"
    folder.mkdir(parents=True)
    (folder / "ca.pem").write_bytes(company.ca.read_bytes())
    (folder / "config.toml").write_text(
        f'[network]\nhttps_proxy = "{company.proxy}"\nno_proxy = "x.test"\nca = "ca.pem"\n'
    )
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    tools = Tools(lambda _: None, home)

    assert tools.registry.tags(f"{REGISTRY}/shop/web") == ()
    assert company.asked == [f"CONNECT {REGISTRY}:443"]
    assert registry.count("tags/list")
    bundle = tools.variables["SSL_CERT_FILE"]
    assert {tools.variables[name] for name in ("GIT_SSL_CAINFO", "PIP_CERT")} == {bundle}
