"""The real cosign v3 judges what we wrote, on the real registry; keys open both ways."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from fakes.chain import NOW, Chain
from fakes.clock import FakeClock
from fakes.content import MemoryContent
from fakes.hands import FakeHands
from fakes.journal import MemoryRuns
from fakes.real_registry import RealRegistry
from shipway.adapters.keyfile import open_key
from shipway.adapters.keys import KeyFolder
from shipway.adapters.registry.client import connect
from shipway.core.evidence import bundle, predicate, scanned, trust
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.scanned import Scan
from shipway.core.evidence.trust import Trust, TrustedKey
from shipway.core.evidence.walk import Walk
from shipway.core.oci.manifest import parse_index
from shipway.core.vulns.finding import Finding
from shipway.core.vulns.gate import NOTED, Judged
from shipway.roads import carriage
from shipway.run import Run
from shipway.stages.verify import RegistrySource, drive, verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipway.adapters.registry.client import Client

pytestmark = pytest.mark.engines


class Cosign:
    """cosign, with a home of its own and the registry's login."""

    def __init__(self, program: Path, folder: Path, docker: Path) -> None:
        self._program = program
        self._folder = folder
        self._env = {
            "HOME": str(folder),
            "DOCKER_CONFIG": str(docker),
            "COSIGN_PASSWORD": "",
            "PATH": os.environ["PATH"],
        }

    def run(self, *argv: str, password: str = "") -> subprocess.CompletedProcess[str]:
        """Run it and return what it said."""
        return subprocess.run(
            [str(self._program), *argv],
            env={**self._env, "COSIGN_PASSWORD": password},
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


class Hands(FakeHands):
    """What a promotion asks for: real registries, a store, everything else in memory."""

    def __init__(self, client: Client, store: MemoryContent) -> None:
        super().__init__()
        self._client = client
        self._store = store

    @property
    def registry(self) -> Any:
        """Return the client of both registries."""
        return self._client

    @property
    def content(self) -> Any:
        """Return the store."""
        return self._store


class World:
    """A chain in the real registry, signed by a key on disk, and cosign beside it."""

    def __init__(self, registry: RealRegistry, folder: Path, program: Path, name: str) -> None:
        docker = registry.docker_config()
        self.client = connect({"DOCKER_CONFIG": str(docker)})
        self.keys = folder / "keys"
        self.signer = KeyFolder(str(self.keys)).signer()
        self.chain = Chain(
            self.client, signer=self.signer, web=f"{registry.domain}/{name}/web"
        ).whole()
        self._scanned()
        self.program, self.folder = program, folder
        self.registry = registry
        self.cosign = Cosign(program, folder, docker)
        self.reference = self.chain.published.reference

    def _scanned(self) -> None:
        """Attach what a scan says: the vulnerability attestation and the OpenVEX document."""
        found = Finding(
            id="GO-2026-9001", module="example.com/leaky", version="v1.0.0", grade="required"
        )
        scan = Scan(
            scanner="govulncheck v1.9.0",
            source="folder",
            modified=NOW - 60,
            judged=(Judged(found, NOTED),),
            block="called",
            started=NOW - 5,
            finished=NOW,
        )
        image, web = self.chain.published.manifest, self.chain.web
        vexed = scanned.vex(scan, image.digest, web, self.signer.fingerprint)
        assert vexed is not None
        self.chain.attest("scan", scanned.statement(scan, image.digest), image, web)
        self.chain.attest("vex", vexed, image, web)

    def cosign_verify(self, verb: str, *more: str, key: str = "") -> Any:
        """Verify with cosign against our public key."""
        public = key or str(self.keys / "shipway.pub")
        return self.cosign.run(
            verb, "--key", public, "--insecure-ignore-tlog=true", *more, self.reference
        )


@pytest.fixture(scope="module")
def world(
    cosign_path: Path, registry_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Give one chain for all questions."""
    folder = tmp_path_factory.mktemp("cosign")
    with RealRegistry(registry_path, folder / "registry") as registry:
        made = World(registry, folder, cosign_path, "shop")
        yield made
        made.client.close()


def test_signature(world: World) -> None:
    """Cosign verifies the image's signature."""
    said = world.cosign_verify("verify")
    assert said.returncode == 0, said.stderr
    digest = world.chain.published.manifest.digest
    found = json.loads(said.stdout)
    assert {one["critical"]["image"]["docker-manifest-digest"] for one in found} == {digest}
    assert predicate.SIGNATURE in {one["critical"]["type"] for one in found}


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        ("slsaprovenance1", predicate.BUILD),
        ("spdxjson", predicate.SBOM),
        (predicate.TEST, predicate.TEST),
        ("vuln", predicate.SCAN),
        ("openvex", predicate.VEX),
    ],
)
def test_attestations(world: World, kind: str, uri: str) -> None:
    """Cosign verifies every attestation that we write, and reads its predicate type."""
    said = world.cosign_verify("verify-attestation", "--type", kind)
    assert said.returncode == 0, said.stderr
    assert '"payload"' in said.stdout
    lines = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    assert uri in json.dumps([_payload(line) for line in lines])


