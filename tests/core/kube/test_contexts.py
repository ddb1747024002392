"""Kubeconfig files: merged as kubectl does, one context chosen by name, none by accident."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube.contexts import Access, Document, ExecPlugin, choose, merge
from shipway.errors import Kind, ShipwayError

V1 = "client.authentication.k8s.io/v1"
BETA = {"apiVersion": "client.authentication.k8s.io/v1beta1"}


def document(path: str = "/home/me/.kube/config", **parts: Any) -> Document:
    """Return a file with one cluster, user and context called ``one``, but for ``parts``."""
    content = {
        "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": "https://one:6443/"}}],
        "users": [{"name": "one", "user": {"token": "t"}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    }
    return Document(path, content | parts)


def access(cluster: Any = None, user: Any = None, context: Any = None) -> Access:
    """Return what is chosen of a file with these entries."""
    found = document(
        clusters=[{"name": "one", "cluster": {"server": "https://one:6443"} | (cluster or {})}],
        users=[{"name": "one", "user": user or {}}],
        contexts=[{"name": "one", "context": {"cluster": "one", "user": "one"} | (context or {})}],
    )
    return choose(merge((found,)), "one")


def test_one_file() -> None:
    """Server, token and namespace come from the named context."""
    found = choose(merge((document(),)), "one")

    assert found == Access(context="one", namespace="default", server="https://one:6443", token="t")


def test_first_file_wins() -> None:
    """Of each name, and of current-context, the first file's counts; other names are added."""
    second = document(
        **{"current-context": "two"},
        clusters=[{"name": "one", "cluster": {"server": "https://other"}}],
        contexts=[{"name": "two", "context": {"cluster": "one", "user": "one"}}],
    )

    merged = merge((document(**{"current-context": ""}), second))

    assert merged.current == "two"
    assert sorted(merged.contexts) == ["one", "two"]
    assert choose(merged, "two").server == "https://one:6443"


def test_paths_start_at_their_file() -> None:
    """Relative paths, those of plugins too, are relative to the file that has them."""
    found = access(
        {"certificate-authority": "ca.crt"},
        {
            "client-certificate": "../client.crt",
            "client-key": "/abs/client.key",
            "tokenFile": "token",
            "exec": {"command": "./bin/plugin", **BETA},
        },
    )

    assert found.ca_file == "/home/me/.kube/ca.crt"
    assert found.cert_file == "/home/me/client.crt"
    assert found.key_file == "/abs/client.key"
    assert found.token_file == "/home/me/.kube/token"
    assert found.plugin is not None
    assert found.plugin.command == "/home/me/.kube/./bin/plugin"


def test_everything_else() -> None:
    """Every way to authenticate and to connect is kept."""
    found = access(
        {
            "certificate-authority-data": "Y2E=",
            "tls-server-name": "kubernetes",
            "proxy-url": "http://proxy:3128",
            "extensions": [
                {"name": "other", "extension": 1},
                {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "shop"}},
            ],
        },
        {
            "client-certificate-data": "Yw==",
            "client-key-data": "aw==",
            "username": "me",
            "password": "p",
            "as": "root",
            "as-groups": ["a", "b"],
            "as-uid": "u-1",
            "as-user-extra": {"scopes": ["x", "y"], "none": None},
            "exec": {
                "command": "plugin",
                "args": ["get", 1],
                "env": [{"name": "A", "value": "b"}],
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "installHint": "install it",
                "provideClusterInfo": True,
            },
        },
        {"namespace": "shop"},
    )

    assert found == Access(
        context="one",
        namespace="shop",
        server="https://one:6443",
        ca_data="Y2E=",
        tls_server_name="kubernetes",
        proxy_url="http://proxy:3128",
        cert_data="Yw==",
        key_data="aw==",
        username="me",
        password="p",
        impersonate="root",
        impersonate_groups=("a", "b"),
        impersonate_uid="u-1",
        impersonate_extra=(("scopes", "x"), ("scopes", "y")),
        plugin=ExecPlugin(
            command="plugin",
            args=("get", "1"),
            env=(("A", "b"),),
            api_version="client.authentication.k8s.io/v1beta1",
            install_hint="install it",
            provide_cluster_info=True,
            cluster_config={"audience": "shop"},
        ),
    )


