"""The tampering table: each named answer of the evidence, brought about for real, by its own name.

One service is deployed twice; then somebody with the rights of the row bends one thing, in the
cluster, in the registry, on its disk or in the store, and ``trace`` or ``history`` must name it.
Every row but those of the history puts things back.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from e2e.world import Ran, as_root
from shipway.adapters.keyfile import generate, open_key
from shipway.core.evidence import artifact, bundle, shipped, statement
from shipway.core.evidence import envelope as envelopes
from shipway.core.evidence.history import Head
from shipway.core.evidence.trust import Trust, TrustedKey
from shipway.core.oci.descriptor import INDEX, MANIFEST, Descriptor
from shipway.core.oci.digest import hex_of
from shipway.roads import history
from shipway.stages import attest, deploy
from shipway.wiring.tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2e.world import Repo
    from shipway.core.evidence.link import Link
    from shipway.core.ports.signer import Signer

pytestmark = pytest.mark.cluster

CLUSTERS = "/var/lib/shipway/clusters"
BLOBS = "registry/docker/registry/v2/blobs/sha256"
"""Where the embedded registry keeps what was pushed."""
EMPTY_INDEX = b'{"schemaVersion":2,"mediaType":"%s","manifests":[]}' % INDEX.encode()
FLIP = """import sys
with open(sys.argv[1], "r+b") as file:
    data = file.read()
    file.seek(len(data) // 2)
    file.write(bytes([data[len(data) // 2] ^ 1]))
"""
"""Change one bit in the middle of a file; done twice, nothing has changed."""


class Scene:
    """A service at its second version, and the hands of somebody who bends things."""

    def __init__(self, repo: Repo) -> None:
        self.repo, self.world = repo, repo.world
        self.tools = Tools(lambda _: None, repo.world.env)
        self.signer: Signer = self.tools.signer()
        self.registry, self.content = self.tools.registry, self.tools.content
        self.kube = self.tools.kube(self.world.context)
        for greeting in ("one", "two"):
            repo.edit(greeting)
            ran = repo.up()
            assert ran.code == 0, ran
            setattr(self, greeting, ran.answer["images"][repo.name])
        self.one: str
        self.two: str
        self.image, _, self.digest = self.two.partition("@")
        self.evidence = f"{self.image.rpartition('/')[0]}/evidence"

    @property
    def workload(self) -> dict[str, Any]:
        """Return the live Deployment."""
        return self.world.object("deployment", self.repo.name, "-n", self.repo.namespace)

    @property
    def intent(self) -> str:
        """Return the payload digest of the intent that the Deployment names."""
        return str(self.workload["metadata"]["annotations"]["shipway.dev/intent"])

    @property
    def release(self) -> str:
        """Return the release that the Deployment names."""
        return str(self.workload["metadata"]["annotations"]["shipway.dev/release"])

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """Ask for something in the environment's namespace."""
        return self.world.kubectl("-n", self.repo.namespace, *arguments, text=text)

    def pod(self) -> dict[str, Any]:
        """Return the one pod that is not being deleted, once it is the only one."""
        self.kubectl("rollout", "status", f"deployment/{self.repo.name}", "--timeout=60s")
        (found,) = self.repo.pods()
        return found

    def links(self, repository: str, subject: str) -> dict[str, tuple[Descriptor, bytes]]:
        """Return the links about ``subject``: name of the kind to manifest and its bytes."""
        found = {}
        for one in self.registry.referrers(repository, subject):
            descriptor, data = self.registry.pull_manifest(repository, one.digest)
            if artifact.only_layer(artifact.parse(data)).media_type != bundle.MEDIA_TYPE:
                continue  # the rendered set
            kind = statement.parse(self.envelope(repository, data).payload).kind
            found[kind] = (descriptor, data)
        return found

    def envelope(self, repository: str, manifest: bytes) -> envelopes.Envelope:
        """Return the envelope that a link's manifest carries."""
        layer = artifact.only_layer(artifact.parse(manifest))
        return bundle.parse(self.registry.pull_blob(repository, layer)).envelope

    @contextlib.contextmanager
    def kept(self, repository: str, subject: str) -> Iterator[dict[str, tuple[Descriptor, bytes]]]:
        """Yield the links about ``subject``, and put all of them back."""
        found = self.links(repository, subject)
        tag = f"sha256-{hex_of(subject)}"
        index, data = self.registry.pull_manifest(repository, tag)
        try:
            yield found
        finally:
            for _, manifest in found.values():
                self.registry.push_manifest(repository, manifest, MANIFEST)
            self.registry.push_manifest(repository, data, index.media_type, tag)

    def said(self, kind: str, into: type[Any]) -> Any:
        """Return what the newest link of this kind says about the release."""
        _, data = self.links(self.evidence, self.release)[kind]
        payload = self.envelope(self.evidence, data).payload
        return shipped.read(statement.parse(payload), into)

    def sign(self, told: shipped.Intent | shipped.Outcome) -> Link:
        """Sign and publish a record of the history as a deployer would."""
        own = shipped.intent(told) if isinstance(told, shipped.Intent) else shipped.outcome(told)
        release = self.registry.resolve(self.evidence, told.release)
        assert release is not None
        payload = statement.encode(own)
        tag = shipped.tag(
            told.environment, told.target, told.sequence, own.kind, statement_digest(payload)
        )
        said = attest.Said(payload=payload, subject=release, tag=tag)
        request = attest.AttestRequest(statements=(said,), repository=self.evidence)
        (link,) = attest.sign(
            request,
            signer=self.signer,
            content=self.content,
            registry=self.registry,
            clock=self.tools.clock,
        )
        return link

    def annotate(self, intent: str) -> None:
        """Have the Deployment name another intent."""
        self.kubectl(
            "annotate",
            "--overwrite",
            f"deployment/{self.repo.name}",
            f"shipway.dev/intent={intent}",
        )


def statement_digest(payload: bytes) -> Any:
    """Return the identity of a statement."""
    return envelopes.Envelope(payload=payload, signatures=()).identity


def answers(ran: Ran) -> set[str]:
    """Return what a trace found wrong; its exit code says that something is."""
    assert ran.code == 10, ran
    assert not ran.answer["trace"]["ok"]
    return {one["answer"] for one in ran.answer["trace"]["findings"]}


def told(ran: Ran) -> str:
    """Return the findings of a history, one a line."""
    return "\n".join(ran.answer["targets"][0]["findings"])


@pytest.fixture(scope="module")
def scene(service: Repo) -> Scene:
    """Give a service that was deployed twice."""
    return Scene(service)


@pytest.fixture
def trace(scene: Scene) -> Callable[..., Ran]:
    """Trace the Deployment, or what is named."""
    return lambda subject="": scene.repo.trace(subject or f"deployment/{scene.repo.name}")


# --- with write access to the cluster


def test_edited_object(scene: Scene, trace: Callable[..., Ran]) -> None:
    """Scaling by hand is an edit; undone, the chain holds again."""
    assert trace().code == 0
    scene.kubectl("scale", "--replicas=0", f"deployment/{scene.repo.name}")
    ran = trace()
    scene.kubectl("scale", "--replicas=1", f"deployment/{scene.repo.name}")
    assert answers(ran) == {"edited object"}
    assert "spec.replicas" in ran.answer["trace"]["findings"][0]["detail"]
    scene.pod()
    assert trace().code == 0


def test_annotation_copied_from_another_object(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A Deployment with another name and the stamp of ours is not ours."""
    fake = copy.deepcopy(scene.workload)
    fake["metadata"] = {
        "name": "fake",
        "namespace": scene.repo.namespace,
        "annotations": fake["metadata"]["annotations"],
    }
    fake["spec"]["replicas"] = 0
    fake["spec"]["selector"]["matchLabels"]["fake"] = "yes"
    fake["spec"]["template"]["metadata"]["labels"]["fake"] = "yes"
    scene.kubectl("create", "-f", "-", text=json.dumps(fake))
    ran = trace("deployment/fake")
    scene.kubectl("delete", "deployment", "fake")
    assert "annotation copied from another object or cluster" in answers(ran)


def test_an_object_made_again(scene: Scene, trace: Callable[..., Ran]) -> None:
    """An object of the same name, bytes and stamp, but another uid, is not the one deployed."""
    again = copy.deepcopy(scene.workload)
    again["metadata"] = {
        key: again["metadata"][key] for key in ("name", "namespace", "annotations", "labels")
    }
    scene.kubectl("delete", "deployment", scene.repo.name)
    scene.kubectl("create", "-f", "-", text=json.dumps(again))
    ran = trace()
    assert answers(ran) == {"annotation copied from another object or cluster"}
    assert "another object of this name" in ran.answer["trace"]["findings"][0]["detail"]
    mended = scene.repo.up()
    assert mended.code == 0, mended


def test_annotation_copied_from_another_cluster(scene: Scene, trace: Callable[..., Ran]) -> None:
    """An intent that was signed for another cluster does not speak of what runs here."""
    with scene.kept(scene.evidence, scene.release):
        intent = scene.intent
        theirs = msgspec.structs.replace(scene.said("intent", shipped.Intent), cluster="theirs")
        forged = scene.sign(theirs)
        scene.annotate(forged.payload)
        ran = trace()
        scene.annotate(intent)
        scene.registry.delete(scene.evidence, forged.manifest.digest)
    assert "annotation copied from another object or cluster" in answers(ran)
    details = [one["detail"] for one in ran.answer["trace"]["findings"]]
    assert any("about another cluster" in one for one in details)


def bare(scene: Scene, name: str, notes: dict[str, str]) -> dict[str, Any]:
    """Return a pod like ours that nothing owns."""
    pod = scene.pod()
    spec = {key: pod["spec"][key] for key in ("containers", "volumes", "securityContext")}
    spec["automountServiceAccountToken"] = False
    metadata = {"name": name, "namespace": scene.repo.namespace, "annotations": notes}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_bare_pod(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A pod that nothing owns is named so, with and without a stolen stamp."""
    stolen = {"shipway.dev/intent": scene.intent, "shipway.dev/release": scene.release}
    for name, notes in (("plain", {}), ("stamped", stolen)):
        scene.kubectl("create", "-f", "-", text=json.dumps(bare(scene, name, notes)))
        ran = trace(f"pod/{name}")
        scene.kubectl("delete", "pod", name, "--now", "--wait=false")
        assert "bare pod" in answers(ran), ran


def test_injected_container(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A container that came into a running pod afterwards is named."""
    name = scene.pod()["metadata"]["name"]
    scene.kubectl(
        "debug", name, f"--image={scene.two}", "--container=extra", "--profile=restricted",
        "--attach=false",
    )  # fmt: skip
    ran = trace(f"pod/{name}")
    scene.kubectl("delete", "pod", name, "--now", "--wait=false")
    assert "injected container" in answers(ran)


def test_foreign_image(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A pod with another image than the verdict let in is named, be it an older one of ours."""
    name = scene.pod()["metadata"]["name"]
    scene.kubectl("set", "image", f"pod/{name}", f"{scene.repo.name}={scene.one}")
    ran = trace(f"pod/{name}")
    scene.kubectl("delete", "pod", name, "--now", "--wait=false")
    assert {"foreign image", "edited object"} <= answers(ran)


# --- with write access to the registry, or to its disk


def test_missing_link(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A link that was deleted from the registry is missed, whichever it is."""
    with scene.kept(scene.image, scene.digest) as links:
        scene.registry.delete(scene.image, links["signature"][0].digest)
        ran = trace()
    assert "missing link" in answers(ran)
    with scene.kept(scene.evidence, scene.release) as links:
        scene.registry.delete(scene.evidence, links["verdict"][0].digest)
        ran = trace()
    assert "missing link" in answers(ran)
    assert trace().code == 0


def test_hidden_links(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A list of links that was emptied hides only what came after the release was sealed."""
    with scene.kept(scene.image, scene.digest):
        scene.registry.push_manifest(
            scene.image, EMPTY_INDEX, INDEX, f"sha256-{hex_of(scene.digest)}"
        )
        ran = trace()
    steps = {one["name"]: one["state"] for one in ran.answer["trace"]["steps"]}
    assert {steps[name] for name in ("build", "sbom", "signature")} == {"verified"}, ran
    assert steps["test"] != "verified", ran


def flipped(scene: Scene, digest: str) -> contextlib.AbstractContextManager[None]:
    """Change one bit of a blob on the registry's disk for a while."""

    @contextlib.contextmanager
    def change() -> Iterator[None]:
        path = (
            f"{CLUSTERS}/{scene.world.cluster}/{BLOBS}/{hex_of(digest)[:2]}/{hex_of(digest)}/data"
        )
        as_root(sys.executable, "-c", FLIP, path)
        try:
            yield
        finally:
            as_root(sys.executable, "-c", FLIP, path)

    return change()


def test_altered_link(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A bit flipped on the registry's disk, in a bundle or its manifest, is caught and named."""
    manifest, data = scene.links(scene.image, scene.digest)["build"]
    for digest in (artifact.only_layer(artifact.parse(data)).digest, manifest.digest):
        with flipped(scene, digest):
            ran = trace()
        assert "altered link" in answers(ran)
    assert trace().code == 0


def test_link_with_another_payload(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A bundle with a changed payload under the old signature is sound as a blob and no link."""
    with scene.kept(scene.image, scene.digest) as links:
        manifest, data = links["build"]
        layer = artifact.only_layer(artifact.parse(data))
        wire = json.loads(scene.registry.pull_blob(scene.image, layer))
        payload = base64.b64decode(wire["dsseEnvelope"]["payload"])
        wire["dsseEnvelope"]["payload"] = base64.b64encode(
            payload.replace(b"/builder/local/", b"/builder/other/")
        ).decode()
        forged = scene.content.put(json.dumps(wire).encode(), layer.media_type)
        carrier = json.loads(data)
        carrier["layers"][0] |= {"digest": forged.digest, "size": forged.size}
        scene.registry.push_blob(scene.image, forged, scene.content)
        sent = scene.registry.push_manifest(scene.image, json.dumps(carrier).encode(), MANIFEST)
        scene.registry.attach(scene.image, scene.digest, [sent])
        scene.registry.delete(scene.image, manifest.digest)
        ran = trace()
    assert "altered link" in answers(ran)


def test_signer_not_allowed_for_this_link(scene: Scene, trace: Callable[..., Ran]) -> None:
    """The right statement by a second key, which nobody trusts here, does not count."""
    second = open_key(generate(b""), b"", subject="the second key")
    with scene.kept(scene.image, scene.digest) as links:
        manifest, data = links["signature"]
        carrier = artifact.parse(data)
        assert carrier.subject is not None
        payload = scene.envelope(scene.image, data).payload
        attest.sign(
            attest.AttestRequest(
                statements=(attest.Said(payload=payload, subject=carrier.subject, tag="second"),),
                repository=scene.image,
            ),
            signer=second,
            content=scene.content,
            registry=scene.registry,
            clock=scene.tools.clock,
        )
        scene.registry.delete(scene.image, manifest.digest)
        ran = trace()
    assert "signer not allowed for this link" in answers(ran)
    assert trace().code == 0


def test_a_stranger_trusts_nothing(scene: Scene, tmp_path: Path) -> None:
    """Who holds another key finds nothing that counts: no key is ever taken from the registry."""
    key = tmp_path / "second.pub"
    key.write_text(open_key(generate(b""), b"", subject="a second key").public_key.pem())
    export = tmp_path / "export.json"
    assert scene.repo.trace(f"deployment/{scene.repo.name}", "--export", str(export)).code == 0
    ran = scene.repo.trace(str(export), "--trusted-root", str(key))
    assert ran.code == 10, ran
    found = {
        one["answer"] for one in (*ran.answer["trace"]["findings"], *ran.answer["trace"]["beside"])
    }
    assert "signer not allowed for this link" in found


def test_a_flipped_byte_in_the_store(scene: Scene, trace: Callable[..., Ran]) -> None:
    """A bit flipped in the local store is caught when the blob is next needed."""
    manifest, data = scene.links(scene.image, scene.digest)["build"]
    layer = artifact.only_layer(artifact.parse(data))
    path = Path(scene.content.path(layer.digest))
    path.chmod(0o644)
    as_root(sys.executable, "-c", FLIP, str(path))
    with scene.kept(scene.image, scene.digest):
        scene.registry.delete(scene.image, manifest.digest)
        ran = scene.repo.up()
    assert ran.code in {0, 10}, ran
    if ran.code == 10:
        assert ran.fault["id"] == "content.altered", ran
    as_root(sys.executable, "-c", FLIP, str(path))
    assert trace().code == 0


# --- the history; each row leaves its mark


def test_history_with_an_old_head(scene: Scene) -> None:
    """A head that was set back is older than the links: history truncated."""
    name = f"head.{scene.repo.name}.dev.{scene.said('intent', shipped.Intent).target}"
    head = scene.world.object("configmap", name, "-n", "shipway-system")
    first = next(
        one.link.edge.payload
        for one in _entries(scene)
        if one.intent.sequence == int(head["data"]["sequence"]) - 1
    )
    old = head["data"] | {"sequence": str(int(head["data"]["sequence"]) - 1), "intent": first}
    patch = ("patch", "configmap", name, "-n", "shipway-system", "--type=merge", "-p")
    scene.world.kubectl(*patch, json.dumps({"data": old}))
    ran = scene.repo.history()
    scene.world.kubectl(*patch, json.dumps({"data": head["data"]}))
    assert ran.code == 10, ran
    assert "history truncated" in told(ran)
    assert scene.repo.history().code == 0


def _entries(scene: Scene) -> tuple[Any, ...]:
    """Return the entries of the history, newest first."""
    key = TrustedKey(key=scene.signer.public_key, name="own", passphrase=False)
    request = history.HistoryRequest(
        project=scene.repo.name,
        environment="dev",
        target=scene.said("intent", shipped.Intent).target,
        repository=scene.evidence,
        trust=Trust(keys=(key,)),
    )
    head = history.head(request.project, "dev", request.target, kube=scene.kube)
    return history.read(request, registry=scene.registry, head=head).entries


def test_abandoned(scene: Scene, trace: Callable[..., Ran]) -> None:
    """An intent that never became the head is named; what runs is traced as before."""
    newest = _entries(scene)[0]
    number = newest.intent.sequence + 1
    scene.sign(
        msgspec.structs.replace(newest.intent, sequence=number, follows=newest.link.edge.payload)
    )
    assert "abandoned" in told(scene.repo.history())
    ran = trace()
    assert ran.code == 0, ran
    assert "abandoned" in {one["answer"] for one in ran.answer["trace"]["beside"]}


def test_history_forked(scene: Scene) -> None:
    """Two intents with one number, both carried out: history forked."""
    newest = _entries(scene)[0]
    twin = scene.sign(msgspec.structs.replace(newest.intent, signed_on="2026-01-01T00:00:00Z"))
    scene.sign(msgspec.structs.replace(newest.outcome, intent=twin.edge))
    ran = scene.repo.history()
    assert ran.code == 10, ran
    assert "history forked" in told(ran)


def test_deploy_unfinished(scene: Scene, trace: Callable[..., Ran]) -> None:
    """An intent that became the head and has no outcome is named by history and trace."""
    newest = _entries(scene)[0]
    intent = newest.intent
    link = scene.sign(
        msgspec.structs.replace(
            intent,
            sequence=intent.sequence + 1,
            follows=newest.link.edge.payload,
            signed_on="2026-01-02T00:00:00Z",
        )
    )
    held = deploy.read_head(scene.repo.name, "dev", intent.target, kube=scene.kube)
    head = Head(sequence=intent.sequence + 1, intent=link.payload, state="open")
    deploy.swap_head(held, head, kube=scene.kube)
    scene.annotate(link.payload)
    ran = scene.repo.history()
    assert "deploy unfinished" in told(ran)
    assert scene.repo.deploys()[0]["result"] == "deploy unfinished"
    assert "deploy unfinished" in answers(trace())


def test_history_truncated(scene: Scene) -> None:
    """A number in the middle that was deleted from the registry leaves a gap: truncated."""
    middle = _entries(scene)[1]
    scene.registry.delete(scene.evidence, middle.link.edge.manifest)
    ran = scene.repo.history()
    assert ran.code == 10, ran
    assert "history truncated" in told(ran)
