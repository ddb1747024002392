"""What ``shipway.toml`` may say: the types that its parser and its JSON Schema are made of.

Every default is one for the embedded cluster and a clean checkout. ``core.project.schema`` reads
files into these, ``core.project.settings`` lays layers over one another. Nothing here checks.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

NAME = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
"""A DNS label (RFC 1123), as Kubernetes wants names."""

Name = Annotated[
    str,
    Meta(pattern=NAME, max_length=63, description="lower-case letters, digits and inner dashes"),
]
Port = Annotated[int, Meta(ge=1, le=65535, description="a number from 1 to 65535")]
Percent = Annotated[float, Meta(ge=0, le=100, description="a number from 0 to 100")]
Seconds = Annotated[int, Meta(ge=1, description="a number of seconds, 1 or more")]
Inside = Annotated[
    str,
    Meta(
        pattern=r"^(?!/)(?!.*(^|/)\.\.(/|$)).*$",
        description="a path below the project's folder, without ..",
    ),
]
Absolute = Annotated[
    str,
    Meta(pattern=r"^/(?!.*(^|/)\.\.(/|$)).+$", description="an absolute path in the image"),
]
Platform = Annotated[
    str,
    Meta(pattern=r"^linux/[a-z0-9]+(/v[0-9]+)?$", description="linux/ARCHITECTURE in Go's words"),
]
ClusterObject = Annotated[
    str, Meta(pattern=r"^[A-Z][A-Za-z0-9]*/[^/\s]+$", description="KIND/NAME, as ClusterRole/web")
]
KindGroup = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z][A-Za-z0-9]*(\.[a-z0-9-]+)+$",
        description="KIND.GROUP, as Certificate.cert-manager.io",
    ),
]
Registry = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]+)?$",
        description="HOST[:PORT][/PATH] without a scheme",
    ),
]

Kind = Literal["web", "grpc", "worker", "job", "cron"]
SERVED = ("web", "grpc")
"""Kinds that have a port."""


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table whose keys are known, all of them."""


class Project(Strict, frozen=True):
    """[project]"""  # noqa: D415  the table's own name

    name: Name | Literal[""] = ""
    """Names repositories and namespaces; by default the last part of the module's path."""


class Build(Strict, frozen=True):
    """[services.NAME.build]"""  # noqa: D415

    cgo: bool = False
    """Links C; the binary is then not static."""
    tags: tuple[str, ...] = ()
    """Build tags."""
    platforms: tuple[Platform, ...] = ()
    """As ``linux/amd64``; by default those of the target's nodes. Several make an index."""
    metadata: str = ""
    """Import path of the package that takes gitCommit, gitBranch, isDirty, buildTime, version."""


class Image(Strict, frozen=True):
    """[services.NAME.image]"""  # noqa: D415

    base: str = ""
    """A reference by digest, or by tag (pinned in shipway.lock); by default the built-in base."""
    ca: Inside = ""
    """A PEM file whose certificates are trusted besides the base's."""


class Service(Strict, frozen=True):
    """[services.NAME]"""  # noqa: D415

    package: str = ""
    """Folder of the main package, as ``./cmd/web``."""
    kind: Kind = "web"
    """web: Service and HTTP probes; grpc: Service and gRPC health; worker: neither; job; cron."""
    port: Port | None = None
    """The port it listens on; without it, found as docs/config.md says."""
    schedule: str = ""
    """Of a cron, five fields, UTC."""
    files: dict[Absolute, Inside] = {}
    """Path in the image to file or folder of the project."""
    build: Build = Build()
    image: Image = Image()


class Target(Strict, frozen=True):
    """One entry of ``targets``: a cluster."""

    context: Annotated[str, Meta(min_length=1, description="the name of a kubeconfig context")]
    """Name in the kubeconfig; the current context is never used."""


class Environment(Strict, frozen=True):
    """[environments.NAME]"""  # noqa: D415

    protected: bool = False
    """Tests and coverage block, no dirty tree, only keys with a passphrase."""
    overlay: Inside = ""
    """Folder of a kustomization or of plain YAML; by default found."""
    registry: Registry | Literal[""] = ""
    """Where its nodes pull from; by default the embedded cluster's."""
    namespaces: tuple[Name, ...] = ()
    """Where its objects may live; the first is the default. Without any: PROJECT-NAME."""
    via: Literal["apply", "git"] = "apply"
    """How objects reach the cluster."""
    targets: tuple[Target, ...] = ()
    """Its clusters; without any, the embedded one."""
    rollout: Literal["stop-at-first", "all"] = "stop-at-first"
    """Whether a cluster that fails ends it, or the ones after it follow."""
    cluster_objects: tuple[ClusterObject, ...] = ()
    """Cluster-scoped objects it may have, as ``ClusterRole/web``."""


class Test(Strict, frozen=True):
    """[test]"""  # noqa: D415

    dev: Literal["block", "beside", "off"] = "beside"
    """What ``up`` to an unprotected environment does about tests."""
    network: bool = False
    """Lets tests reach the network."""
    race: bool = False
    """Watches for data races, which needs a C compiler."""
    timeout: Seconds = 600
    """Seconds after which the tests of one package are ended."""
    coverage: Percent = 80.0
    """Statement coverage in percent that the gate asks for."""


class Scan(Strict, frozen=True):
    """[scan]; in the released tree it can only tighten what the user's own says."""

    block: Literal["called", "imported", "required", "none"] = "none"
    """The farthest grade of vulnerability that stops."""
    release: bool = False
    """Scans a release, and stops it by what is found."""


class Trust(Strict, frozen=True):
    """[trust]; in the released tree it can only narrow what the user's own says."""

    keys: tuple[str, ...] = ()
    """Fingerprints (``SHA256:...``) or paths of public keys."""


class Health(Strict, frozen=True):
    """[health."KIND.GROUP"]: expressions in CEL, asked in this order."""

    failed: str = ""
    """True: the object has failed, and the gate with it."""
    progressing: str = ""
    """True: it is still on its way."""
    healthy: str = ""
    """True: it is healthy; else still on its way."""


class Config(Strict, frozen=True):
    """The whole of shipway.toml."""

    schema: Literal[1] = 1
    project: Project = Project()
    services: dict[Name, Service] = {}
    environments: dict[Name, Environment] = {}
    test: Test = Test()
    scan: Scan = Scan()
    trust: Trust = Trust()
    health: dict[KindGroup, Health] = {}


RESERVED = ("policy", "secrets", "ci")
"""Tables that a later version gives a meaning."""
