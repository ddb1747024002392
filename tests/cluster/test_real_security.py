"""The real cluster's doors: who gets in, and what lies on the disk."""

from __future__ import annotations

import base64
import json
import os
import ssl
import stat
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.embedded import NAMESPACE, as_root

if TYPE_CHECKING:
    from fakes.embedded import Embedded

pytestmark = pytest.mark.cluster
CANARY = "canary-7f3a9e51c2"


def anonymous(url: str) -> int:
    """Return the status that a caller without credentials gets."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url, timeout=5, context=context) as answer:  # noqa: S310
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def inside(embedded: Embedded, *argv: str) -> str:
    """Run a program in the cluster's network and return what it said."""
    pid = str(embedded.init_pid())
    done = as_root(["nsenter", "--target", pid, "--net", "--", *argv], check=False)
    return done.stdout + done.stderr


def pod(**container: Any) -> str:
    """Return a pod's manifest."""
    one = {"name": "p", "image": "shipway.local/pause:1", "imagePullPolicy": "Never", **container}
    value = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [one]},
    }
    return json.dumps(value)


def test_nobody_gets_in_without_a_name(embedded: Embedded) -> None:
    """The apiserver refuses everything to anonymous callers, even its health."""
    for path in ("/api", "/readyz", "/version"):
        assert anonymous(embedded.at.server + path) == 401


def test_the_kubelet_refuses_strangers(embedded: Embedded) -> None:
    """In the cluster's own network the kubelet answers 401, and its read-only port is closed."""
    code = (
        "import ssl,urllib.request,urllib.error\n"
        "c=ssl._create_unverified_context()\n"
        "try: print(urllib.request.urlopen('https://127.0.0.1:10250/pods',context=c).status)\n"
        "except urllib.error.HTTPError as e: print(e.code)\n"
        "try: urllib.request.urlopen('http://127.0.0.1:10255/pods'); print('open')\n"
        "except OSError: print('closed')\n"
    )
    assert inside(embedded, "/usr/bin/env", "python3", "-I", "-c", code).split() == [
        "401",
        "closed",
    ]


def test_etcd_wants_its_own_authoritys_certificate(embedded: Embedded) -> None:
    """Neither no certificate nor one of the cluster's authority opens etcd."""
    pki = f"{embedded.status().folder}/pki"
    code = (
        "import ssl,http.client,sys\n"
        "c=ssl.create_default_context(cafile=sys.argv[1]+'/etcd-ca.crt')\n"
        "if sys.argv[2]: c.load_cert_chain(sys.argv[2]+'.crt',sys.argv[2]+'.key')\n"
        "h=http.client.HTTPSConnection('127.0.0.1',2379,context=c,timeout=5)\n"
        "try:\n"
        "  h.request('GET','/version'); print(h.getresponse().status)\n"
        "except (ssl.SSLError,OSError): print('refused')\n"
    )
    python = ("/usr/bin/env", "python3", "-I", "-c", code, pki)
    assert inside(embedded, *python, "").strip() == "refused"
    assert inside(embedded, *python, f"{pki}/root").strip() == "refused"
    assert inside(embedded, *python, f"{pki}/etcd-client").strip() == "200"


def test_pods_are_baseline_by_default(embedded: Embedded) -> None:
    """In an ordinary namespace a privileged pod is refused, a plain one admitted."""
    embedded.kubectl("create", "namespace", "plain")
    privileged = pod(securityContext={"privileged": True})
    refused = embedded.kubectl("-n", "plain", "create", "-f", "-", text=privileged, check=False)
    assert "violates PodSecurity" in refused.stderr
    embedded.kubectl("-n", "plain", "create", "-f", "-", text=pod(), check=True)
    embedded.kubectl("-n", "plain", "wait", "--for=condition=Ready", "pod/p", "--timeout=30s")


def test_seccomp_is_on_by_default(embedded: Embedded, image: str) -> None:
    """A pod that asks for nothing runs under a seccomp filter."""
    embedded.kubectl("create", "namespace", "filtered")
    text = pod(image=image, imagePullPolicy="IfNotPresent", securityContext={"runAsUser": 1001})
    embedded.kubectl("-n", "filtered", "create", "-f", "-", text=text)
    embedded.kubectl("-n", "filtered", "wait", "--for=condition=Ready", "pod/p", "--timeout=30s")
    path = "/api/v1/namespaces/filtered/pods/p:8080/proxy/file?path=/proc/self/status"
    assert "Seccomp:\t2" in embedded.kubectl("get", "--raw", path).stdout


