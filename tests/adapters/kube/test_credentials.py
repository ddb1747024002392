"""Credentials of every kind that a kubeconfig may name, tried on the real API server."""

from __future__ import annotations

import datetime as dt
import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.apiserver import ADMIN, NOBODY
from shipway import redaction
from shipway.adapters.kube.client import Cluster
from shipway.adapters.kube.credentials import Credential, Credentials
from shipway.adapters.process import SystemProcesses
from shipway.core.kube.contexts import Access, ExecPlugin
from shipway.core.kube.objects import Ref
from shipway.core.ports.kube import Selection
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from fakes.apiserver import ApiServer


HEAD = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}


def access(server: ApiServer, **other: Any) -> Access:
    """Return an access without a user."""
    given = {"token": "", **other}
    return msgspec.structs.replace(server.access(), **given)


def who(found: Access, processes: Any = None, environment: Any = None) -> str:
    """Ask the server who we are to it."""
    cluster = Cluster(found, processes=processes, environment=environment)
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
        "metadata": {"name": ""},
    }
    try:
        answer = cluster.create(review)
    finally:
        cluster.close()
    info = answer["status"]["userInfo"]
    return " ".join([info["username"], *info.get("groups", ())])


def test_token(apiserver: ApiServer) -> None:
    """An inline token."""
    assert who(access(apiserver, token=ADMIN)) == "admin system:masters system:authenticated"


def test_wrong_token(apiserver: ApiServer) -> None:
    """A token that the server does not know is unauthorized."""
    with pytest.raises(ShipwayError) as caught:
        who(access(apiserver, token="wrong"))

    assert (caught.value.id, caught.value.kind) == ("kube.unauthorized", Kind.DENIED)


def test_token_file_wins_and_is_read_again(apiserver: ApiServer, tmp_path: Path) -> None:
    """A token file goes before an inline token, and after a 401 it is read again."""
    file = tmp_path / "token"
    file.write_text("stale\n")
    cluster = Cluster(access(apiserver, token="x", token_file=str(file)))
    with pytest.raises(ShipwayError):
        cluster.version()

    file.write_text(f"{ADMIN}\n")

    assert cluster.version()
    cluster.close()


def test_client_certificate_from_files(apiserver: ApiServer) -> None:
    """Certificate and key from files."""
    folder = apiserver.folder
    found = access(
        apiserver, cert_file=str(folder / "client.crt"), key_file=str(folder / "client.key")
    )

    assert who(found).startswith("client system:masters")


def test_client_certificate_inline(apiserver: ApiServer) -> None:
    """Certificate, key and authority inline; nothing of them stays on disk."""
    found = access(
        apiserver,
        ca_file="",
        ca_data=apiserver.data("ca.crt"),
        cert_data=apiserver.data("client.crt"),
        key_data=apiserver.data("client.key"),
    )

    assert who(found).startswith("client system:masters")


def test_unknown_authority(apiserver: ApiServer) -> None:
    """A server that the system's authorities do not vouch for is not talked to."""
    with pytest.raises(ShipwayError, match="certificate") as caught:
        who(access(apiserver, ca_file="", token=ADMIN))

    assert caught.value.id == "kube.untrusted"


def test_insecure(apiserver: ApiServer) -> None:
    """Unless told not to look."""
    assert who(access(apiserver, ca_file="", insecure=True, token=ADMIN)).startswith("admin")


def test_tls_server_name(apiserver: ApiServer) -> None:
    """The certificate may be for another name than the address."""
    assert who(access(apiserver, tls_server_name="kubernetes", token=ADMIN)).startswith("admin")
    with pytest.raises(ShipwayError):
        who(access(apiserver, tls_server_name="other", token=ADMIN))


def test_impersonation(apiserver: ApiServer) -> None:
    """A user may act as another, with several groups."""
    found = access(apiserver, token=ADMIN, impersonate="me", impersonate_groups=("a", "b"))

    assert who(found) == "me a b system:authenticated"


def test_impersonation_in_full(apiserver: ApiServer) -> None:
    """A uid and extra fields go with the user; the server sees all of them."""
    found = access(
        apiserver,
        token=ADMIN,
        impersonate="me",
        impersonate_uid="u-1",
        impersonate_extra=(("scopes", "a"), ("scopes", "b"), ("example.com/team", "shop")),
    )
    cluster = Cluster(found)
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    info = cluster.create({**review, "metadata": {"name": ""}})["status"]["userInfo"]
    cluster.close()

    assert (info["username"], info["uid"]) == ("me", "u-1")
    assert info["extra"] == {"scopes": ["a", "b"], "example.com/team": ["shop"]}


def test_basic(apiserver: ApiServer) -> None:
    """User and password are sent (and this server does not take them)."""
    found = access(apiserver, username="me", password="hush-hush-hush")

    with pytest.raises(ShipwayError) as caught:
        who(found)

    assert caught.value.id == "kube.unauthorized"
    assert redaction.text("hush-hush-hush") == redaction.MASK


