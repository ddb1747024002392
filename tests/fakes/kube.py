"""A cluster's API server in memory: apply, versions, watches and refusals, without controllers.

It keeps the contract of ``tests/contracts/test_kube.py``. Tests may look into ``objects`` and
``calls``, put objects as a controller would (:meth:`MemoryKube.put`), script what happens after a
watch has begun (``steps``), and have the next calls refused (``refusals``).
"""

from __future__ import annotations

import copy
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

from fakes.forwards import MemoryTunnel
from shipway import scope
from shipway.core.kube import kinds
from shipway.core.kube.objects import Obj, Ref, Resource, ref_of
from shipway.core.ports.kube import MANAGER, Change, ChangeType, Selection
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

Identity = tuple[str, str, str, str]
Path = tuple[str, ...]

NOW = "2026-01-02T03:04:05Z"


class MemoryKube:
    """The ``Kube`` port over a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[Identity, Obj] = {}
        self.calls: list[tuple[str, str]] = []
        self.steps: list[Callable[[MemoryKube], object]] = []
        self.refusals: dict[tuple[str, str], ShipwayError] = {}
        """By verb and name (``apply``, ``deployment/shop-dev/web``): raised once."""
        self.hooks: dict[tuple[str, str], Callable[[], object]] = {}
        """By verb and name: called each time, before anything happens; it may raise."""
        self.log_lines: dict[tuple[str, str, bool], str] = {}
        """By pod, container and whether of the previous run."""
        self.streams: dict[tuple[str, str, bool], list[str]] = {}
        """Lines with timestamps, by pod, container and whether of the previous run."""
        self.living: set[tuple[str, str]] = set()
        """Containers whose logs are still written; see :meth:`say`, :meth:`cut`."""
        self.breaks: dict[tuple[str, str, bool], int] = {}
        """As ``streams``: after how many lines the connection of the next one to ask breaks."""
        self.asked: list[dict[str, Any]] = []
        """How streams were asked for."""
        self.cuts = 0
        self.server_time: float | None = 0.0
        self.may_not: set[tuple[str, str, str]] = set()
        """Verb, group and resource that are refused."""
        self.now = NOW
        self._log: list[Change] = []
        self._changed = threading.Condition(threading.RLock())
        self._versions = itertools.count(1)
        self._owned: dict[Identity, dict[str, dict[Path, Any]]] = {}
        for name in ("default", "kube-system"):
            self.put(_namespace(name))

    def version(self) -> str:
        """Return a version."""
        return "v1.36.3"

    def date(self) -> float | None:
        """Return the time."""
        return self.server_time

    def may(self, verb: str, group: str, resource: str, namespace: str) -> bool:
        """Return whether it is allowed, in every namespace alike."""
        assert namespace
        return (verb, group, resource) not in self.may_not

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """Return how a kind of Kubernetes itself, or of a stored CRD, is served."""
        if found := kinds.known(api_version, kind):
            return found
        group, _, version = api_version.rpartition("/")
        for obj in self._all("CustomResourceDefinition"):
            spec = obj["spec"]
            served = [one["name"] for one in spec["versions"] if one.get("served")]
            if (spec["group"], spec["names"]["kind"]) == (group, kind) and version in served:
                namespaced = spec["scope"] == "Namespaced"
                return Resource(api_version, kind, spec["names"]["plural"], namespaced)
        return None

    def preferred(self, group: str, kind: str) -> Resource | None:
        """Return how a kind is served in its preferred version."""
        if found := kinds.preferred(group, kind):
            return found
        for obj in self._all("CustomResourceDefinition"):
            if (obj["spec"]["group"], obj["spec"]["names"]["kind"]) == (group, kind):
                return self.resource(f"{group}/{obj['spec']['versions'][0]['name']}", kind)
        return None

    def get(self, ref: Ref) -> Obj | None:
        """Return a copy of the live object."""
        self._call("get", ref)
        with self._changed:
            return copy.deepcopy(self.objects.get(ref.identity))

    def list(self, selection: Selection) -> tuple[Obj, ...]:
        """Return copies of a collection; ``list`` and a kind may be refused."""
        if error := self.refusals.pop(("list", selection.kind), None):
            raise error
        with self._changed:
            return tuple(copy.deepcopy(obj) for obj in self._selected(selection))

    def apply(
        self, obj: Obj, *, force: bool = False, dry_run: bool = False, manager: str = MANAGER
    ) -> Obj:
        """Server-side apply, lists being atomic."""
        ref = ref_of(obj)
        self._call("dry-run" if dry_run else "apply", ref)
        with self._changed:
            self._placed(ref)
            fields = dict(_leaves(obj))
            merged, owned = self._merge(ref, fields, manager, force=force)
            if dry_run:
                return merged
            self._owned[ref.identity] = owned
            return self._store(merged)

    def create(self, obj: Obj) -> Obj:
        """Create."""
        ref = ref_of(obj)
        self._call("create", ref)
        with self._changed:
            self._placed(ref)
            if ref.identity in self.objects:
                raise _error("kube.exists", Kind.CONFLICT, f"{ref} already exists", ref)
            return self._store(copy.deepcopy(obj))

    def replace(self, obj: Obj) -> Obj:
        """Replace, if the version is the one that is there."""
        ref = ref_of(obj)
        self._call("replace", ref)
        with self._changed:
            found = self.objects.get(ref.identity)
            if found is None:
                raise _error("kube.not_found", Kind.NOT_FOUND, f"{ref} not found", ref)
            version = obj["metadata"].get("resourceVersion")
            if version and version != found["metadata"]["resourceVersion"]:
                raise _error("kube.conflict", Kind.CONFLICT, "the object has been modified", ref)
            stored = self._store(copy.deepcopy(obj))
            if "managedFields" in obj["metadata"]:
                self._disown(ref, obj)
            return stored

    def delete(self, ref: Ref, *, uid: str = "", wait: bool = False) -> bool:
        """Delete at once."""
        self._call("delete" if not wait else "delete-wait", ref)
        with self._changed:
            found = self.objects.get(ref.identity)
            if found is None:
                return False
            if uid and uid != found["metadata"]["uid"]:
                raise _error("kube.conflict", Kind.CONFLICT, "the UID does not match", ref)
            self.drop(ref)
            return True

    def watch(
        self, selections: Sequence[Selection], *, seconds: float
    ) -> Generator[Change, None, None]:
        """Yield what is there, ``SYNCED``, then what the steps and other threads do."""
        until = time.monotonic() + seconds
        with self._changed:
            place = len(self._log)
            first = [
                Change(ChangeType.ADDED, copy.deepcopy(obj), selection)
                for selection in selections
                for obj in self._selected(selection)
            ]
        yield from first
        yield Change(ChangeType.SYNCED, {})
        while place is not None:
            while place < len(self._log):
                change = self._log[place]
                place += 1
                for selection in selections:
                    if _matches(change.object, selection):
                        yield Change(change.type, copy.deepcopy(change.object), selection)
            if self.steps:
                self.steps.pop(0)(self)
            elif not self._wait(place, until):
                return

    def logs(
        self, namespace: str, pod: str, container: str, *, tail: int = 10, previous: bool = False
    ) -> str:
        """Return what a test put into ``log_lines``."""
        self._call("logs", Ref("v1", "Pod", namespace, pod))
        lines = self.log_lines.get((pod, container, previous), "").splitlines()
        return "\n".join(lines[-tail:])

    def log_stream(
        self, namespace: str, pod: str, container: str, **asked: Any
    ) -> Generator[str, None, None]:
        """Yield lines, and with ``follow`` what :meth:`say` adds until :meth:`cut` or the end."""
        self._call("log-stream", Ref("v1", "Pod", namespace, pod))
        previous = bool(asked.get("previous"))
        self.asked.append({"pod": pod, "container": container, **asked})
        lines = self.streams.setdefault((pod, container, previous), [])
        since = asked.get("since") or ""
        at = next((n for n, line in enumerate(lines) if line[:19] >= since[:19]), len(lines))
        tail = asked.get("tail")
        at = max(at, len(lines) - tail) if tail is not None else at
        cuts = self.cuts
        broken = self.breaks.pop((pod, container, previous), None)
        if broken is not None:
            yield from lines[at:][:broken]
            if not asked.get("follow"):
                here = Ref("v1", "Pod", namespace, pod)
                raise _error("kube.unreachable", Kind.TRANSIENT, "cut", here)
            return
        while True:
            with self._changed:
                fresh, at = lines[at:], len(lines)
                live = (pod, container) in self.living and self.cuts == cuts
            yield from fresh
            if not fresh and not (asked.get("follow") and live):
                return
            self._wait_for(lambda: len(lines) > at or self.cuts != cuts)  # noqa: B023  now only

    def say(self, pod: str, container: str, line: str, *, previous: bool = False) -> None:
        """Let a container write a line, timestamp and all."""
        with self._changed:
            self.streams.setdefault((pod, container, previous), []).append(line)
            self._changed.notify_all()

    def cut(self) -> None:
        """Break all connections that follow a log."""
        with self._changed:
            self.cuts += 1
            self._changed.notify_all()

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        here = scope.current()
        with here.on_cancel(self._wake), self._changed:
            self._changed.wait_for(lambda: ready() or here.cancelled, timeout=0.2)
        here.check()

    def tunnel(self, namespace: str, pod: str, port: int) -> MemoryTunnel:
        """Return a connection to a program that says who it is, and what it heard."""
        at = Ref("v1", "Pod", namespace, pod)
        self._call("tunnel", at)
        if at.identity not in self.objects:
            raise _error("kube.not_found", Kind.NOT_FOUND, f"{at} not found", at)
        return MemoryTunnel(lambda heard: f"{pod}:{port} ".encode() + heard)

    def put(self, obj: Obj) -> Obj:
        """Store an object as a controller would, without asking anything."""
        with self._changed:
            return self._store(copy.deepcopy(obj))

    def drop(self, ref: Ref) -> None:
        """Remove an object as a garbage collector would."""
        with self._changed:
            obj = self.objects.pop(ref.identity)
            self._owned.pop(ref.identity, None)
            self._log.append(Change(ChangeType.DELETED, obj))
            self._changed.notify_all()

    def _wait(self, place: int, until: float) -> bool:
        """Wait for another change; return whether there may be one."""
        here = scope.current()
        with here.on_cancel(self._wake), self._changed:
            left = until - time.monotonic()
            self._changed.wait_for(
                lambda: len(self._log) > place or here.cancelled, timeout=max(0.0, left)
            )
        here.check()
        return time.monotonic() < until

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _call(self, verb: str, ref: Ref) -> None:
        scope.current().check()
        self.calls.append((verb, str(ref)))
        if hook := self.hooks.get((verb, str(ref))):
            hook()
        if error := self.refusals.pop((verb, str(ref)), None):
            raise error

    def _placed(self, ref: Ref) -> None:
        """Refuse an object whose kind or namespace is not there."""
        resource = self.resource(ref.api_version, ref.kind)
        if resource is None:
            raise _error("kube.unknown_kind", Kind.NOT_FOUND, "does not serve this kind", ref)
        if not resource.namespaced:
            return
        space = self.objects.get(("", "Namespace", "", ref.namespace))
        if space is None:
            raise _error("kube.not_found", Kind.NOT_FOUND, "its namespace is not there", ref)
        if space["metadata"].get("deletionTimestamp") and ref.identity not in self.objects:
            raise _error("kube.terminating", Kind.CONFLICT, "its namespace is terminating", ref)

    def _merge(
        self, ref: Ref, fields: dict[Path, Any], manager: str, *, force: bool
    ) -> tuple[Obj, dict[str, dict[Path, Any]]]:
        owned = {name: dict(table) for name, table in self._owned.get(ref.identity, {}).items()}
        live = copy.deepcopy(self.objects.get(ref.identity, {}))
        for other, table in owned.items():
            if other == manager:
                continue
            for path in [path for path in fields if path in table and table[path] != fields[path]]:
                if not force:
                    why = f'conflict with "{other}": .{".".join(path)}'
                    raise _error("kube.conflict", Kind.CONFLICT, why, ref)
                del table[path]
        others = {path for name, table in owned.items() if name != manager for path in table}
        for path in owned.get(manager, {}):
            if path not in fields and path not in others:
                _remove(live, path)
        for path, value in fields.items():
            _set(live, path, copy.deepcopy(value))
        owned[manager] = fields
        live["metadata"]["managedFields"] = [
            {"manager": name, "operation": "Apply", "time": self.now, "fieldsV1": _fields(table)}
            for name, table in sorted(owned.items())
            if table
        ]
        return live, owned

    def _disown(self, ref: Ref, obj: Obj) -> None:
        """Take over who owns what from an object that was written back."""
        entries = copy.deepcopy(obj["metadata"]["managedFields"])
        self.objects[ref.identity]["metadata"]["managedFields"] = entries
        self._owned[ref.identity] = {
            one["manager"]: {path: _value(obj, path) for path in _paths(one["fieldsV1"])}
            for one in entries
            if one["operation"] == "Apply"
        }

    def _store(self, obj: Obj) -> Obj:
        ref = ref_of(obj)
        before = self.objects.get(ref.identity)
        metadata = obj["metadata"]
        number = next(self._versions)
        if before is None:
            metadata.setdefault("uid", f"uid-{number}")
            metadata.setdefault("creationTimestamp", self.now)
        else:
            metadata["uid"] = before["metadata"]["uid"]
            if _without(before) == _without(obj):
                return copy.deepcopy(before)
        if "spec" in obj:
            generation = before["metadata"].get("generation", 0) if before else 0
            changed = before is None or before.get("spec") != obj["spec"]
            metadata["generation"] = generation + 1 if changed else generation
        metadata["resourceVersion"] = str(number)
        if obj["kind"] == "CustomResourceDefinition":
            obj["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
        self.objects[ref.identity] = obj
        kind = ChangeType.MODIFIED if before else ChangeType.ADDED
        self._log.append(Change(kind, copy.deepcopy(obj)))
        self._changed.notify_all()
        return copy.deepcopy(obj)

    def _selected(self, selection: Selection) -> Iterator[Obj]:
        return iter([obj for obj in self.objects.values() if _matches(obj, selection)])

    def _all(self, kind: str) -> Iterator[Obj]:
        return iter([obj for obj in self.objects.values() if obj["kind"] == kind])


def _namespace(name: str) -> Obj:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _matches(obj: Obj, selection: Selection) -> bool:
    ref = ref_of(obj)
    if (ref.api_version, ref.kind) != (selection.api_version, selection.kind):
        return False
    if selection.namespace and selection.namespace != ref.namespace:
        return False
    labels = obj["metadata"].get("labels") or {}
    for key, value in _pairs(selection.labels):
        if labels.get(key) != value:
            return False
    return all(_at(obj, key) == value for key, value in _pairs(selection.fields))


def _pairs(selector: str) -> list[tuple[str, str]]:
    return [(k, v) for k, _, v in (part.partition("=") for part in selector.split(",") if part)]


def _at(obj: Obj, path: str) -> Any:
    found: Any = obj
    for part in path.split("."):
        found = (found or {}).get(part)
    return found


def _value(obj: Obj, path: Path) -> Any:
    found: Any = obj
    for part in path:
        found = (found or {}).get(part)
    return found


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    else:
        yield path, value


def _set(obj: Obj, path: Path, value: Any) -> None:
    for part in path[:-1]:
        found = obj.get(part)
        if not isinstance(found, dict):
            found = obj[part] = {}
        obj = found
    obj[path[-1]] = value


def _remove(obj: Obj, path: Path) -> None:
    for part in path[:-1]:
        obj = obj.get(part) or {}
    obj.pop(path[-1], None)


def _fields(table: dict[Path, Any]) -> Obj:
    """Return the paths as ``fieldsV1`` has them."""
    found: Obj = {}
    for path in table:
        _set(found, tuple(f"f:{part}" for part in path), {})
    return found


def _paths(fields: Obj, path: Path = ()) -> Iterator[Path]:
    """Yield the fields that ``fieldsV1`` names, as paths to what holds no further field."""
    for key, inner in fields.items():
        if key.startswith("f:"):
            here = (*path, key.removeprefix("f:"))
            if any(one.startswith("f:") for one in inner):
                yield from _paths(inner, here)
            else:
                yield here


def _without(obj: Obj) -> Obj:
    """Return the object without what a write without changes does not touch."""
    metadata = {
        key: value
        for key, value in obj["metadata"].items()
        if key not in {"resourceVersion", "managedFields", "generation", "uid", "creationTimestamp"}
    }
    return {**obj, "metadata": metadata}


def _error(name: str, kind: Kind, message: str, ref: Ref) -> ShipwayError:
    return ShipwayError(name, kind, message, operation="applying", subject=str(ref))