@pytest.mark.parametrize(
    ("said", "mode"),
    [
        ({"apiVersion": V1, "interactiveMode": "Never"}, "Never"),
        ({"apiVersion": V1, "interactiveMode": "Always"}, "Always"),
        ({"apiVersion": V1, "interactiveMode": "IfAvailable"}, "IfAvailable"),
        (BETA, "IfAvailable"),
        ({**BETA, "interactiveMode": "Never"}, "Never"),
    ],
)
def test_whether_a_plugin_may_ask(said: dict[str, str], mode: str) -> None:
    """v1 says it; v1beta1 need not."""
    found = access(user={"exec": {"command": "plugin", **said}}).plugin

    assert found is not None
    assert (found.api_version, found.interactive) == (said["apiVersion"], mode)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, "without an apiVersion"),
        ({"apiVersion": "client.authentication.k8s.io/v1alpha1"}, "v1alpha1, which Kubernetes"),
        ({"apiVersion": V1}, "interactiveMode is missing"),
        ({"apiVersion": V1, "interactiveMode": "never"}, "interactiveMode is never"),
        ({**BETA, "interactiveMode": "maybe"}, "interactiveMode is maybe"),
    ],
)
def test_a_plugin_that_is_described_wrong(said: dict[str, str], why: str) -> None:
    """As for kubectl: another version, or a mode that is none, is an error of the file."""
    with pytest.raises(ShipwayError, match=why) as caught:
        access(user={"exec": {"command": "plugin", **said}})

    assert (caught.value.id, caught.value.kind) == ("kube.kubeconfig", Kind.CONFIG)


@pytest.mark.parametrize("key", ["certificate-authority", "certificate-authority-data"])
def test_an_authority_that_is_not_to_be_checked(key: str) -> None:
    """Both at once cannot be meant."""
    with pytest.raises(ShipwayError, match="asks not to check it"):
        access({key: "eA==", "insecure-skip-tls-verify": True})
    assert access({"insecure-skip-tls-verify": True}).insecure


def test_repr_shows_no_credential() -> None:
    """What may be logged names context and server only."""
    assert repr(access(user={"token": "hush-hush"})) == (
        "Access(context='one', server='https://one:6443')"
    )


def test_context_without_a_user() -> None:
    """A context needs no user."""
    found = document(contexts=[{"name": "one", "context": {"cluster": "one"}}])

    assert choose(merge((found,)), "one").token == ""


@pytest.mark.parametrize(
    ("name", "hint"), [("onne", "did you mean 'one'?"), ("zzz", "contexts: one")]
)
def test_no_such_context(name: str, hint: str) -> None:
    """A context that is not there is named with the nearest, or with all there are."""
    with pytest.raises(ShipwayError) as caught:
        choose(merge((document(),)), name)

    assert (caught.value.id, caught.value.kind) == ("kube.no_context", Kind.NOT_FOUND)
    assert caught.value.hint == hint


def test_no_context_at_all() -> None:
    """Without any file there are none."""
    with pytest.raises(ShipwayError) as caught:
        choose(merge(()), "one")

    assert caught.value.hint == "contexts: none"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"clusters": []}, "cluster 'one' is not defined"),
        ({"users": []}, "user 'one' is not defined"),
        ({"clusters": [{"name": "one", "cluster": {}}]}, "names no server"),
        ({"users": [{"name": "one", "user": {"auth-provider": {"name": "gcp"}}}]}, "auth-provider"),
    ],
)
def test_broken_context(parts: dict[str, Any], why: str) -> None:
    """A context that refers to something missing, or long removed, says what."""
    with pytest.raises(ShipwayError, match=why) as caught:
        choose(merge((document(**parts),)), "one")

    assert caught.value.id == "kube.kubeconfig"