def plugin(tmp_path: Path, body: str, **other: Any) -> ExecPlugin:
    """Return a plugin that runs this Python."""
    script = tmp_path / "plugin.py"
    script.write_text(f"import json, os, sys\n{body}\n")
    return ExecPlugin(command=sys.executable, args=("-I", str(script)), **other)


def shown(said: object) -> str:
    """Return Python that prints JSON."""
    return f"print({json.dumps(json.dumps(said))})"


def says(**status: Any) -> str:
    """Return Python that prints an ExecCredential."""
    return shown(HEAD | {"status": status})


def test_exec_token(apiserver: ApiServer, tmp_path: Path) -> None:
    """A plugin's token is used, and known to the redactor."""
    found = access(apiserver, plugin=plugin(tmp_path, says(token=ADMIN)))

    assert who(found, SystemProcesses()).startswith("admin")
    assert redaction.text(ADMIN) == redaction.MASK


def test_exec_certificate(apiserver: ApiServer, tmp_path: Path) -> None:
    """A plugin may give a client certificate."""
    status = {
        "clientCertificateData": (apiserver.folder / "client.crt").read_text(),
        "clientKeyData": (apiserver.folder / "client.key").read_text(),
    }

    found = access(apiserver, plugin=plugin(tmp_path, says(**status)))

    assert who(found, SystemProcesses()).startswith("client")


def test_exec_is_told_about_the_cluster(apiserver: ApiServer, tmp_path: Path) -> None:
    """A plugin gets its own variables, those it is allowed, and the cluster if it wants."""
    out = tmp_path / "seen.json"
    body = f"json.dump(dict(os.environ), open({str(out)!r}, 'w'))\n{says(token=ADMIN)}"
    found = access(
        apiserver,
        tls_server_name="kubernetes",
        proxy_url="http://127.0.0.1:1",
        plugin=plugin(
            tmp_path,
            body,
            env=(("MINE", "1"),),
            provide_cluster_info=True,
            cluster_config={"audience": "shop"},
        ),
    )

    with pytest.raises(ShipwayError):  # the proxy is not there; the plugin was asked before
        who(found, SystemProcesses(), {"PATH": "/bin"})

    seen = json.loads(out.read_text())
    info = json.loads(seen["KUBERNETES_EXEC_INFO"])
    assert (seen["MINE"], seen["PATH"]) == ("1", "/bin")
    assert info["apiVersion"] == "client.authentication.k8s.io/v1"
    assert info["spec"] == {
        "interactive": False,
        "cluster": {
            "server": apiserver.server,
            "certificate-authority-data": apiserver.data("ca.crt"),
            "tls-server-name": "kubernetes",
            "proxy-url": "http://127.0.0.1:1",
            "config": {"audience": "shop"},
        },
    }


def test_exec_without_authority(apiserver: ApiServer, tmp_path: Path) -> None:
    """Where there is no authority, none is told."""
    found = access(
        apiserver,
        ca_file="",
        insecure=True,
        plugin=plugin(tmp_path, says(token=ADMIN), provide_cluster_info=True),
    )

    assert who(found, SystemProcesses()).startswith("admin")


def test_exec_is_asked_again_when_it_runs_out(apiserver: ApiServer, tmp_path: Path) -> None:
    """A credential is asked for again when its time is over, or the server refuses it."""
    count = tmp_path / "count"
    count.write_text("")
    body = f"open({str(count)!r}, 'a').write('x')\n"
    old = "2020-01-01T00:00:00Z"
    stale = access(
        apiserver, plugin=plugin(tmp_path, body + says(token=ADMIN, expirationTimestamp=old))
    )
    cluster = Cluster(stale, processes=SystemProcesses())
    cluster.version()
    cluster.close()
    assert len(count.read_text()) > 1

    count.write_text("")
    refused = access(apiserver, plugin=plugin(tmp_path, body + says(token="wrong")))
    with pytest.raises(ShipwayError):
        who(refused, SystemProcesses())
    assert len(count.read_text()) == 2


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit(3)", "ended with 3"),
        ("print('hush')", "printed no ExecCredential"),
        ("print('{}')", "printed no ExecCredential"),
        ("print('[]')", "printed no ExecCredential"),
        ("""print('{"status": {"expirationTimestamp": "soon"}}')""", "printed no ExecCredential"),
        (shown({"kind": "ExecCredential", "status": {"token": "t"}}), "something else than"),
        (shown(HEAD | {"status": {}}), "neither a token"),
        (shown(HEAD | {"status": {"clientKeyData": "k"}}), "neither a token"),
    ],
)
def test_exec_that_fails(apiserver: ApiServer, tmp_path: Path, body: str, why: str) -> None:
    """A plugin that fails is named with its own hint, and what it printed is not shown."""
    found = access(apiserver, plugin=plugin(tmp_path, body, install_hint="install it"))

    with pytest.raises(ShipwayError, match=why) as caught:
        who(found, SystemProcesses())

    assert caught.value.id == "kube.credentials"
    assert "hush" not in str(caught.value)


