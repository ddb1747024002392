"""A whole chain of evidence in a registry in memory, made with the real stages.

Tests take :class:`Chain`, bend one thing (leave a link out, sign with another key, alter a byte)
and ask the walk, the policy or trace what it says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fakes.content import MemoryContent
from fakes.registry import MemoryRegistry
from fakes.signer import MemorySigner
from shipway.core.evidence import made, shipped, statement, verdict
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.trust import Trust, TrustedKey
from shipway.core.golang.binary import Binary, Decided, Module, TestReport
from shipway.core.kube.objects import MANIFESTS, entries, write_set
from shipway.core.oci.descriptor import CONFIG, MANIFEST, Descriptor, Platform, describe
from shipway.core.oci.digest import Digest, of
from shipway.core.oci.image import Base, Image, Layer, Placed, Published
from shipway.core.project.source import Source
from shipway.stages import attest, publish, seal
from shipway.stages.verify import VerifyRequest

if TYPE_CHECKING:
    from shipway.core.evidence.link import Link

NOW = 1_800_000_000.0
HOST = "127.0.0.1:5000"
WEB = f"{HOST}/shop/web"
EVIDENCE = f"{HOST}/shop/evidence"
CLUSTER = "0b1c-cluster-uid"

SOURCE = Source(
    root="/home/somebody/shop",
    commit="c" * 40,
    tree="d" * 40,
    dirty=False,
    branch="main",
    version="v1.2.3",
    time=1_700_000_000,
    remote="https://example.com/shop.git",
)
REPORT = TestReport(
    result="PASSED",
    passed=("example.com/shop.TestA",),
    failed=(),
    coverage=91.5,
    configuration=(Decided("go.mod", of(b"module")),),
)
BINARY = Binary(
    content=describe(b"binary", "application/octet-stream"),
    platform=Platform("amd64"),
    package="example.com/shop/cmd/web",
    module="example.com/shop",
    go_version="go1.27.3",
    flags=("-trimpath",),
    environment={"CGO_ENABLED": "0"},
    modules=(Module("example.com/dep", "v1.0.0", "h1:" + "A" * 43 + "="),),
    toolchain=of(b"toolchain"),
)


class FixedClock:
    """A clock that stands at one moment unless told otherwise."""

    def __init__(self, now: float = NOW) -> None:
        self.time = now

    def now(self) -> float:
        """Return the moment."""
        return self.time

    def monotonic(self) -> float:
        """Return the moment."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.time += seconds


