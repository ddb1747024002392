"""What all suites share: real programs as fixtures, the order of suites, and no silent skips."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from fakes import ordinary, rooted
from fakes.real_sigstore import RealSigstore
from shipway.adapters.engines import assembly
from shipway.adapters.engines.account import cache_of
from shipway.adapters.process import SystemProcesses
from shipway.adapters.toolchain import GoToolchains

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

pytest_plugins = ("e2e.world",)
"""Fixtures of the suites that drive the whole road: ``world`` and ``service``."""

settings.register_profile(  # two busy cores decide nothing about correctness
    "shipway", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shipway")

TEST_LOCKS = Path(__file__).parent / "engines"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--no-skips``: a skipped test fails the run."""
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what needs a cluster last, so that a plain fault shows first; as root what must be."""
    if os.geteuid() != 0:
        items[:] = rooted.gathered(items)
    items.sort(key=lambda item: item.get_closest_marker("cluster") is not None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip into a failure under ``--no-skips``."""
    report = yield
    if report.skipped and item.config.getoption("no_skips"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is not allowed here: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole file into an error under ``--no-skips``."""
    report = yield
    if report.skipped and collector.config.getoption("no_skips"):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def ordinary_account() -> Iterator[str]:
    """Give an ordinary account that may use sudo without a password."""
    with ordinary.account() as name:
        yield name


@pytest.fixture(scope="session")
def locked_program() -> Callable[[str], Path]:
    """Give the path of a program that only tests need, built from its lock if it is not there."""
    engines = assembly.for_caller(SystemProcesses(), os.environ, locks=TEST_LOCKS)

    def path(name: str) -> Path:
        (built,) = engines.ensure([name], on_progress=lambda _: None)
        return Path(built.directory) / name

    return path


@pytest.fixture(scope="session")
def engine() -> Callable[[str, str], Path]:
    """Give the path of a program (engine, file) of the cluster's own, as the user built it."""
    engines = assembly.for_caller(SystemProcesses(), os.environ)

    def path(name: str, file: str) -> Path:
        (built,) = engines.ensure([name], on_progress=lambda _: None)
        return Path(built.directory) / file

    return path


@pytest.fixture(scope="session")
def cosign_path(locked_program: Callable[[str], Path]) -> Path:
    """Give the real cosign v3."""
    return locked_program("cosign")


@pytest.fixture(scope="session")
def ko_path(locked_program: Callable[[str], Path]) -> Path:
    """Give the real ko."""
    return locked_program("ko")


@pytest.fixture(scope="session")
def syft_path(locked_program: Callable[[str], Path]) -> Path:
    """Give the real syft."""
    return locked_program("syft")


@pytest.fixture(scope="session")
def oras_path(locked_program: Callable[[str], Path]) -> Path:
    """Give the real oras."""
    return locked_program("oras")


@pytest.fixture(scope="session")
def sigstore(
    locked_program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealSigstore]:
    """Give a private Sigstore of real servers; a test calms it first."""
    with RealSigstore(locked_program, tmp_path_factory.mktemp("sigstore")) as made:
        yield made


@pytest.fixture(scope="session")
def kustomize_path(engine: Callable[[str, str], Path]) -> Path:
    """Give the real kustomize."""
    return engine("kustomize", "kustomize")


@pytest.fixture(scope="session")
def registry_path(engine: Callable[[str, str], Path]) -> Path:
    """Give the real CNCF Distribution registry."""
    return engine("registry", "registry")


@pytest.fixture(scope="session")
def go_path() -> str:
    """Give the locked Go toolchain."""
    return GoToolchains(SystemProcesses(), os.environ, cache_of(os.environ, None)).ensure(
        "go1.27.3"
    )