def test_another_key(world: World, tmp_path: Path) -> None:
    """With another public key cosign refuses all of it."""
    other = KeyFolder(str(tmp_path / "other"))
    other.signer()
    for verb, more in (("verify", ()), ("verify-attestation", ("--type", "spdxjson"))):
        said = world.cosign_verify(verb, *more, key=str(tmp_path / "other" / "shipway.pub"))
        assert said.returncode != 0


def test_we_verify_as_a_stranger(world: World) -> None:
    """Our own verdict on the real registry passes."""
    found = verify(world.chain.request(), registry=world.client, clock=world.chain.clock)
    assert found.passed, found.reasons


@pytest.mark.parametrize("password", ["", "a passphrase"])
def test_our_key_opens_in_cosign(world: World, tmp_path: Path, password: str) -> None:
    """Cosign opens the key that we made, with and without passphrase."""
    folder = KeyFolder(str(tmp_path), passphrase=password)
    signer = folder.signer()
    assert signer.has_passphrase == bool(password)
    said = world.cosign.run("public-key", "--key", folder.path, password=password)
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip() == signer.public_key.pem().strip()


@pytest.mark.parametrize("password", ["", "a passphrase"])
def test_cosigns_key_opens_in_ours(world: World, tmp_path: Path, password: str) -> None:
    """We open the key that cosign made, with and without passphrase."""
    prefix = str(tmp_path / "theirs")
    said = world.cosign.run("generate-key-pair", "--output-key-prefix", prefix, password=password)
    assert said.returncode == 0, said.stderr
    pem = (tmp_path / "theirs.key").read_text()
    signer = open_key(pem, password.encode(), subject="theirs")
    assert signer.public_key.pem() == (tmp_path / "theirs.pub").read_text()


def test_cosigns_links_are_read(world: World, tmp_path: Path) -> None:
    """What cosign signs and attests with our key is read and judged like our own."""
    target = tmp_path / "predicate.json"
    target.write_text('{"who": "cosign"}')
    key = str(world.keys / "shipway.key")
    quiet = ("--use-signing-config=false", "--tlog-upload=false", "--key", key, "--yes")
    signed = world.cosign.run("sign", *quiet, world.reference)
    assert signed.returncode == 0, signed.stderr
    attested = world.cosign.run(
        "attest", *quiet, "--type", "cyclonedx", "--predicate", str(target), world.reference
    )
    assert attested.returncode == 0, attested.stderr
    walk = Walk(trust=world.chain.trust(), policy=built_in().policy)
    digest = world.chain.published.manifest.digest
    walk.image(world.chain.web, digest)
    found = drive(walk, RegistrySource(world.client))
    assert found.findings == ()
    assert len(found.about(digest, "signature")) == 2
    assert predicate.CYCLONEDX in {one.edge.predicate_type for one in found.about(digest, "sbom")}