def test_a_node_may_change_only_itself(embedded: Embedded) -> None:
    """NodeRestriction: the node's own certificate cannot touch another node, nor read Secrets."""
    node = f"{embedded.status().folder}/config/kubelet.kubeconfig"
    copy = embedded.home / "kubelet.kubeconfig"
    value = json.loads(as_root(["cat", node]).stdout)
    user = value["users"][0]["user"]
    for kind in ("client-certificate", "client-key"):
        data = as_root(["cat", user.pop(kind)]).stdout.encode()
        user[f"{kind}-data"] = base64.b64encode(data).decode()
    cluster = value["clusters"][0]["cluster"]
    data = as_root(["cat", cluster.pop("certificate-authority")]).stdout.encode()
    cluster["certificate-authority-data"] = base64.b64encode(data).decode()
    copy.write_text(json.dumps(value))
    said = embedded.kubectl("label", "node", "other", "a=b", check=False, kubeconfig=str(copy))
    assert "orbidden" in said.stderr
    said = embedded.kubectl("get", "secrets", "-A", check=False, kubeconfig=str(copy))
    assert "orbidden" in said.stderr


def test_secrets_are_encrypted_and_not_audited(embedded: Embedded) -> None:
    """A Secret's value is neither in etcd's files nor in the audit log, which names the Secret."""
    embedded.kubectl("create", "namespace", "secret")
    made = ("create", "secret", "generic", "hidden", f"--from-literal=k={CANARY}")
    embedded.kubectl("-n", "secret", *made)
    assert embedded.kubectl("-n", "secret", "get", "secret", "hidden", "-o", "json").stdout
    folder = embedded.status().folder
    encoded = base64.b64encode(CANARY.encode()).decode()
    for word in (CANARY, encoded):
        found = as_root(["grep", "-rlaF", word, f"{folder}/etcd", f"{folder}/log"], check=False)
        assert found.stdout == ""
    as_root(["sh", "-c", f'sleep 1; grep -q \'"name":"hidden"\' {folder}/log/audit.log'])
    bodies = as_root(
        ["grep", "-cE", "requestObject|responseObject", f"{folder}/log/audit.log"], check=False
    )
    assert bodies.stdout.strip() == "0"


def test_the_registry_wants_a_login_for_everything(embedded: Embedded) -> None:
    """Without the login, or with a wrong one, every request gets 401; with it, 200."""
    for path in ("/v2/", "/v2/_catalog", "/v2/test/pod/tags/list"):
        assert embedded.registry("GET", path, login="")[0] == 401
    assert embedded.registry("GET", "/v2/", login="shipway:wrong")[0] == 401
    assert embedded.registry("GET", "/v2/")[0] == 200


def test_files_of_the_person_are_private(embedded: Embedded) -> None:
    """Kubeconfig and Docker config belong to the person, mode 0600."""
    for path in (embedded.files.kubeconfig(), embedded.files.docker_config()):
        found = Path(path).stat()
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == os.getuid()


def test_another_account_reads_no_secret(embedded: Embedded) -> None:
    """Another local account can read the record and nothing else of the state."""
    script = (
        "import os,sys\n"
        "for root,dirs,names in os.walk(sys.argv[1]):\n"
        "  for name in names:\n"
        "    path=os.path.join(root,name)\n"
        "    try: open(path).close(); print(path)\n"
        "    except OSError: pass\n"
    )
    folder = embedded.status().folder
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
    said = as_root([*nobody, "/usr/bin/env", "python3", "-I", "-c", script, folder])
    assert said.stdout.split() == [f"{folder}/cluster.json"]


def test_shipway_namespaces_can_be_restricted(embedded: Embedded, web: int) -> None:
    """The test service runs under the restricted standard, as Shipway's own namespaces do."""
    assert web
    labels = embedded.get("namespace", NAMESPACE)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    refused = embedded.kubectl("-n", NAMESPACE, "create", "-f", "-", text=pod(), check=False)
    assert "violates PodSecurity" in refused.stderr
