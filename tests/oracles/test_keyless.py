"""The real cosign v3 judges what was signed by an identity, with a private Sigstore's root."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from fakes.chain import Chain
from fakes.issuer import EMAIL
from fakes.person import Person
from fakes.real_registry import RealRegistry
from shipway.core.evidence import predicate, statement
from shipway.core.oci.manifest import parse_index
from shipway.errors import ShipwayError
from shipway.roads import sign as road
from shipway.stages import attest
from shipway.stages.attest import AttestRequest, Said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes.gate import Play
    from fakes.real_sigstore import RealSigstore
    from shipway.wiring.tools import Tools

pytestmark = pytest.mark.engines


class World:
    """A registry with images, a person of a job with a token, and cosign beside them."""

    def __init__(
        self, registry: RealRegistry, sigstore: RealSigstore, cosign: Path, home: Path
    ) -> None:
        self.registry, self.sigstore, self.cosign = registry, sigstore, cosign
        self.docker = registry.docker_config()
        self.home = home
        self.person = Person(home)
        self.person.environ["DOCKER_CONFIG"] = str(self.docker)

    def tools(self, **trust: Any) -> Tools:
        """Return hands with a fresh token, and ``[trust]`` with values replaced."""
        self.person.configure(self.sigstore.trust(**trust))
        return self.person.tools(SIGSTORE_ID_TOKEN=self.sigstore.issuer.token())

    def chain(self, name: str, tools: Tools) -> Chain:
        """Return a chain whose images go to a repository of the registry."""
        web = f"{self.registry.domain}/{name}/web"
        return Chain(tools.registry, web=web)

    def image(self, name: str) -> str:
        """Push an image, and return its reference."""
        return str(self.chain(name, self.tools()).published.reference)

    def judge(self, verb: str, *argv: str, who: str = EMAIL, issuer: str = "") -> Any:
        """Have cosign verify by identity."""
        by = ["--certificate-identity", who]
        at = ["--certificate-oidc-issuer", issuer or self.sigstore.issuer.url]
        root = ["--trusted-root", str(self.sigstore.root), "--insecure-ignore-sct"]
        return subprocess.run(
            [str(self.cosign), verb, *by, *at, *root, *argv],
            env={
                "HOME": str(self.home),
                "DOCKER_CONFIG": str(self.docker),
                "PATH": os.environ["PATH"],
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@pytest.fixture(scope="module")
def world(
    sigstore: RealSigstore,
    registry_path: Path,
    cosign_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Give one registry for all questions."""
    folder = tmp_path_factory.mktemp("keyless")
    with RealRegistry(registry_path, folder / "registry") as registry:
        yield World(registry, sigstore, cosign_path, folder / "home")


@pytest.fixture(autouse=True)
def _calm(sigstore: RealSigstore) -> None:
    sigstore.calm()


def test_an_image(world: World) -> None:
    """What `shipway sign` signs, cosign verifies by identity and issuer: log, time and all."""
    reference = world.image("one")
    tools = world.tools()
    signed = road.sign(reference, hands=tools, emit=world.person.said.append)
    (line,) = signed.lines()
    assert line.startswith(f"{reference} signed by sha256:")
    said = world.judge("verify", reference)
    assert said.returncode == 0, said.stderr
    (found,) = json.loads(said.stdout)
    assert found["critical"]["type"] == predicate.SIGNATURE
    assert len(world.sigstore.rekor.requests) == len(world.sigstore.timestamp.requests) == 1


def test_somebody_else(world: World) -> None:
    """By another identity, or another issuer, cosign refuses it."""
    reference = world.image("two")
    road.sign(reference, hands=world.tools(), emit=world.person.said.append)
    assert world.judge("verify", reference, who="eve@example.com").returncode != 0
    assert world.judge("verify", reference, issuer="https://example.com").returncode != 0
    assert world.judge("verify", reference).returncode == 0


def test_an_index(world: World) -> None:
    """Of an image for several platforms the index is signed and every manifest in it."""
    tools = world.tools()
    chain = world.chain("many", tools)
    chain.index()
    reference = chain.published.reference
    road.sign(reference, hands=tools, emit=world.person.said.append)
    listed = parse_index(
        tools.registry.pull_manifest(chain.web, chain.published.manifest.digest)[1]
    )
    for one in (reference, *(f"{chain.web}@{part.digest}" for part in listed.manifests)):
        said = world.judge("verify", one)
        assert said.returncode == 0, said.stderr


def test_provenance(world: World) -> None:
    """Any statement that is sealed so is an attestation for cosign, read as what it says."""
    tools = world.tools()
    chain = world.chain("proven", tools)
    build = Said(
        payload=statement.encode(chain.statements()["build"]), subject=chain.published.manifest
    )
    attest.sign(
        AttestRequest(statements=(build,), repository=chain.web),
        signer=tools.sealer(),
        content=tools.content,
        registry=tools.registry,
        clock=tools.clock,
    )
    said = world.judge("verify-attestation", "--type", "slsaprovenance1", chain.published.reference)
    assert said.returncode == 0, said.stderr
    assert world.judge("verify", chain.published.reference).returncode == 0


@pytest.mark.parametrize(
    ("server", "play", "error"),
    [
        ("fulcio", 500, "fulcio.server"),
        ("fulcio", 400, "fulcio.refused"),
        ("fulcio", b"{}", "fulcio.certificate"),
        ("rekor", 503, "rekor.server"),
        ("rekor", 409, "rekor.refused"),
        ("rekor", b"{}", "rekor.entry"),
        ("timestamp", 500, "timestamp.server"),
        ("timestamp", 404, "timestamp.refused"),
        ("timestamp", b"0", "timestamp.token"),
        ("timestamp", "cut", "timestamp.cut"),
    ],
)
def test_nothing_is_half_written(world: World, server: str, play: Play, error: str) -> None:
    """Whichever server fails, it is named, and neither registry nor store has anything of it."""
    reference = world.image(f"fault/{error}")
    tools = world.tools()
    repository, _, digest = reference.partition("@")
    before = tools.links.about(digest)
    getattr(world.sigstore, server).play = play
    with pytest.raises(ShipwayError) as caught:
        road.sign(reference, hands=tools, emit=world.person.said.append)
    assert caught.value.id == error
    assert tools.registry.referrers(repository, digest) == ()
    assert tools.links.about(digest) == before
