"""Render: an environment's files and a release's images become exactly what will be applied.

Roads call it; it reads files through the renderer port only, talks to no cluster, and gives the
same bytes for the same inputs. What it returns is an artifact: verify, deploy and trace work on its
stored bytes, never on a rendering made again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube import autoscale, belonging, debugging, images, objects, order, refusals
from shipway.core.kube.images import Use  # noqa: TC001  msgspec reads types
from shipway.core.kube.objects import Entry, Obj  # noqa: TC001  msgspec reads types
from shipway.core.kube.refusals import Bounds, Refusal
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.ports.renderer import Sourced
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shipway.core.ports.content import Content
    from shipway.core.ports.renderer import Renderer

VERSION = "1"
"""Part of the cache key: raised whenever the same request would give other bytes."""

MEMORY = "shipway in memory"
"""The renderer's name where there are no files."""

_STAND_IN = "shipway.invalid/{}@sha256:" + "0" * 64
"""Stands for an image that is not built yet, in what is judged and never in what is shown."""


class RenderRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to render, for one environment."""

    project: str
    environment: str
    namespaces: tuple[str, ...]
    """The environment's; the first is given to namespaced objects that name none."""
    images: dict[str, str]
    """Service name to reference by digest."""
    packages: dict[str, str] = msgspec.field(default_factory=dict)
    """Import path to service name, for ``ko://`` placeholders."""
    root: str = ""
    overlay: str = ""
    """Folder relative to ``root``; empty: ``objects`` are rendered instead."""
    objects: tuple[Obj, ...] = ()
    commit: str = ""
    """Commit of the environment's files; for a dirty tree its tree id."""
    cluster_objects: tuple[str, ...] = ()
    make_namespaces: tuple[str, ...] = ()
    """Namespaces that Shipway adds, with Pod Security labels, where the set lacks them."""
    named: dict[str, str] = msgspec.field(default_factory=dict)
    """Repository of an image in files that others wrote, to the service that it stands for."""
    hardened: bool = True
    """Whether the namespaces that Shipway adds enforce Pod Security restricted, else baseline."""
    absent: frozenset[str] = frozenset()
    """Services of the project that are not part of this release: what is theirs is left out."""
    foreign: dict[str, str] = msgspec.field(default_factory=dict)
    """Foreign images: tag reference to digest reference, as ``shipway.lock`` has them."""
    debugged: dict[str, int] = msgspec.field(default_factory=dict)
    """Services that run under Delve, to its port: their containers wait for whoever debugs."""


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered set in the store, and what it holds."""

    set: Descriptor
    entries: tuple[Entry, ...]
    """Name of each object, and digest of its bytes before our annotations."""
    uses: tuple[Use, ...]
    """Every image, ours and foreign."""
    resolved: dict[str, str]
    """Foreign images that were looked up just now: to be written into ``shipway.lock``."""
    overlay: str
    commit: str
    renderer: str


class Draft(msgspec.Struct, frozen=True):
    """A set as far as it is known before its images are built."""

    objects: tuple[Obj, ...]
    open: tuple[str, ...]
    """Placeholders that stand, sorted: nobody has built these images yet."""
    unpinned: tuple[str, ...]
    """Foreign images by tag, sorted: the lock does not know them yet."""


def draft(request: RenderRequest, *, services: Collection[str], renderer: Renderer) -> Draft:
    """Return the set with the images of ``request`` alone; refuse all that :func:`render` would.

    ``services`` may be named by placeholders that nothing stands for yet. Nothing is looked up and
    nothing is stored.

    Raises:
        ShipwayError: as :func:`render`, but for ``render.image``.
    """
    found = _source(request, renderer)
    whole = {name: _STAND_IN.format(name) for name in services} | request.images
    standing = msgspec.structs.replace(request, images=whole)
    _raise_if(_refused(_filled(found, standing), request), request)
    known = _each(_filled(found, request), lambda obj: images.pin(obj, request.foreign))
    ready = order.ordered(tuple(one.object for one in known))
    return Draft(
        objects=ready,
        open=tuple(sorted({text for obj in ready for _, text in images.placeholders(obj)})),
        unpinned=tuple(sorted({one for obj in ready for one in images.unpinned(obj)})),
    )


def render(
    request: RenderRequest,
    *,
    renderer: Renderer,
    content: Content,
    resolve: Callable[[str], str] | None = None,
) -> Rendered:
    """Return the rendered set; ``resolve`` gives the digest reference of a foreign tag.

    Raises:
        ShipwayError: ``render.refused`` (rejected), or one of ``render.secret``,
            ``render.plaintext``, ``render.namespace``, ``render.cluster_scoped``,
            ``render.placeholder``, ``render.image``, ``render.object`` if all that was refused is
            of that one kind; and what the renderer raises.
    """
    found = _filled(_present(_source(request, renderer), request), request)
    found, resolved, missing = _pin(found, request, resolve)
    _raise_if((*missing, *_refused(found, request)), request)
    ready = order.ordered(tuple(one.object for one in found))
    data = objects.write_set(ready)
    return Rendered(
        set=content.put(data, objects.MANIFESTS),
        entries=objects.entries(data),
        uses=images.uses(ready, {reference: name for name, reference in request.images.items()}),
        resolved=resolved,
        overlay=request.overlay,
        commit=request.commit,
        renderer=renderer.name(request.root, request.overlay) if request.overlay else MEMORY,
    )


def _source(request: RenderRequest, renderer: Renderer) -> tuple[Sourced, ...]:
    if request.overlay:
        return renderer.render(request.root, request.overlay)
    return tuple(Sourced(obj) for obj in request.objects)


def _present(found: tuple[Sourced, ...], request: RenderRequest) -> tuple[Sourced, ...]:
    """Return the objects but those of services that are not part of the release."""
    return tuple(
        one
        for one in found
        if not request.absent & belonging.services(one.object, request.packages)
    )


def _filled(found: tuple[Sourced, ...], request: RenderRequest) -> tuple[Sourced, ...]:
    """Return the objects with their images, their namespaces and the namespaces we make."""
    own, built = _own(request), request.images
    stands = {at: built[name] for at, name in request.named.items() if name in built}
    found = _each(found, lambda obj: images.substitute(obj, own))
    found = _each(found, lambda obj: images.put(obj, images.named(obj, stands)))
    ports = {built[name]: port for name, port in request.debugged.items() if name in built}
    if ports:
        found = _each(found, lambda obj: debugging.held(obj, ports))
    return _complete(found, request)


def _refused(found: tuple[Sourced, ...], request: RenderRequest) -> tuple[Refusal, ...]:
    bounds = Bounds(namespaces=request.namespaces, cluster_objects=request.cluster_objects)
    return refusals.refuse(found, bounds)


def _own(request: RenderRequest) -> dict[str, str]:
    """Return placeholder to reference."""
    table = {f"shipway://{name}": reference for name, reference in request.images.items()}
    for package, name in request.packages.items():
        if name in request.images:
            table[f"ko://{package}"] = request.images[name]
    return table


def _pin(
    found: tuple[Sourced, ...],
    request: RenderRequest,
    resolve: Callable[[str], str] | None,
) -> tuple[tuple[Sourced, ...], dict[str, str], list[Refusal]]:
    """Replace foreign tags by digests: from the lock, else looked up once."""
    table = dict(request.foreign)
    resolved: dict[str, str] = {}
    missing = []
    for one in found:
        for reference in images.unpinned(one.object):
            if reference in table:
                continue
            if resolve is None:
                name = str(objects.ref_of(one.object))
                why = f"{reference} is a tag and not in shipway.lock"
                missing.append(Refusal("render.image", one.file, name, "image", why))
                continue
            table[reference] = resolved[reference] = resolve(reference)
    return _each(found, lambda obj: images.pin(obj, table)), resolved, missing


def _complete(found: tuple[Sourced, ...], request: RenderRequest) -> tuple[Sourced, ...]:
    """Name namespaces, add those we make, and leave scaled replicas to their autoscaler."""
    defined = refusals.scopes(tuple(one.object for one in found))
    found = _each(found, lambda obj: _placed(obj, request, defined))
    there = {one.object["metadata"]["name"] for one in found if _is_namespace(one.object)}
    labels = objects.RESTRICTED if request.hardened else objects.BASELINE
    made = [
        Sourced(_namespace(name, labels)) for name in request.make_namespaces if name not in there
    ]
    scalers = autoscale.targets(one.object for one in found)
    return (*made, *_each(found, lambda obj: autoscale.release(obj, scalers)))


def _placed(obj: Obj, request: RenderRequest, defined: dict[tuple[str, str], bool]) -> Obj:
    ref = objects.ref_of(obj)
    listed = f"{ref.kind}/{ref.name}" in request.cluster_objects
    if ref.namespace or listed or not refusals.namespaced(obj, defined):
        return obj
    return {**obj, "metadata": {**(obj.get("metadata") or {}), "namespace": request.namespaces[0]}}


def _is_namespace(obj: Obj) -> bool:
    return obj.get("kind") == "Namespace" and bool((obj.get("metadata") or {}).get("name"))


def _namespace(name: str, labels: dict[str, str]) -> Obj:
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _each(found: tuple[Sourced, ...], change: Callable[[Obj], Obj]) -> tuple[Sourced, ...]:
    return tuple(Sourced(change(one.object), one.file) for one in found)


def _raise_if(found: tuple[Refusal, ...], request: RenderRequest) -> None:
    if not found:
        return
    ids = {one.id for one in found}
    raise ShipwayError(
        ids.pop() if len(ids) == 1 else "render.refused",
        Kind.REJECTED,
        "\n".join(str(one) for one in found),
        operation="rendering",
        subject=f"{request.project} for {request.environment}",
        hint="each line names the file and the path in it",
    )
