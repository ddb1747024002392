"""Kubeconfig as people have it, tried on a real API server by the hands of a process."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fakes import apiserver as servers
from fakes.company import Company
from shipway.core.run.events import Event, Remark
from shipway.errors import Kind, ShipwayError
from shipway.wiring.tools import Tools

if TYPE_CHECKING:
    from pathlib import Path

CONTEXT = "contexts: [{name: eu, context: {cluster: c, user: u}}]\n"


class Person:
    """A person with kubeconfig files, and what was said to them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.files: list[str] = []
        self.said: list[Event] = []
        self.real = servers.shared()

    def file(self, name: str, text: str) -> None:
        """Write one more file, in a folder of its own."""
        path = self.home / name / "config"
        path.parent.mkdir()
        path.write_text(text)
        self.files.append(str(path))

    def cluster(self, more: str, server: str = "") -> str:
        """Return a cluster's entry with ``more`` in it."""
        address = server or self.real.server
        return f'clusters: [{{name: c, cluster: {{server: "{address}", {more}}}}}]\n'

    @property
    def checked(self) -> str:
        """Return the part that names the authority."""
        return f"certificate-authority: {self.real.ca_file}"

    def version(self) -> str:
        """Ask the server."""
        variables = {"HOME": str(self.home), "KUBECONFIG": os.pathsep.join(self.files)}
        kube = Tools(self.said.append, variables | {"PATH": os.environ["PATH"]}).kube("eu")
        return kube.version()


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Give a person."""
    return Person(tmp_path)


USER = f"users: [{{name: u, user: {{token: {servers.ADMIN}}}}}]\n"


def test_several_files_are_one(person: Person) -> None:
    """Cluster, user and context in three files, paths from their own; the first file wins."""
    for name in ("client.crt", "client.key"):
        (person.home / name).write_bytes((person.real.folder / name).read_bytes())
    person.file("a", CONTEXT + "users: []\n")
    person.file("b", person.cluster(person.checked))
    user = "{client-certificate: ../client.crt, client-key: ../client.key}"
    person.file("c", f"users: [{{name: u, user: {user}}}]\n" + person.cluster("", "https://wrong"))

    assert person.version().startswith("v1.")
    assert not person.said


def test_a_token_file_beside_it(person: Person) -> None:
    """TokenFile counts from the file's folder."""
    (person.home / "token").write_text(f"{servers.ADMIN}\n")
    user = "users: [{name: u, user: {tokenFile: ../token}}]\n"
    person.file("a", CONTEXT + person.cluster(person.checked) + user)

    assert person.version().startswith("v1.")


def test_a_plugin_beside_it(person: Person) -> None:
    """A plugin by a relative path is the one beside the file."""
    plugin = person.home / "plugin"
    plugin.write_text(
        '#!/bin/sh\necho \'{"apiVersion": "client.authentication.k8s.io/v1", '
        f'"kind": "ExecCredential", "status": {{"token": "{servers.ADMIN}"}}}}\'\n'
    )
    plugin.chmod(0o755)
    entry = (
        "{apiVersion: client.authentication.k8s.io/v1, command: ../plugin, interactiveMode: Never}"
    )
    user = f"users: [{{name: u, user: {{exec: {entry}}}}}]\n"
    person.file("a", CONTEXT + person.cluster(person.checked) + user)

    assert person.version().startswith("v1.")


def test_its_own_proxy(person: Person, tmp_path: Path) -> None:
    """proxy-url is used even for this machine, with its login, and nothing goes around it."""
    (tmp_path / "company").mkdir()
    with Company(tmp_path / "company") as company:
        address = f"127.0.0.1:{person.real.port}"
        company.names[address] = person.real.port
        more = f'{person.checked}, proxy-url: "{company.proxy}"'
        person.file("a", CONTEXT + person.cluster(more) + USER)

        assert person.version().startswith("v1.")
        assert company.asked == [f"CONNECT {address}"]

        company.names.clear()
        with pytest.raises(ShipwayError, match="502") as caught:
            person.version()
        assert caught.value.id == "kube.unreachable"


def test_a_proxy_of_another_kind_is_told(person: Person) -> None:
    """SOCKS is not spoken; the way to go on is told, the login is not."""
    more = f'{person.checked}, proxy-url: "socks5://ann:hunter2-socks@127.0.0.1:1080"'
    person.file("a", CONTEXT + person.cluster(more) + USER)

    with pytest.raises(ShipwayError) as caught:
        person.version()

    assert (caught.value.id, caught.value.kind) == ("network.proxy", Kind.CONFIG)
    assert "hunter2-socks" not in f"{caught.value}{caught.value.hint}"


def test_an_insecure_cluster_is_said(person: Person) -> None:
    """Nothing is refused, and nobody can miss it."""
    person.file("a", CONTEXT + person.cluster("insecure-skip-tls-verify: true") + USER)

    assert person.version().startswith("v1.")
    (said,) = person.said
    assert isinstance(said, Remark)
    assert "context eu" in said.text
    assert "insecure-skip-tls-verify" in said.text


def test_plain_http_is_said(person: Person) -> None:
    """A cluster without TLS, too."""
    server = f"http://127.0.0.1:{person.real.port}"
    person.file("a", CONTEXT + person.cluster("tls-server-name: x", server) + USER)

    with pytest.raises(ShipwayError):
        person.version()

    (said,) = person.said
    assert isinstance(said, Remark)
    assert "plain HTTP" in said.text
