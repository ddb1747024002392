"""What travels: the wheel is whole, and no lock holds an address."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from shipway.adapters import example
from shipway.adapters.engines.locks import PACKAGED, LockFolder

ROOT = Path(__file__).parents[1]
TESTS = ROOT / "tests" / "engines"
LOCKS = [*ROOT.glob("requirements/*"), *PACKAGED.rglob("*"), *TESTS.rglob("*")]
IGNORED = {"__pycache__", ".mypy_cache", ".ruff_cache"}
ALL = [
    *((PACKAGED, name) for name in LockFolder(PACKAGED).names()),
    *((TESTS, name) for name in LockFolder(TESTS).names()),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel as anybody would."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), "."],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (path,) = out.iterdir()
    assert path.name.endswith("-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_carries_all_that_the_checkout_has(wheel: zipfile.ZipFile) -> None:
    """Engine locks, schemas, explanations and policies travel inside."""
    here = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "shipway").rglob("*")
        if path.is_file() and not IGNORED & set(path.parts)
    }

    inside = {name for name in wheel.namelist() if name.startswith("shipway/")}

    assert {name for name in inside if not name.startswith("shipway/examples/")} == here
    for name in LockFolder(PACKAGED).names():
        for file in ("engine.toml", "go.mod", "go.sum"):
            assert f"shipway/engines/{name}/{file}" in inside
    assert "shipway/explain/engine.build.md" in inside


def test_the_wheel_carries_the_example_of_the_demo(wheel: zipfile.ZipFile) -> None:
    """An installed Shipway can show itself: the example is where ``shipway demo`` looks for it."""
    inside = {name for name in wheel.namelist() if name.startswith("shipway/examples/hello/")}

    assert inside == {
        f"shipway/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "examples" / "hello").rglob("*")
        if path.is_file()
    }
    assert example.PLACES[0].relative_to(ROOT / "src").as_posix() == "shipway/examples/hello"


def test_the_wheel_carries_no_program_of_the_tests(wheel: zipfile.ZipFile) -> None:
    """What only tests need is never built by a user."""
    assert not [name for name in wheel.namelist() if "cosign" in Path(name).parts]


@pytest.mark.parametrize(
    "path", [path.relative_to(ROOT).as_posix() for path in LOCKS if path.is_file()]
)
def test_no_lock_holds_an_address(path: str) -> None:
    """Where packages come from is the configuration of each machine."""
    text = (ROOT / path).read_text("utf-8")

    assert not re.search(
        r"\b(https?|file|git|ssh)(\+\w+)?://|--(extra-)?index-url |--find-links ", text
    )


@pytest.mark.parametrize(("folder", "name"), ALL)
def test_a_recipe_names_what_its_modules_lock(folder: Path, name: str) -> None:
    """Programs are tools of go.mod, the version is the one required, the toolchain is locked."""
    lock = LockFolder(folder).read(name)
    mod = lock.mod.decode()

    tools = set(re.findall(r"^(?:tool )?\t?([\w./-]+)$", mod.partition("tool ")[2], re.MULTILINE))
    assert set(lock.recipe.programs.values()) == tools - {"("}
    for package in lock.recipe.programs.values():
        assert any(
            package.startswith(module) and version == lock.recipe.version
            for module, version in re.findall(r"^\t([\w./-]+) (v\S+)", mod, re.MULTILINE)
        )
    assert (PACKAGED / f"{lock.recipe.toolchain}.txt").is_file()
    assert "replace" not in mod.split()


def test_the_clusters_engines_are_all_there() -> None:
    """From etcd to the registry, and kubectl from the same build."""
    programs = {
        program
        for name in LockFolder().names()
        for program in LockFolder().read(name).recipe.programs
    }

    assert programs == {
        "bridge", "containerd", "containerd-shim-runc-v2", "coredns", "ctr", "dlv", "etcd",
        "govulncheck", "host-local", "kube-apiserver", "kube-controller-manager", "kube-proxy",
        "kube-scheduler", "kubectl", "kubelet", "kustomize", "loopback", "portmap", "registry",
    }  # fmt: skip
    assert LockFolder(TESTS).names() == (
        "cosign", "fulcio", "ko", "oras", "rekor-server", "syft", "timestamp-server",
    )  # fmt: skip
