"""The real kustomize: what it is kept from, and what it says of its objects' origin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from fakes.apiserver import program
from shipway.adapters.kustomize import Kustomize
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.core.kube.objects import canonical
from shipway.core.ports.process import Completed
from shipway.core.ports.sandbox import Confined
from shipway.core.project import manifests
from shipway.core.project.workload import Workload
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Canned:
    """A sandbox that runs nothing, remembers how it was asked, and answers as it was told."""

    def __init__(self, out: str = "", code: int = 0, err: str = "") -> None:
        self.completed = Completed(code, out.encode(), err.encode())
        self.asked: list[tuple[dict[str, str], bool]] = []

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        on_line: Callable[[str], None] | None = None,
        network: bool = False,
    ) -> Confined:
        """Answer."""
        assert argv[1:4] == ["build", "--load-restrictor", "LoadRestrictionsRootOnly"]
        assert cwd
        assert on_line is None
        self.asked.append((dict(env), network))
        return Confined(self.completed, "open" if network else "none")

    def ports(
        self, argv: Sequence[str], *, env: Mapping[str, str], seconds: float, memory: int
    ) -> tuple[int, ...] | None:
        """Nothing listens."""
        raise AssertionError((argv, env, seconds, memory))


def real() -> Kustomize:
    """Return the real one."""
    sandbox = NamespaceSandbox(SystemProcesses())
    return Kustomize(program("kustomize", "kustomize"), "v5.8.1", sandbox=sandbox)


def write(root: Path, files: Mapping[str, str]) -> None:
    """Write these files."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


SERVICES = (
    Workload(name="web", readiness="/readyz", liveness="/healthz", port=80),
    Workload(name="plain"),
    Workload(name="api", kind="grpc", grpc_health=True, port=9090),
    Workload(name="bg", kind="worker"),
    Workload(name="migrate", kind="job"),
    Workload(name="night", kind="cron", schedule="1 2 * * *"),
)


@pytest.mark.parametrize("overlay", manifests.overlays("shop"), ids=lambda one: one.environment)
def test_memory_is_what_kustomize_makes(tmp_path: Path, overlay: manifests.Overlay) -> None:
    """Rendering in memory gives the very objects that kustomize makes of the written files."""
    write(tmp_path, manifests.files("shop", SERVICES))

    made = real().render(str(tmp_path), f"deploy/overlays/{overlay.environment}")

    expected = manifests.in_memory("shop", SERVICES, overlay)
    assert sorted(canonical(one.object) for one in made) == sorted(map(canonical, expected))


def test_origin_of_bases_and_generators(tmp_path: Path) -> None:
    """Files of bases are named from the repository's root; generated objects by what makes them."""
    write(
        tmp_path,
        {
            "deploy/base/a.yaml": CONFIG,
            "deploy/base/kustomization.yaml": "resources: [a.yaml]\n"
            "configMapGenerator: [{name: b, literals: [k=v]}]\n"
            "generatorOptions: {annotations: {mine: yes-please}}\n",
            "deploy/dev/kustomization.yaml": "resources: [../base]\nnamespace: shop-dev\n",
        },
    )

    found = {
        one.object["metadata"]["name"]: one for one in real().render(str(tmp_path), "deploy/dev")
    }

    assert found["a"].file == "deploy/base/a.yaml"
    assert "annotations" not in found["a"].object["metadata"]
    (generated,) = [one for name, one in found.items() if name.startswith("b-")]
    assert generated.file == "deploy/base/kustomization.yaml"
    assert generated.object["metadata"]["annotations"] == {"mine": "yes-please"}


def test_files_outside_its_root(tmp_path: Path) -> None:
    """A file above the folder of its kustomization is not read."""
    write(
        tmp_path,
        {"secret.yaml": CONFIG, "deploy/kustomization.yaml": "resources: [../secret.yaml]\n"},
    )

    with pytest.raises(ShipwayError, match="security") as caught:
        real().render(str(tmp_path), "deploy")

    assert (caught.value.id, caught.value.kind) == ("render.failed", Kind.CONFIG)


def test_a_fault_is_told_without_the_way_to_it(tmp_path: Path) -> None:
    """Of a broken file behind two bases the message keeps what is wrong and where."""
    write(
        tmp_path,
        {
            "deploy/base/kustomization.yaml": "resources: [web.yaml]\n",
            "deploy/base/web.yaml": "a: [\n",
            "deploy/dev/kustomization.yaml": "resources: [../base]\n",
        },
    )

    with pytest.raises(ShipwayError, match=r"'web\.yaml'") as caught:
        real().render(str(tmp_path), "deploy/dev")

    assert str(tmp_path) not in caught.value.message
    assert "recursed" not in caught.value.message
    assert caught.value.hint