def test_a_bundle_of_cosign_under_another_trust(world: World) -> None:
    """The hint of a bundle only selects: without the key in our trust nothing counts."""
    data = world.chain.content.read(world.chain.links["sbom"].bundle.digest)
    nobody = Trust(keys=())
    found = bundle.parse(data)
    who = trust.judge(found, predicate.SBOM, trust=nobody, policy=built_in().policy, subject="sbom")
    assert not isinstance(who, TrustedKey)


@pytest.fixture(scope="module")
def index(world: World) -> World:
    """Give a chain whose image is an index over two platforms, in the same registry."""
    other = copy.copy(world)
    web = f"{world.registry.domain}/multi/web"
    other.chain = Chain(world.client, signer=world.signer, web=web)
    other.chain.index()
    other.chain.seal()
    other.chain.render()
    other.reference = other.chain.published.reference
    return other


def parts(world: World, client: Client, web: str) -> list[str]:
    """Return references of an index and of the manifests that it lists."""
    digest = world.chain.published.manifest.digest
    listed = parse_index(client.pull_manifest(web, digest)[1]).manifests
    return [f"{web}@{one}" for one in (digest, *(one.digest for one in listed))]


def judged(world: World, reference: str) -> tuple[int, ...]:
    """Return whether cosign finds signature, provenance, tests and SBOM of one manifest: 0 each."""
    asked = copy.copy(world)
    asked.reference = reference
    kinds = ("slsaprovenance1", predicate.TEST, "spdxjson")
    said = [asked.cosign_verify("verify-attestation", "--type", kind) for kind in kinds]
    return tuple(min(1, one.returncode) for one in (asked.cosign_verify("verify"), *said))


def test_an_index_and_each_of_its_manifests(index: World) -> None:
    """Cosign verifies links about the index and about both manifests; an SBOM of each of these."""
    whole, *manifests = parts(index, index.client, index.chain.web)
    assert judged(index, whole) == (0, 0, 0, 1)
    assert [judged(index, one) for one in manifests] == [(0, 0, 0, 0)] * 2


def test_a_promoted_index_in_another_registry(
    index: World, registry_path: Path, tmp_path: Path
) -> None:
    """What was copied to a second registry holds there, for cosign and for ourselves."""
    with RealRegistry(registry_path, tmp_path / "second") as second:
        logins = [one.docker_config() / "config.json" for one in (index.registry, second)]
        both = tmp_path / "docker"
        both.mkdir()
        auths = [json.loads(one.read_text())["auths"] for one in logins]
        (both / "config.json").write_text(json.dumps({"auths": auths[0] | auths[1]}))
        client = connect({"DOCKER_CONFIG": str(both)})
        there, trusted = f"{second.domain}/live/evidence", index.chain.trust()
        with Run("promote", runs=MemoryRuns(), clock=FakeClock(), emit=lambda _: None) as run:
            hands = Hands(client, MemoryContent())
            carriage.copy(index.chain.release, there, trust=trusted, hands=hands, run=run)
        walk = Walk(trust=trusted, policy=built_in().policy)
        walk.release(there, index.chain.release.digest)
        found = drive(walk, RegistrySource(client))
        assert found.findings == ()
        asked = copy.copy(index)
        asked.cosign = Cosign(index.program, index.folder, both)
        whole, *manifests = parts(index, client, f"{second.domain}/multi/web")
        assert judged(asked, whole) == (0, 0, 0, 1)
        assert [judged(asked, one) for one in manifests] == [(0, 0, 0, 0)] * 2
        client.close()


def _payload(line: dict[str, Any]) -> Any:
    import base64  # noqa: PLC0415  only here

    return json.loads(base64.b64decode(line["payload"]))
