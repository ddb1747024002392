"""Reading kubeconfig: several files merged as kubectl does it, and one context chosen by name.

Pure: callers hand in decoded files and get paths back, never contents of other files. The current
context is reported but never used unless it is named, because Shipway deploys nowhere by accident.
Format: kubernetes.io, "Organizing Cluster Access Using kubeconfig Files".
"""

from __future__ import annotations

import difflib
import posixpath
from typing import Any

import msgspec

from shipway.errors import Kind, ShipwayError


class Document(msgspec.Struct, frozen=True):
    """One decoded kubeconfig file; relative paths in it start at its folder."""

    path: str
    content: dict[str, Any]


class ExecPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A program that prints credentials (client.authentication.k8s.io, ExecCredential)."""

    command: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    api_version: str = "client.authentication.k8s.io/v1"
    install_hint: str = ""
    interactive: str = "IfAvailable"
    """May it ask a person: ``Never``, ``IfAvailable`` or ``Always``."""
    provide_cluster_info: bool = False
    cluster_config: object = None
    """What the cluster's entry says for plugins; goes to it with the cluster's address."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one cluster as one user; its ``repr`` shows no credential."""

    context: str
    namespace: str
    server: str
    ca_file: str = ""
    ca_data: str = ""
    """Base64 of PEM, as everything called ``data``."""
    insecure: bool = False
    tls_server_name: str = ""
    proxy_url: str = ""
    cert_file: str = ""
    cert_data: str = ""
    key_file: str = ""
    key_data: str = ""
    token: str = ""
    token_file: str = ""
    username: str = ""
    password: str = ""
    impersonate: str = ""
    impersonate_groups: tuple[str, ...] = ()
    impersonate_uid: str = ""
    impersonate_extra: tuple[tuple[str, str], ...] = ()
    """Pairs of key and value; a key may come twice."""
    plugin: ExecPlugin | None = None

    def __repr__(self) -> str:
        """Return context and server only."""
        return f"Access(context={self.context!r}, server={self.server!r})"


class Merged(msgspec.Struct, frozen=True):
    """Several files as one: for each name the first file that has it wins."""

    current: str
    contexts: dict[str, dict[str, Any]]
    clusters: dict[str, dict[str, Any]]
    users: dict[str, dict[str, Any]]


def merge(documents: tuple[Document, ...]) -> Merged:
    """Return the files as one; of each named entry, and of current-context, the first counts."""
    current = ""
    tables: dict[str, dict[str, dict[str, Any]]] = {"contexts": {}, "clusters": {}, "users": {}}
    for document in documents:
        current = current or str(document.content.get("current-context") or "")
        for plural, table in tables.items():
            for name, entry in _named(document, plural):
                table.setdefault(name, entry)
    return Merged(current, tables["contexts"], tables["clusters"], tables["users"])


def choose(merged: Merged, context: str) -> Access:
    """Return how to reach the cluster of ``context``.

    Raises:
        ShipwayError: ``kube.no_context`` (not found) with the names there are;
            ``kube.kubeconfig`` (config) if it refers to something missing or long removed.
    """
    entry = merged.contexts.get(context)
    if entry is None:
        raise _no_context(merged, context)
    cluster = _find(merged.clusters, str(entry.get("cluster") or ""), context, "cluster")
    name = str(entry.get("user") or "")
    user = _find(merged.users, name, context, "user") if name else {}
    if user.get("auth-provider"):
        raise _broken(context, "its user has an auth-provider, which Kubernetes removed in 1.26")
    if not cluster.get("server"):
        raise _broken(context, "its cluster names no server")
    if cluster.get("insecure-skip-tls-verify") and any(
        cluster.get(key) for key in ("certificate-authority", "certificate-authority-data")
    ):
        raise _broken(context, "its cluster has an authority and asks not to check it")
    return _access(context, entry, cluster, user)


