"""What stands between a wish and a cluster: protected places, races, others' objects, secrets."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from e2e.world import Ran, end, served

if TYPE_CHECKING:
    import subprocess

    from e2e.world import Repo, World

pytestmark = pytest.mark.cluster

PROTECTED = """schema = 1

[environments.dev]

[environments.prod]
protected = true

[test]
coverage = 0
"""


def read_until(child: subprocess.Popen[str], step: str, count: int = 1) -> list[str]:
    """Read the events of a running command until ``step`` has started ``count`` times."""
    lines: list[str] = []
    assert child.stdout is not None
    for line in child.stdout:
        lines.append(line)
        event = json.loads(line)
        if event["event"] == "step.started" and event["step"] == step:
            count -= 1
            if count == 0:
                return lines
    raise AssertionError("".join(lines))


def rest(child: subprocess.Popen[str], lines: list[str], arguments: tuple[str, ...]) -> Ran:
    """Wait for a command that was read so far."""
    out, err = child.communicate(timeout=120)
    return Ran(arguments, child.returncode, "".join(lines) + out, err)


def test_two_at_once_lose_nothing(world: World, service: Repo) -> None:
    """Of two deploys for one number one wins; the other has applied nothing and is named so."""
    assert service.up("--tests", "off").code == 0
    other = world.repo("guards", "theirs", folder="guards-of-another")
    service.edit("mine")
    slow = world.start("up", "--tests", "off", cwd=service.path)
    try:
        lines = read_until(slow, "attest", 4)  # image, release, verdict, then the intent
        os.killpg(slow.pid, signal.SIGSTOP)
        won = other.up("--tests", "off")
        os.killpg(slow.pid, signal.SIGCONT)
        lost = rest(slow, lines, ("up",))
    finally:
        end(slow)
    assert won.code == 0, won
    assert lost.code == 11, lost
    assert lost.fault["id"] == "deploy.lost_swap"
    assert not lost.finished("deploy")
    assert served(service.url(), "theirs") == "theirs"
    target = service.history().answer["targets"][0]
    assert [one["number"] for one in target["deploys"]] == [2, 1]
    assert [one.partition(" ")[0] for one in target["findings"]] == ["abandoned"]
    again = service.up("--tests", "off")
    assert again.code == 0, again
    assert served(service.url(), "mine") == "mine"


def test_who_begins_later_counts(world: World, service: Repo) -> None:
    """A deploy that begins while another one waits for its pods takes over; the first one stops."""
    other = world.repo("guards", "later", folder="guards-of-a-third")
    service.edit("earlier")
    slow = world.start("up", "--tests", "off", cwd=service.path)
    try:
        lines = read_until(slow, "gate")
        os.killpg(slow.pid, signal.SIGSTOP)
        won = other.up("--tests", "off")
        os.killpg(slow.pid, signal.SIGCONT)
        lost = rest(slow, lines, ("up",))
    finally:
        end(slow)
    assert won.code == 0, won
    assert lost.code == 11, lost
    assert lost.fault["id"] == "deploy.overtaken"
    assert served(service.url(), "later") == "later"
    newest, overtaken, *_ = service.history().answer["targets"][0]["deploys"]
    assert (newest["kind"], newest["result"]) == ("deploy", "passed")
    assert (overtaken["result"], overtaken["causes"]) == ("failed", ["deploy.overtaken"])
    traced = service.trace("deployment/guards")
    assert traced.code == 0, traced


def test_objects_of_others_are_left_alone(world: World) -> None:
    """An object that somebody else made is adopted only with --adopt."""
    repo = world.repo("adopted")
    world.kubectl("create", "namespace", repo.namespace)
    world.kubectl("create", "serviceaccount", repo.name, "-n", repo.namespace)
    ran = repo.up("--tests", "off")
    assert ran.code != 0, ran
    assert ran.fault["id"] == "kube.not_ours", ran
    assert "--adopt" in ran.fault["hint"]
    theirs = world.object("serviceaccount", repo.name, "-n", repo.namespace)
    assert "labels" not in theirs["metadata"]
    ran = repo.up("--tests", "off", "--adopt")
    assert ran.code == 0, ran
    assert served(repo.url(), "one") == "one"


def test_a_protected_environment(world: World) -> None:
    """It takes no dirty tree, no key without a passphrase and no own key by default."""
    repo = world.repo("guarded")
    repo.write("shipway.toml", PROTECTED)
    repo.commit("protected")
    ran = repo.up("--env", "prod")
    assert ran.code == 4, ran
    assert ran.fault["id"] == "trust.none"
    key = world.home / "config" / "shipway" / "keys" / "shipway.pub"
    ran = repo.up("--env", "prod", "--key", str(key))
    assert ran.code == 9, ran
    assert ran.fault["id"] == "verdict.failed"
    assert not ran.finished("deploy")
    repo.edit("dirty")
    ran = repo.up("--env", "prod", "--key", str(key))
    assert ran.code == 9, ran
    assert ran.fault["id"] == "source.dirty"
    assert not ran.finished("build")


def test_a_protected_environment_with_a_guarded_key(world: World) -> None:
    """With a clean commit, passed tests and a key with a passphrase it serves and traces."""
    grace = world.person("grace")
    repo = grace.repo("released")
    repo.write("shipway.toml", PROTECTED)
    repo.commit("protected")
    word = {"SHIPWAY_KEY_PASSWORD": "correct horse"}
    shown = repo.shipway("key", "show", **word)
    assert shown.code == 0, shown
    key = grace.home / "config" / "shipway" / "keys" / "shipway.pub"
    ran = repo.up("--env", "prod", "--key", str(key), **word)
    assert ran.code == 0, ran
    assert ran.answer["tests"] == "passed"
    traced = repo.trace("deployment/released", "--env", "prod", "--key", str(key))
    assert traced.code == 0, traced
    assert "correct horse" not in ran.out + ran.err + traced.out


def rendered(world: World, name: str) -> list[dict[str, Any]]:
    """Return what was applied for a project, without what the API server added."""
    found = [
        world.object(kind, name, "-n", f"{name}-dev")
        for kind in ("deployment", "service", "serviceaccount")
    ]
    for one in found:
        metadata = one["metadata"]
        one["metadata"] = {key: metadata[key] for key in ("name", "namespace", "labels")}
        one.pop("status", None)
        one.pop("secrets", None)
    return found


def test_init_changes_nothing_that_is_applied(world: World) -> None:
    """``init`` writes what ``up`` guessed: the same objects, and the same pods go on."""
    repo = world.repo("written")
    assert repo.up("--tests", "off").code == 0
    before, pods = rendered(world, repo.name), [one["metadata"]["uid"] for one in repo.pods()]
    assert repo.shipway("init").code == 0
    files = repo.git("status", "--porcelain", "--untracked-files=all")
    assert "deploy/overlays/prod" in files
    again = repo.shipway("init")
    assert again.code == 0, again
    assert repo.git("status", "--porcelain", "--untracked-files=all") == files
    ran = repo.up("--tests", "off")
    assert ran.code == 0, ran
    after = rendered(world, repo.name)
    image = after[0]["spec"]["template"]["spec"]["containers"][0].pop("image")
    assert (
        image.partition("@")[0]
        == (before[0]["spec"]["template"]["spec"]["containers"][0].pop("image").partition("@")[0])
    )
    assert after == before
    assert len(pods) == len(repo.pods())


REFUSED = """
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {token: abc}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all-powerful}
rules: []
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {DATABASE_PASSWORD: hunter2hunter2}
"""


def test_manifests_that_are_refused(world: World) -> None:
    """A Secret with data, a plain credential and a cluster object: all named, none applied.

    The value itself is in no output.
    """
    repo = world.repo("refused")
    assert repo.shipway("init").code == 0
    repo.write("deploy/overlays/dev/extra.yaml", REFUSED)
    overlay = repo.path / "deploy/overlays/dev/kustomization.yaml"
    resources = overlay.read_text().replace("resources:\n", "resources:\n  - extra.yaml\n")
    overlay.write_text(resources)
    ran = repo.up("--tests", "off")
    assert ran.code != 0, ran
    assert ran.fault["id"] == "render.refused"
    for said in ("extra.yaml", "secret/refused-dev/token", "clusterrole/all-powerful"):
        assert said in ran.fault["message"], ran
    assert "data.DATABASE_PASSWORD" in ran.fault["message"], ran
    assert "hunter2" not in ran.out + ran.err
    assert repo.namespace not in world.kubectl("get", "namespaces")