def test_plugins_do_not_run(tmp_path: Path) -> None:
    """An exec plugin is refused by kustomize itself."""
    marker = tmp_path / "ran"
    plugin = tmp_path / "deploy" / "plugin.sh"
    write(
        tmp_path,
        {
            "deploy/plugin.sh": f"#!/bin/sh\ntouch {marker}\n",
            "deploy/gen.yaml": "apiVersion: a.b/v1\nkind: Gen\nmetadata:\n  name: gen\n"
            "  annotations:\n    config.kubernetes.io/function: |\n"
            "      exec: {path: ./plugin.sh}\n",
            "deploy/kustomization.yaml": "generators: [gen.yaml]\n",
        },
    )
    plugin.chmod(0o755)

    with pytest.raises(ShipwayError):
        real().render(str(tmp_path), "deploy")

    assert not marker.exists()


@pytest.mark.parametrize(
    "entry",
    [
        "https://github.com/example/base//deploy?ref=main",
        "github.com/example/base?ref=v1.2.3",
        "https://example.com/all.yaml",
        "git@github.com:example/base",
        f"https://github.com/example/base?ref={COMMIT}x",
    ],
)
def test_remote_base_without_commit(tmp_path: Path, entry: str) -> None:
    """A remote base that can change is refused before anything runs, with file and entry."""
    write(tmp_path, {"deploy/kustomization.yaml": f"resources: [{json.dumps(entry)}]\n"})
    sandbox = Canned()

    with pytest.raises(ShipwayError) as caught:
        Kustomize("kustomize", "v1", sandbox=sandbox).render(str(tmp_path), "deploy")

    assert (caught.value.id, caught.value.subject) == ("render.remote", "deploy/kustomization.yaml")
    assert entry in caught.value.message
    assert sandbox.asked == []


def test_remote_base_by_commit(tmp_path: Path) -> None:
    """A remote base by commit id is let through, with a network and git only then."""
    entry = f"https://github.com/example/base//deploy?ref={COMMIT}"
    write(tmp_path, {"deploy/kustomization.yaml": f"resources: ['{entry}']\n"})
    origin = (
        f"repo: https://github.com/example/base\n      ref: {COMMIT}\n      path: deploy/a.yaml"
    )
    sandbox = Canned(_with_origin(origin))

    (found,) = Kustomize("kustomize", "v1", sandbox=sandbox).render(str(tmp_path), "deploy")

    assert found.file == f"https://github.com/example/base@{COMMIT}:deploy/a.yaml"
    ((env, network),) = sandbox.asked
    assert network
    assert set(env) == {"PATH", "GIT_CONFIG_NOSYSTEM"}


def test_remote_base_of_a_remote_base(tmp_path: Path) -> None:
    """What a remote base pulls in must be pinned as well."""
    entry = f"https://github.com/example/base?ref={COMMIT}"
    write(tmp_path, {"deploy/kustomization.yaml": f"resources: ['{entry}']\n"})
    sandbox = Canned(_with_origin("repo: https://github.com/other\n      ref: main"))

    with pytest.raises(ShipwayError, match=r"pulls in https://github\.com/other") as caught:
        Kustomize("kustomize", "v1", sandbox=sandbox).render(str(tmp_path), "deploy")

    assert caught.value.id == "render.remote"


def test_local_rendering_has_no_network(tmp_path: Path) -> None:
    """Without a remote base there is neither network nor environment; no origin, no file."""
    write(
        tmp_path,
        {
            "deploy/a.yaml": CONFIG,
            "deploy/kustomization.yaml": "resources: [a.yaml, ./b]\ncomponents: [./b]\n",
            "deploy/b/Kustomization": "resources:\n- |-\n  kind: A\n  metadata: {name: b}\n",
        },
    )
    sandbox = Canned(CONFIG)

    (found,) = Kustomize("kustomize", "v1", sandbox=sandbox).render(str(tmp_path), "deploy")

    assert found.file == ""
    assert sandbox.asked == [({}, False)]


def test_base_outside_the_repository(tmp_path: Path) -> None:
    """A local base that no commit covers is refused."""
    (tmp_path / "outside").mkdir()
    write(tmp_path, {"repo/deploy/kustomization.yaml": "resources: [../../outside]\n"})

    with pytest.raises(ShipwayError) as caught:
        real().render(str(tmp_path / "repo"), "deploy")

    assert caught.value.id == "render.outside"


@pytest.mark.parametrize("text", ["a: [", "[1]"])
def test_broken_kustomization(tmp_path: Path, text: str) -> None:
    """A kustomization that is no mapping is named."""
    write(tmp_path, {"deploy/kustomization.yaml": text})

    with pytest.raises(ShipwayError) as caught:
        real().render(str(tmp_path), "deploy")

    assert (caught.value.id, caught.value.subject) == ("render.yaml", "deploy/kustomization.yaml")


def _with_origin(origin: str) -> str:
    return (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  annotations:\n"
        f"    config.kubernetes.io/origin: |\n      {origin}\n"
    )