class Chain:
    """One service ``web``, made, sealed, rendered, and ready to be verified and deployed."""

    def __init__(self, registry: Any = None, *, signer: Any = None, web: str = WEB) -> None:
        self.content = MemoryContent()
        self.registry = registry or MemoryRegistry()
        self.signer = signer or MemorySigner()
        self.clock = FixedClock()
        self.web = web
        self.evidence = web.rpartition("/")[0] + "/evidence"
        self.image: Image
        self.published: Any
        self.image, self.published = self._publish()
        self.links: dict[str, Link] = {}
        self.release: Any = None
        self.rendered: Any = None
        self.objects: tuple[dict[str, Any], ...] = ()

    def statements(self, *, report: TestReport = REPORT) -> dict[str, statement.Statement]:
        """Return what ``make`` says about the image, by kind."""
        digest = self.published.manifest.digest
        build = self.build(self.image, self.published)
        document = b'{"spdxVersion":"SPDX-2.3","name":"web"}'
        return {
            "signature": made.signature(digest),
            "build": made.provenance(build),
            "sbom": made.sbom(document, digest),
            "test": made.tests(report, SOURCE, digest),
        }

    def build(self, image: Image, published: Published, binary: Binary = BINARY) -> made.Build:
        """Return how an image was built."""
        return made.Build(
            source=SOURCE,
            binary=binary,
            image=image,
            published=published,
            run="run-1",
            started=NOW - 10,
            finished=NOW - 5,
            tools={"shipway": "0.1.0"},
        )

    def make(self, without: str = "", **said: Any) -> None:
        """Sign and push the links of ``make``, but for one."""
        kinds = [one for one in self.statements(**said).items() if one[0] != without]
        for kind, one in kinds:
            self.attest(kind, one, self.published.manifest, self.web)

    def index(self, *, without: str = "", unsigned: str = "", listed: int = 2) -> Placed:
        """Make ``web`` an index over two platforms: ``amd64`` as it was, ``arm64`` beside it.

        ``without`` leaves a link of the index out, ``unsigned`` all links of that architecture;
        the index's build link lists the first ``listed`` manifests.
        """
        builds, children = [], []
        for architecture in ("amd64", "arm64"):
            image, published = self._publish(architecture)
            binary = msgspec.structs.replace(BINARY, platform=Platform(architecture))
            self.image, self.published = image, published
            builds.append(self.build(image, published, binary))
            children.append((Platform(architecture), published.manifest))
            if architecture != unsigned:
                for kind, said in self.statements().items():
                    self.attest(f"{kind} {architecture}", said, published.manifest, self.web)
        request = publish.JoinRequest(repository=self.web, images=tuple(children), annotations={})
        index = publish.join(request, content=self.content, registry=self.registry)
        digest = index.manifest.digest
        told = made.Joined(index=digest, builds=tuple(builds[:listed]))
        said = {
            "signature": made.signature(digest),
            "build": made.joined(told),
            "test": made.tests(REPORT, SOURCE, digest),
        }
        for kind, one in said.items():
            if kind != without:
                self.attest(kind, one, index.manifest, self.web)
        self.published = index
        return index

    def attest(
        self, kind: str, said: statement.Statement, subject: Descriptor, where: str, **other: Any
    ) -> Link:
        """Sign one statement and push it."""
        request = attest.AttestRequest(
            statements=(
                attest.Said(
                    payload=statement.encode(said), subject=subject, tag=other.get("tag", "")
                ),
            ),
            repository=where,
        )
        self.links[kind] = attest.sign(
            request,
            signer=other.get("signer", self.signer),
            content=self.content,
            registry=self.registry,
            clock=self.clock,
            links=other.get("store"),
        )[0]
        return self.links[kind]

    def seal(self, tests: str = "passed", *, sign: bool = True) -> None:
        """Seal the release over the links so far, and sign it."""
        request = seal.SealRequest(
            project="shop",
            version="v1.2.3",
            tests=tests,
            services=(
                seal.Sealed(name="web", published=self.published, links=tuple(self.links.values())),
            ),
            repository=self.evidence,
        )
        self.release = seal.seal(request, content=self.content, registry=self.registry)
        if sign:
            self.attest(
                "release", shipped.release(self.release), self.release.manifest, self.evidence
            )

    def render(self, *objects: dict[str, Any], environment: str = "dev", sign: bool = True) -> None:
        """Render the given objects, by default one Deployment, and sign it."""
        self.objects = objects or (deployment(self.published.reference),)
        self.rendered = self.content.put(write_set(self.objects), MANIFESTS)
        request = seal.KeepRequest(
            rendered=self.rendered, release=self.release.manifest, repository=self.evidence
        )
        seal.keep(request, content=self.content, registry=self.registry)
        rendering = shipped.Rendering(
            project="shop",
            environment=environment,
            rendered=self.rendered.digest,
            media_type=MANIFESTS,
            size=self.rendered.size,
        )
        if sign:
            said = shipped.render(rendering, self.release.digest)
            self.attest("render", said, self.release.manifest, self.evidence)

    def whole(self) -> Chain:
        """Make, seal and render, all in order."""
        self.make()
        self.seal()
        self.render()
        return self

    def trust(self, *signers: Any, protected: bool = False) -> Trust:
        """Trust the given signers, by default the chain's own, in every role."""
        keys = tuple(
            TrustedKey(key=one.public_key, passphrase=one.has_passphrase)
            for one in signers or (self.signer,)
        )
        return Trust(keys=keys, protected=protected)

    def request(self, **other: Any) -> VerifyRequest:
        """Return the request to verify this chain for ``dev``."""
        request = VerifyRequest(
            project="shop",
            environment="dev",
            repository=self.evidence,
            release=self.release.digest,
            rendered=self.rendered,
            trust=self.trust(),
        )
        return msgspec.structs.replace(request, **other)

    def decide(self, said: verdict.Verdict) -> Link:
        """Sign a verdict and push it."""
        said_link = verdict.statement(said)
        return self.attest("verdict", said_link, self.release.manifest, self.evidence)

    def intend(self, sequence: int = 1, **other: Any) -> Link:
        """Sign the intent to deploy this chain."""
        planned = shipped.Intent(
            project="shop",
            environment="dev",
            target="local",
            cluster=CLUSTER,
            sequence=sequence,
            kind="deploy",
            release=self.release.digest,
            rendered=self.rendered.digest,
            render=self.links["render"].edge,
            verdict=self.links["verdict"].edge,
            objects=planned_objects(self.content.read(self.rendered.digest)),
            signed_on=statement.timestamp(NOW),
        )
        planned = msgspec.structs.replace(planned, **other)
        name = shipped.tag("dev", "local", sequence, "intent")
        said = shipped.intent(planned)
        return self.attest("intent", said, self.release.manifest, self.evidence, tag=name)

    def end(self, sequence: int = 1, **other: Any) -> Link:
        """Sign the outcome of the last intent."""
        ended = shipped.Outcome(
            project="shop",
            environment="dev",
            target="local",
            cluster=CLUSTER,
            sequence=sequence,
            intent=self.links["intent"].edge,
            release=self.release.digest,
            result="passed",
            started_on=statement.timestamp(NOW),
            finished_on=statement.timestamp(NOW + 4),
        )
        ended = msgspec.structs.replace(ended, **other)
        name = shipped.tag("dev", "local", sequence, "outcome")
        said = shipped.outcome(ended)
        return self.attest("outcome", said, self.release.manifest, self.evidence, tag=name)

    def policy_digest(self) -> Digest:
        """Return the digest of the built-in policy."""
        return built_in().digest

    def _publish(self, architecture: str = "amd64") -> tuple[Image, Published]:
        said = f'{{"architecture":"{architecture}","os":"linux"}}'.encode()
        config = self.content.put(said, CONFIG)
        layer = self.content.put(b"a layer", "application/vnd.oci.image.layer.v1.tar")
        data = msgspec.json.encode(
            {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]}
        )
        for one in (config, layer):
            self.registry.push_blob(self.web, one, self.content)
        manifest = self.registry.push_manifest(self.web, data, MANIFEST)
        image = Image(
            platform=Platform(architecture),
            layers=(Layer(layer.digest, layer.size, "binary"),),
            config=config,
            annotations={},
            base=Base(name="shipway/static", digest=of(b"base")),
            binary=BINARY.content.digest,
        )
        published = Published(
            repository=self.web,
            manifest=manifest,
            layers=(layer,),
            config=config,
            compression="none",
        )
        return image, published


def planned_objects(rendered: bytes) -> tuple[shipped.Planned, ...]:
    """Return what an intent says of each object of a rendered set."""
    return tuple(
        shipped.Planned(
            group=one.ref.group,
            kind=one.ref.kind,
            namespace=one.ref.namespace,
            name=one.ref.name,
            digest=one.digest,
        )
        for one in entries(rendered)
    )


def deployment(image: str, name: str = "web", space: str = "shop-dev") -> dict[str, Any]:
    """Return a small Deployment that runs ``image``."""
    labels = {"app.kubernetes.io/name": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": space, "labels": {**labels}},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {**labels}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": False,
                    "containers": [
                        {
                            "name": name,
                            "image": image,
                            "ports": [{"containerPort": 8080}],
                            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                        }
                    ],
                },
            },
        },
    }