def test_exec_of_the_older_version(apiserver: ApiServer, tmp_path: Path) -> None:
    """v1beta1 is spoken in v1beta1, both ways."""
    version = "client.authentication.k8s.io/v1beta1"
    body = (
        "assert json.loads(os.environ['KUBERNETES_EXEC_INFO'])['apiVersion'].endswith('v1beta1')\n"
        + says(token=ADMIN).replace("/v1", "/v1beta1")
    )
    found = access(apiserver, plugin=plugin(tmp_path, body, api_version=version))

    assert who(found, SystemProcesses()).startswith("admin")


def test_exec_is_asked_once_while_its_answer_lasts(apiserver: ApiServer, tmp_path: Path) -> None:
    """Until the time it names, one answer serves every call."""
    count = tmp_path / "count"
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    body = f"open({str(count)!r}, 'a').write('x')\n" + says(token=ADMIN, expirationTimestamp=later)
    cluster = Cluster(access(apiserver, plugin=plugin(tmp_path, body)), processes=SystemProcesses())

    for _ in range(3):
        cluster.version()
    cluster.close()

    assert count.read_text() == "x"


def test_exec_that_must_ask_without_a_terminal(apiserver: ApiServer, tmp_path: Path) -> None:
    """Where there is nobody to ask, it is not even started."""
    found = access(apiserver, plugin=plugin(tmp_path, "sys.exit(1)", interactive="Always"))

    with pytest.raises(ShipwayError, match="no terminal") as caught:
        who(found, SystemProcesses())

    assert caught.value.id == "kube.credentials"


@pytest.mark.parametrize(
    ("mode", "answered"), [("Always", True), ("IfAvailable", True), ("Never", False)]
)
def test_exec_may_ask_on_a_terminal(mode: str, answered: bool) -> None:
    """On a real terminal its question is seen and the answer goes to it, unless it may not ask."""
    leader, follower = pty.openpty()
    program = [sys.executable, str(Path(__file__).with_name("asking.py")), mode]
    child = subprocess.Popen(program, stdin=follower, stdout=subprocess.PIPE, stderr=follower)
    os.close(follower)
    if answered:
        assert b"code?" in os.read(leader, 100)
        os.write(leader, b"open sesame\n")
    out, _ = child.communicate(timeout=30)
    os.close(leader)

    assert out.decode() == f"token: {'open sesame' if answered else 'nobody was asked'}\n"


def test_exec_that_is_not_there(apiserver: ApiServer) -> None:
    """A plugin that is not installed says how to install it."""
    found = access(apiserver, plugin=ExecPlugin(command="/no/such/plugin", install_hint="get it"))

    with pytest.raises(ShipwayError) as caught:
        who(found, SystemProcesses())

    assert (caught.value.id, caught.value.hint) == ("kube.credentials", "get it")


def test_exec_where_nothing_runs(apiserver: ApiServer) -> None:
    """Without a way to run programs a plugin is refused."""
    with pytest.raises(ShipwayError, match="cannot be run here"):
        who(access(apiserver, plugin=ExecPlugin(command="plugin")))


@pytest.mark.parametrize(
    "other",
    [
        {"token_file": "/no/such/file"},
        {"ca_file": "/no/such/file", "token": ADMIN},
        {"cert_data": "bm9uZQ==", "key_data": "bm9uZQ=="},
        {"cert_data": "x"},
    ],
)
def test_unreadable(apiserver: ApiServer, other: dict[str, str]) -> None:
    """Files that are not there, and bytes that are no certificate, are named."""
    with pytest.raises(ShipwayError) as caught:
        who(access(apiserver, **other))

    assert caught.value.id == "kube.credentials"


def test_repr_shows_nothing() -> None:
    """A credential never shows itself."""
    assert repr(Credential(token="hush")) == "Credential()"


def test_renewable(apiserver: ApiServer) -> None:
    """Only files and plugins can give another answer."""
    assert not Credentials(access(apiserver, token="x"), None, {}).renewable
    assert Credentials(access(apiserver, token_file="x"), None, {}).renewable
    assert Credentials(access(apiserver, cert_file="x"), None, {}).renewable


def test_rights(apiserver: ApiServer) -> None:
    """A user without rights is forbidden, and told the rule that is missing."""
    cluster = Cluster(access(apiserver, token=NOBODY))

    with pytest.raises(ShipwayError) as caught:
        cluster.list(Selection("v1", "Pod"))
    with pytest.raises(ShipwayError) as got:
        cluster.get(Ref("v1", "Pod", "default", "x"))
    cluster.close()

    assert caught.value.id == "kube.forbidden"
    assert got.value.id == "kube.forbidden"
    rule = '{apiGroups: [""], resources: ["pods"], verbs: ["%s"]}'
    assert caught.value.hint == f"nobody lacks this rule in the whole cluster: {rule % 'list'}"
    assert got.value.hint == f"nobody lacks this rule in namespace default: {rule % 'get'}"
