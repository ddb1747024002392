"""One cluster's API server as the ``Kube`` port, over plain JSON and a few paths.

Wiring makes it; stages and roads know only the port. It keeps raw objects, asks discovery only for
kinds that are not Kubernetes' own, and never repeats a call that is not safe to repeat.
"""

from __future__ import annotations

import json
import threading
import urllib.parse
from typing import TYPE_CHECKING, Any

from shipway.adapters.http.network import from_environment
from shipway.adapters.kube import watching
from shipway.adapters.kube.transport import Transport
from shipway.core.kube import kinds
from shipway.core.kube.objects import Resource, ref_of
from shipway.core.ports.kube import MANAGER
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from shipway.adapters.kube.credentials import Terminal
    from shipway.adapters.kube.tunnel import WebSocketTunnel
    from shipway.core.kube.contexts import Access
    from shipway.core.kube.objects import Obj, Ref
    from shipway.core.ports.kube import Change, Selection
    from shipway.core.ports.process import Processes

_APPLY = "application/apply-patch+yaml"
_PAGE = "500"
_SILENCE = 300.0
"""Seconds without a line after which a followed log is let go: its connection may be dead."""


class Cluster:
    """The ``Kube`` port over HTTP; safe to use from several threads."""

    def __init__(
        self,
        access: Access,
        *,
        processes: Processes | None = None,
        environment: Mapping[str, str] | None = None,
        terminal: Terminal | None = None,
    ) -> None:
        """``processes`` run exec plugins; ``environment`` is theirs, and names the network's.

        ``terminal`` runs those that may ask a person; none where there is no person to ask.
        """
        variables = environment or {}
        network = from_environment(variables)
        self._transport = Transport(access, processes, variables, network, terminal)
        self._lock = threading.Lock()
        self._served: dict[str, dict[str, Resource]] = {}

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def version(self) -> str:
        """Return the server's version, as in ``v1.36.3``."""
        answer = self._transport.json(
            "GET", "/version", operation="asking the version", subject="", repeatable=True
        )
        return str(answer.get("gitVersion", ""))

    def date(self) -> float | None:
        """Return what the server says the time is."""
        return self._transport.date()

    def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Return whether we may do something (authorization.k8s.io, SelfSubjectAccessReview)."""
        name, _, below = resource.partition("/")
        asked = {"verb": verb, "group": group, "resource": name, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": asked | ({"subresource": below} if below else {})},
        }
        answer = self._transport.json(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            operation="asking for the right to",
            subject=f"{verb} {resource}",
            body=json.dumps(review).encode(),
            repeatable=True,  # it stores nothing
        )
        return bool((answer.get("status") or {}).get("allowed"))

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Return how the server serves a kind, or ``None`` if it does not."""
        if found := kinds.known(api_version, kind):
            return found
        with self._lock:
            table = self._served.get(api_version, {})
        if kind not in table:
            table = self._discover(api_version)
            with self._lock:
                self._served[api_version] = table
        return table.get(kind)

    def preferred(self, group: str, kind: str) -> Resource | None:
        """Return how the server serves a kind in its preferred version, or ``None``."""
        if found := kinds.preferred(group, kind):
            return found
        try:
            answer = self._transport.json(
                "GET", f"/apis/{group}", operation="asking for the versions of", subject=group,
                repeatable=True,
            )  # fmt: skip
        except ShipwayError as error:
            if error.id == "kube.not_found":
                return None
            raise
        return self.resource(str(answer["preferredVersion"]["groupVersion"]), kind)

    def get(self, ref: Ref) -> Obj | None:
        """Return the live object, or ``None`` if it, its namespace or its kind is not there."""
        resource = self.resource(ref.api_version, ref.kind)
        if resource is None:
            return None
        try:
            return self._transport.json(
                "GET", _path(resource, ref), operation="reading", subject=str(ref), repeatable=True
            )
        except ShipwayError as error:
            if error.id == "kube.not_found":
                return None
            raise

    def list(self, selection: Selection) -> tuple[Obj, ...]:
        """Return every object of a collection (all pages); none where the kind is not served."""
        return self.page_through(selection)[0]

    def page_through(self, selection: Selection) -> tuple[tuple[Obj, ...], str]:
        """Return a collection and the resource version it was read at; for the watch."""
        resource = self.resource(selection.api_version, selection.kind)
        if resource is None:
            return (), ""
        for attempt in (1, 2):
            try:
                return self._pages(resource, selection)
            except ShipwayError as error:
                if error.id != "kube.gone" or attempt == 2:  # noqa: PLR2004  the second try
                    raise
        raise AssertionError  # pragma: no cover  the last attempt returned or raised

    def apply(
        self, obj: Obj, *, force: bool = False, dry_run: bool = False, manager: str = MANAGER
    ) -> Obj:
        """Server-side apply ``obj`` whole and return the live object."""
        ref = ref_of(obj)
        query = {
            "fieldManager": manager,
            "force": "true" if force else "false",
            "fieldValidation": "Strict",
        }
        if dry_run:
            query["dryRun"] = "All"
        return self._transport.json(
            "PATCH",
            _path(self._must(ref), ref),
            operation="applying" if not dry_run else "trying to apply",
            subject=str(ref),
            query=query,
            body=json.dumps(obj).encode(),
            media_type=_APPLY,
            repeatable=True,  # applying the same object twice is applying it once
        )

    def create(self, obj: Obj) -> Obj:
        """Create ``obj``."""
        ref = ref_of(obj)
        return self._transport.json(
            "POST",
            _collection(self._must(ref), ref.namespace),
            operation="creating",
            subject=str(ref),
            query={"fieldManager": MANAGER, "fieldValidation": "Strict"},
            body=json.dumps(obj).encode(),
        )

    def replace(self, obj: Obj) -> Obj:
        """Replace the object whose ``metadata.resourceVersion`` is that of ``obj``."""
        ref = ref_of(obj)
        return self._transport.json(
            "PUT",
            _path(self._must(ref), ref),
            operation="replacing",
            subject=str(ref),
            query={"fieldManager": MANAGER},
            body=json.dumps(obj).encode(),
        )

    def delete(self, ref: Ref, *, uid: str = "", wait: bool = False) -> bool:
        """Delete an object; return whether there was one."""
        resource = self.resource(ref.api_version, ref.kind)
        if resource is None:
            return False
        options: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Foreground" if wait else "Background",
        }
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            self._transport.json(
                "DELETE",
                _path(resource, ref),
                operation="deleting",
                subject=str(ref),
                body=json.dumps(options).encode(),
                repeatable=bool(uid),
            )
        except ShipwayError as error:
            if error.id == "kube.not_found":
                return False
            raise
        return True

    def watch(
        self, selections: Sequence[Selection], *, seconds: float
    ) -> Generator[Change, None, None]:
        """Yield what is there, one ``SYNCED``, then every change as it comes."""
        return watching.follow(self, selections, seconds)

    def stream(self, selection: Selection, version: str, seconds: float) -> watching.Stream:
        """Open one watch request; for :mod:`watching` only."""
        resource = self._must_serve(selection.api_version, selection.kind)
        query = _selectors(selection) | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(max(1, int(seconds) + 1)),
        }
        return self._transport.stream(
            _collection(resource, selection.namespace),
            operation="watching",
            subject=resource.plural,
            query=query,
            seconds=seconds + 5.0,
        )

    def logs(
        self, namespace: str, pod: str, container: str, *, tail: int = 10, previous: bool = False
    ) -> str:
        """Return the last ``tail`` lines of a container; empty if none."""
        query = {
            "container": container,
            "tailLines": str(tail),
            "limitBytes": "65536",
            "previous": "true" if previous else "false",
        }
        name = urllib.parse.quote(pod)
        try:
            data = self._transport.read(
                "GET",
                f"/api/v1/namespaces/{urllib.parse.quote(namespace)}/pods/{name}/log",
                operation="reading the log of",
                subject=f"pod/{namespace}/{pod}",
                query=query,
                repeatable=True,
            )
        except ShipwayError as error:
            if error.id in {"kube.not_found", "kube.invalid"}:  # gone, or never started
                return ""
            raise
        text = data.decode(errors="replace")
        # the kubelet says so in the log itself when the container is already gone
        return "" if text.startswith("unable to retrieve container logs") else text

    def log_stream(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        follow: bool = False,
        since: str = "",
        seconds: int = 0,
        tail: int | None = None,
        previous: bool = False,
    ) -> Generator[str, None, None]:
        """Yield a container's lines with their timestamps; see the port."""
        query = {
            "container": container,
            "timestamps": "true",
            "follow": "true" if follow else "false",
            "previous": "true" if previous else "false",
        }
        query |= {"sinceTime": since} if since else {}
        query |= {"sinceSeconds": str(seconds)} if seconds else {}
        query |= {"tailLines": str(tail)} if tail is not None else {}
        path = f"/api/v1/namespaces/{urllib.parse.quote(namespace)}/pods/{urllib.parse.quote(pod)}"
        try:
            with self._transport.stream(
                f"{path}/log",
                operation="reading the log of",
                subject=f"pod/{namespace}/{pod}",
                query=query,
                seconds=_SILENCE,
                whole=not follow,
            ) as (_, lines):
                for line in lines:
                    yield line.decode(errors="replace")
        except ShipwayError as error:
            if error.id not in {"kube.not_found", "kube.invalid"}:  # gone, or not begun
                raise

    def tunnel(self, namespace: str, pod: str, port: int) -> WebSocketTunnel:
        """Return a connection to a TCP port of a pod."""
        from shipway.adapters.kube.tunnel import PROTOCOL, WebSocketTunnel  # noqa: PLC0415  rare

        subject = f"pod/{namespace}/{pod}:{port}"
        path = f"/api/v1/namespaces/{urllib.parse.quote(namespace)}/pods/{urllib.parse.quote(pod)}"
        opened = self._transport.upgrade(
            f"{path}/portforward?ports={port}",
            PROTOCOL,
            operation="forwarding to",
            subject=subject,
        )
        return WebSocketTunnel(opened, subject)

    def _discover(self, api_version: str) -> dict[str, Resource]:
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            answer = self._transport.json(
                "GET", path, operation="asking for the kinds of", subject=api_version,
                repeatable=True,
            )  # fmt: skip
        except ShipwayError as error:
            if error.id == "kube.not_found":
                return {}
            raise
        return {
            item["kind"]: Resource(
                api_version, item["kind"], item["name"], item["namespaced"],
                tuple(item.get("verbs") or ()),
            )
            for item in answer.get("resources") or ()
            if "/" not in item["name"]  # subresources
        }  # fmt: skip

    def _pages(self, resource: Resource, selection: Selection) -> tuple[tuple[Obj, ...], str]:
        query = _selectors(selection) | {"limit": _PAGE}
        found: list[Obj] = []
        while True:
            answer = self._transport.json(
                "GET", _collection(resource, selection.namespace), operation="listing",
                subject=resource.plural, query=query, repeatable=True,
            )  # fmt: skip
            found += [_whole(item, resource) for item in answer.get("items") or ()]
            metadata = answer.get("metadata") or {}
            if not metadata.get("continue"):
                return tuple(found), str(metadata.get("resourceVersion") or "")
            query["continue"] = metadata["continue"]

    def _must(self, ref: Ref) -> Resource:
        return self._must_serve(ref.api_version, ref.kind)

    def _must_serve(self, api_version: str, kind: str) -> Resource:
        resource = self.resource(api_version, kind)
        if resource is None:
            raise ShipwayError(
                "kube.unknown_kind",
                Kind.NOT_FOUND,
                "the server does not serve this kind",
                operation="asking for",
                subject=f"{kind} ({api_version})",
                hint="is its CustomResourceDefinition installed?",
            )
        return resource


def _whole(item: Obj, resource: Resource) -> Obj:
    """Return a list's item with the kind that lists leave out."""
    return {"apiVersion": resource.api_version, "kind": resource.kind, **item}


def _selectors(selection: Selection) -> dict[str, str]:
    query: dict[str, str] = {}
    if selection.labels:
        query["labelSelector"] = selection.labels
    if selection.fields:
        query["fieldSelector"] = selection.fields
    return query


def _collection(resource: Resource, namespace: str) -> str:
    prefix = "apis" if "/" in resource.api_version else "api"
    path = f"/{prefix}/{resource.api_version}"
    if resource.namespaced and namespace:
        path += f"/namespaces/{urllib.parse.quote(namespace)}"
    return f"{path}/{resource.plural}"


def _path(resource: Resource, ref: Ref) -> str:
    return f"{_collection(resource, ref.namespace)}/{urllib.parse.quote(ref.name)}"
