"""A real embedded cluster for tests: under a name of its own, with a person's files of its own.

Works as root and as an ordinary account with a sudo that asks nothing: what only root may see is
looked at through :func:`as_root`.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from shipway import rootpart
from shipway.adapters import hostfacts, privilege, userfiles
from shipway.adapters.engines import assembly
from shipway.adapters.ground import init, tree
from shipway.adapters.process import SystemProcesses
from shipway.roads import cluster

if TYPE_CHECKING:
    import http.client
    from collections.abc import Callable, Sequence

    from shipway.core.ports.privilege import Moment

REPOSITORY = "test/pod"
NAMESPACE = "pods"


def as_root(argv: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command as root and return what it said."""
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    return subprocess.run(
        [*sudo, *argv], capture_output=True, text=True, check=options.pop("check", True), **options
    )


def until(check: Callable[[], bool], seconds: float, pause: float = 0.05) -> float:
    """Wait until ``check`` holds, return the seconds it took; fail when it takes too long."""
    begun = time.monotonic()
    while not check():
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"not so within {seconds} s")
        time.sleep(pause)
    return time.monotonic() - begun


def alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Embedded:
    """One cluster of the tests."""

    def __init__(self, name: str, home: Path, within: str = "") -> None:
        real = userfiles.person(os.environ)
        self.name = name
        self.home = home
        self.within = within
        """A network namespace to run the root part in; the caller's own without."""
        self.account = msgspec.structs.replace(real, home=str(home))
        self.files = userfiles.AccountFiles(self.account, {})
        self.moments: list[Moment] = []
        self.privilege = privilege.SudoPrivilege(
            self.account,
            lambda order, on_moment: rootpart.carry_out(order, rootpart.hands(), on_moment),
            environ=dict(os.environ),
        )
        self.entered: cluster.Up | None = None

    def up(self) -> cluster.Up:
        """Bring it up."""
        self.moments.clear()
        self.entered = cluster.up(
            self.name,
            facts=hostfacts.LinuxFacts(),
            tree=tree.RootTree(),
            engines=assembly.for_caller(SystemProcesses(), os.environ),
            privilege=self.privilege,
            files=self.files,
            on_progress=lambda _: None,
            on_moment=self.moments.append,
        )
        return self.entered

    @property
    def at(self) -> cluster.Up:
        """Return what `up` said last."""
        assert self.entered is not None
        return self.entered

    def down(self) -> None:
        """Take it down."""
        cluster.down(self.name, privilege=self.privilege, on_moment=self.moments.append)

    def delete(self) -> cluster.Deleted:
        """Delete it."""
        return cluster.delete(
            self.name,
            everything=False,
            tree=tree.RootTree(),
            privilege=self.privilege,
            files=self.files,
            save=lambda _: cluster.Saved(),
            caches=lambda _: (),
            on_moment=self.moments.append,
        )

    def status(self) -> cluster.Status:
        """Look at it without root."""
        return cluster.status(
            self.name, tree=tree.RootTree(), init=init.NamespacedInit(), files=self.files
        )

    def exists(self) -> bool:
        """Return whether it has a record."""
        return self.name in cluster.names(tree=tree.RootTree())

    def kubectl(
        self, *words: str, text: str = "", check: bool = True, kubeconfig: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the cluster's own kubectl as the person."""
        folder = self.folder_of("kubernetes")
        return subprocess.run(
            [
                f"{folder}/kubectl",
                f"--kubeconfig={kubeconfig or self.files.kubeconfig()}",
                f"--context={'it' if kubeconfig else self.at.context}",
                "--cache-dir=/nonexistent",
                *words,
            ],
            input=text,
            capture_output=True,
            text=True,
            check=check,
        )

    def get(self, *words: str) -> dict[str, Any]:
        """Return an object or list as kubectl gets it."""
        value: dict[str, Any] = json.loads(self.kubectl("get", "-o", "json", *words).stdout)
        return value

    def folder_of(self, engine: str) -> Path:
        """Return where root installed an engine."""
        return next(Path("/var/lib/shipway/engines", engine).iterdir())

    def login(self) -> str:
        """Return the registry's login as the person's Docker config has it."""
        config = json.loads(self.files.read(self.files.docker_config()) or "{}")
        login: str = config["auths"][self.at.registry]["auth"]
        return base64.b64decode(login).decode()

    def registry(
        self, method: str, path: str, data: bytes = b"", kind: str = "", login: str | None = None
    ) -> tuple[int, http.client.HTTPMessage | None]:
        """Send one request to the registry; return its status and headers."""
        url = path if path.startswith("http") else f"http://{self.at.registry}{path}"
        request = urllib.request.Request(url, data or None, method=method)  # noqa: S310  loopback
        credentials = self.login() if login is None else login
        if credentials:
            encoded = base64.b64encode(credentials.encode()).decode()
            request.add_header("Authorization", f"Basic {encoded}")
        if kind:
            request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, answer.headers
        except urllib.error.HTTPError as error:
            error.close()
            return error.code, None

    def push(self, binary: bytes, architecture: str = "") -> str:
        """Push an image that holds one program and return its reference by digest.

        It says that it is for ``architecture``, or else for this machine.
        """
        own = "amd64" if os.uname().machine == "x86_64" else "arm64"
        layer = _layer(binary)
        diff = "sha256:" + hashlib.sha256(layer).hexdigest()
        config = json.dumps(
            {
                "architecture": architecture or own,
                "os": "linux",
                "config": {"Entrypoint": ["/pod"], "User": "1001:1001"},
                "rootfs": {"type": "layers", "diff_ids": [diff]},
            }
        ).encode()
        kind = "application/vnd.oci.image"
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": f"{kind}.manifest.v1+json",
                "config": self._blob(config, f"{kind}.config.v1+json"),
                "layers": [self._blob(layer, f"{kind}.layer.v1.tar")],
            }
        ).encode()
        digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
        path = f"/v2/{REPOSITORY}/manifests/{digest}"
        assert self.registry("PUT", path, manifest, f"{kind}.manifest.v1+json")[0] == 201
        return f"{self.at.registry}/{REPOSITORY}@{digest}"

    def _blob(self, data: bytes, kind: str) -> dict[str, Any]:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        status, headers = self.registry("POST", f"/v2/{REPOSITORY}/blobs/uploads/")
        assert status == 202
        assert headers is not None
        place = headers["Location"]
        join = "&" if "?" in place else "?"
        url = f"{place}{join}digest={digest}"
        assert self.registry("PUT", url, data, "application/octet-stream")[0] == 201
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def deploy(self, image: str, port: int, name: str = "web", replicas: int = 2) -> None:
        """Run the program under the restricted standard, behind a NodePort."""
        level = {"pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": name, "namespace": NAMESPACE}
        objects: list[dict[str, Any]] = [
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": NAMESPACE, "labels": level},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": metadata,
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": {"app": name}},
                        "spec": pod_spec(image),
                    },
                },
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {
                    "type": "NodePort",
                    "selector": {"app": name},
                    "ports": [{"port": 80, "targetPort": 8080, "nodePort": port}],
                },
            },
        ]
        whole = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "-f", "-", text=json.dumps(whole))

    def ask(self, port: int, path: str = "/") -> str | None:
        """Return what a NodePort answers on the host's loopback, nothing if it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
                text: str = answer.read().decode()
                return text
        except OSError:
            return None

    def init_pid(self) -> int:
        """Return the one init's process id on the host."""
        return self.status().pid

    def processes(self) -> set[int]:
        """Return every process of the cluster, by the namespace that they share."""
        pid = self.init_pid()
        script = (
            "import os,sys\n"
            "own=os.readlink(f'/proc/{sys.argv[1]}/ns/pid_for_children')\n"
            "for p in filter(str.isdecimal, os.listdir('/proc')):\n"
            "    try:\n"
            "        if os.readlink(f'/proc/{p}/ns/pid')==own: print(p)\n"
            "    except OSError: pass\n"
        )
        said = as_root([sys.executable, "-I", "-c", script, str(pid)])
        return {int(word) for word in said.stdout.split()}

    def running(self, part: str) -> list[int]:
        """Return the host's process ids of a part's program."""
        if part == "door":
            return self._doors()
        program = {"pasta": "/bin/pasta"}.get(part, f"/{part}")
        found = []
        for pid in sorted(self.processes()):
            said = as_root(["readlink", f"/proc/{pid}/exe"], check=False)
            if said.stdout.strip().endswith(program):
                found.append(pid)
        return found

    def _doors(self) -> list[int]:
        """Return the process ids of the door, which runs the same program as the prober."""
        found = []
        for pid in sorted(self.processes()):
            said = as_root(["cat", f"/proc/{pid}/cmdline"], check=False).stdout.split("\0")
            if "shipway.adapters.ground.door" in said and "-m" in said[:3]:
                found.append(pid)
        return found


def pod_spec(image: str) -> dict[str, Any]:
    """Return a pod that the restricted standard admits."""
    return {
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1001},
        "containers": [
            {
                "name": "pod",
                "image": image,
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                    "readOnlyRootFilesystem": True,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
            }
        ],
    }


def _layer(binary: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo("pod")
        member.size, member.mode = len(binary), 0o755
        tar.addfile(member, io.BytesIO(binary))
    return stream.getvalue()