_EXEC_VERSIONS = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_MODES = ("Never", "IfAvailable", "Always")
_EXTENSION = "client.authentication.k8s.io/exec"
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _named(document: Document, plural: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the named entries of one file, with their paths made absolute."""
    found = []
    folder = posixpath.dirname(document.path)
    for item in document.content.get(plural) or ():
        entry = dict(item.get(plural.removesuffix("s")) or {})
        for key in _PATHS:
            if entry.get(key):
                entry[key] = posixpath.normpath(posixpath.join(folder, entry[key]))
        command = str((entry.get("exec") or {}).get("command") or "")
        if "/" in command:  # a bare name is looked up on the PATH
            entry["exec"] = {**entry["exec"], "command": posixpath.join(folder, command)}
        found.append((str(item.get("name") or ""), entry))
    return found


def _access(
    context: str, entry: dict[str, Any], cluster: dict[str, Any], user: dict[str, Any]
) -> Access:
    return Access(
        context=context,
        namespace=str(entry.get("namespace") or "default"),
        server=str(cluster["server"]).rstrip("/"),
        ca_file=_text(cluster, "certificate-authority"),
        ca_data=_text(cluster, "certificate-authority-data"),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=_text(cluster, "tls-server-name"),
        proxy_url=_text(cluster, "proxy-url"),
        cert_file=_text(user, "client-certificate"),
        cert_data=_text(user, "client-certificate-data"),
        key_file=_text(user, "client-key"),
        key_data=_text(user, "client-key-data"),
        token=_text(user, "token"),
        token_file=_text(user, "tokenFile"),
        username=_text(user, "username"),
        password=_text(user, "password"),
        impersonate=_text(user, "as"),
        impersonate_groups=tuple(str(group) for group in user.get("as-groups") or ()),
        impersonate_uid=_text(user, "as-uid"),
        impersonate_extra=tuple(
            (str(key), str(value))
            for key, values in (user.get("as-user-extra") or {}).items()
            for value in values or ()
        ),
        plugin=_plugin(context, user.get("exec") or {}, cluster),
    )


def _plugin(context: str, entry: dict[str, Any], cluster: dict[str, Any]) -> ExecPlugin | None:
    if not entry:
        return None
    version = _text(entry, "apiVersion")
    if version not in _EXEC_VERSIONS:
        told = f"of {version}, which Kubernetes removed" if version else "without an apiVersion"
        raise _broken(
            context, f"its exec plugin is {told}; there are {' and '.join(_EXEC_VERSIONS)}"
        )
    mode = _text(entry, "interactiveMode")
    if mode not in _MODES and (mode or version == _EXEC_VERSIONS[0]):
        raise _broken(
            context,
            f"its exec plugin's interactiveMode is {mode or 'missing'}: {', '.join(_MODES)}",
        )
    return ExecPlugin(
        command=_text(entry, "command"),
        args=tuple(str(arg) for arg in entry.get("args") or ()),
        env=tuple((str(item["name"]), str(item["value"])) for item in entry.get("env") or ()),
        api_version=version,
        install_hint=_text(entry, "installHint"),
        interactive=mode or "IfAvailable",
        provide_cluster_info=bool(entry.get("provideClusterInfo")),
        cluster_config=_extension(cluster),
    )


def _extension(cluster: dict[str, Any]) -> object:
    """Return what a cluster's entry says for plugins (client.authentication.k8s.io/exec)."""
    for one in cluster.get("extensions") or ():
        if one.get("name") == _EXTENSION:
            return one.get("extension")
    return None


def _text(entry: dict[str, Any], key: str) -> str:
    return str(entry.get(key) or "")


def _find(table: dict[str, dict[str, Any]], name: str, context: str, what: str) -> dict[str, Any]:
    if name not in table:
        raise _broken(context, f"its {what} {name!r} is not defined in any kubeconfig file")
    return table[name]


def _broken(context: str, message: str) -> ShipwayError:
    return ShipwayError(
        "kube.kubeconfig", Kind.CONFIG, message, operation="reading context", subject=context
    )


def _no_context(merged: Merged, context: str) -> ShipwayError:
    names = sorted(merged.contexts)
    near = difflib.get_close_matches(context, names, 1)
    hint = f"did you mean {near[0]!r}?" if near else "contexts: " + (", ".join(names) or "none")
    return ShipwayError(
        "kube.no_context",
        Kind.NOT_FOUND,
        "no kubeconfig file has this context",
        operation="reading context",
        subject=context,
        hint=hint,
    )
