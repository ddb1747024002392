"""Putting our entry into a person's kubeconfig and taking it out, others unharmed."""

from __future__ import annotations

import base64

import pytest
import yaml

from shipway.core.kube import kubeconfig
from shipway.errors import ShipwayError

ENTRY = kubeconfig.Entry(
    name="shipway",
    server="https://127.0.0.1:20000",
    authority="CA",
    certificate="CERT",
    key="KEY",
    ends=1000.5,
)
OTHERS = """apiVersion: v1
kind: Config
preferences: {}
current-context: work
clusters:
- name: work
  cluster: {server: https://work.example, insecure-skip-tls-verify: true}
users:
- name: me
  user:
    token: 2026-01-01
    exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: ["0123", "yes"]}
contexts:
- name: work
  context: {cluster: work, user: me, namespace: team}
"""


def test_a_new_file_has_our_entry_chosen() -> None:
    """Without a file, ours becomes the current context and carries its data inline."""
    value = yaml.safe_load(kubeconfig.merge(None, ENTRY))
    assert value["current-context"] == "shipway"
    assert value["contexts"][0]["context"]["user"] == "shipway"
    cluster = value["clusters"][0]["cluster"]
    assert cluster["server"] == "https://127.0.0.1:20000"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"CA"
    assert base64.b64decode(value["users"][0]["user"]["client-key-data"]) == b"KEY"


def test_others_and_their_choice_stay() -> None:
    """Entries, order and the current context of others survive; a token like a date stays text."""
    value = yaml.safe_load(kubeconfig.merge(OTHERS, ENTRY))
    before = yaml.safe_load(OTHERS)
    assert value["current-context"] == "work"
    assert value["clusters"][0] == before["clusters"][0]
    assert value["contexts"][0] == before["contexts"][0]
    assert value["users"][0]["user"]["exec"]["args"] == ["0123", "yes"]
    assert value["users"][0]["user"]["token"] == "2026-01-01"
    assert list(value)[:4] == ["apiVersion", "kind", "preferences", "current-context"]


def test_merging_twice_replaces() -> None:
    """A renewed certificate takes the old one's place."""
    text = kubeconfig.merge(kubeconfig.merge(OTHERS, ENTRY), ENTRY)
    assert [one["name"] for one in yaml.safe_load(text)["users"]] == ["me", "shipway"]


def test_removing_gives_back_what_was() -> None:
    """Out again, the file says what it said before ours came in."""
    text = kubeconfig.remove(kubeconfig.merge(OTHERS, ENTRY), "shipway")
    assert text is not None
    quoted = OTHERS.replace("2026-01-01", '"2026-01-01"')
    assert yaml.safe_load(text) == yaml.safe_load(quoted)


def test_removing_the_last_entry_leaves_no_file() -> None:
    """A file that held ours alone goes; where there is none, none is made."""
    assert kubeconfig.remove(kubeconfig.merge(None, ENTRY), "shipway") is None
    assert kubeconfig.remove(None, "shipway") is None


def test_removing_ours_while_it_is_chosen() -> None:
    """With our context chosen, none is chosen afterwards."""
    text = kubeconfig.merge(OTHERS.replace("current-context: work", 'current-context: ""'), ENTRY)
    after = kubeconfig.remove(text, "shipway")
    assert after is not None
    assert yaml.safe_load(after)["current-context"] == ""


def test_an_entry_of_somebody_else_stays() -> None:
    """A context of our name that Shipway did not make is not removed."""
    text = OTHERS.replace("name: work\n  context", "name: shipway\n  context")
    assert kubeconfig.remove(text, "shipway") == text
    assert kubeconfig.ends(text, "shipway") is None


def test_the_certificates_end_is_known() -> None:
    """When our certificate ends can be read without parsing it."""
    assert kubeconfig.ends(kubeconfig.merge(OTHERS, ENTRY), "shipway") == 1000.0
    assert kubeconfig.ends(kubeconfig.merge(OTHERS, ENTRY), "other") is None
    assert kubeconfig.ends(None, "shipway") is None


def test_our_entry_alone() -> None:
    """A kubeconfig of one entry has its context chosen; nothing without such an entry."""
    text = kubeconfig.alone(kubeconfig.merge(OTHERS, ENTRY), "shipway")
    assert text is not None
    value = yaml.safe_load(text)
    assert [one["name"] for one in value["clusters"]] == ["shipway"]
    assert value["current-context"] == "shipway"
    assert kubeconfig.alone(OTHERS, "shipway") is None


@pytest.mark.parametrize("text", ["a: [", "- 1", "clusters: 1", "users: [1]"])
def test_a_broken_file_is_not_overwritten(text: str) -> None:
    """What cannot be read is said, never replaced."""
    with pytest.raises(ShipwayError) as caught:
        kubeconfig.merge(text, ENTRY)
    assert caught.value.id == "kubeconfig.invalid"
