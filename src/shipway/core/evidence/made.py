"""The statements of ``make``: what was tested, built, counted and signed about one image.

Roads call these once the image's manifest digest is known. Nothing here says where it ran: no
host, user, absolute path, environment value or test output; ``tests/core/evidence`` holds that.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.evidence.statement import Resource, Statement, resource, timestamp
from shipway.core.golang.binary import Binary, Module, TestReport  # noqa: TC001  msgspec reads types
from shipway.core.oci.image import Image, Published  # noqa: TC001  msgspec reads types
from shipway.core.project.source import Source  # noqa: TC001  msgspec reads types
from shipway.core.wire import decode

if TYPE_CHECKING:
    from shipway.core.oci.digest import Digest

TEST_DETAILS = f"{types.OWN}/test/v1"
"""Extension field of a test link: counts, coverage in percent, gate, network."""

EXTERNAL_PARAMETERS = frozenset(
    {
        "package", "module", "platform", "flags", "environment", "metadata", "base", "compression",
        "debug",
    }
)  # fmt: skip
"""All that a user can set; a verifier refuses provenance that names any other."""


CHILD = "manifest "
"""How the dependencies of an index that are its manifests are named, before their platform."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """All that a build link tells about one image."""

    source: Source
    binary: Binary
    image: Image
    published: Published
    run: str
    """Id of the run, which events and links share."""
    started: float
    finished: float
    """Seconds since the epoch."""
    tools: dict[str, str] = msgspec.field(default_factory=dict)
    """Versions of what shaped the bytes beside Go: ``shipway``, ``isal``, ``deflate``."""


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """All that a build link tells about an index over images of one service."""

    index: Digest
    builds: tuple[Build, ...]
    """One a platform; what they were built from is the same."""


def signature(image: Digest) -> Statement:
    """Return the image signature as cosign v3 writes it: a subject, and nothing to say."""
    return Statement(subject=(resource(image),), predicate_type=types.SIGNATURE, predicate={})


def tests(report: TestReport, source: Source, about: Digest) -> Statement:
    """Return the test link, attached to an image, or where none was made to the revision.

    The commit or tree is a subject in any case.
    """
    details = {
        "passed": len(report.passed),
        "failed": len(report.failed),
        "skipped": len(report.skipped),
        "coverage": report.coverage,
        "gate": report.gate,
        "statements": report.statements,
        "covered": report.covered,
        "network": report.network,
    }
    configuration = [resource(one.digest, name=one.name) for one in report.configuration]
    return Statement(
        subject=(resource(about), revision(source)),
        predicate_type=types.TEST,
        predicate={
            "result": report.result,
            "configuration": msgspec.to_builtins(configuration),
            "passedTests": list(report.passed),
            "failedTests": list(report.failed),
            TEST_DETAILS: details,
        },
    )


def sbom(document: bytes, image: Digest) -> Statement:
    """Return the SBOM link of one platform's manifest.

    Raises:
        ShipwayError: ``sbom.invalid`` (integrity) if ``document`` is not a JSON object.
    """
    content = decode(document, dict[str, Any], error="sbom.invalid", subject="an SPDX document")
    return Statement(subject=(resource(image),), predicate_type=types.SBOM, predicate=content)


def provenance(build: Build) -> Statement:
    """Return the build link: SLSA provenance v1 under our own build type."""
    definition = {
        "buildType": types.BUILD_TYPE,
        "externalParameters": _external(build),
        "internalParameters": {
            "tools": {"go": build.binary.go_version, **build.tools},
            "network": build.binary.network,
        },
        "resolvedDependencies": msgspec.to_builtins(_dependencies(build)),
    }
    details = {
        "builder": {"id": types.BUILDER_LOCAL},
        "metadata": {
            "invocationId": build.run,
            "startedOn": timestamp(build.started),
            "finishedOn": timestamp(build.finished),
        },
        "byproducts": msgspec.to_builtins(_byproducts(build)),
    }
    return Statement(
        subject=(resource(build.published.manifest.digest),),
        predicate_type=types.BUILD,
        predicate={"buildDefinition": definition, "runDetails": details},
    )


def joined(told: Joined) -> Statement:
    """Return the build link of an index: the images that it lists, and what all were built from."""
    first = told.builds[0]
    ordered = sorted(told.builds, key=lambda one: str(one.binary.platform))
    definition = {
        "buildType": types.BUILD_TYPE,
        "externalParameters": {
            "package": first.binary.package,
            "module": first.binary.module,
            "platform": ",".join(str(one.binary.platform) for one in ordered),
            **_debugged(first),
        },
        "internalParameters": {"tools": {"shipway": first.tools["shipway"]}},
        "resolvedDependencies": msgspec.to_builtins(
            [
                *_revisions(first.source),
                *(
                    resource(one.published.manifest.digest, name=f"{CHILD}{one.binary.platform}")
                    for one in ordered
                ),
            ]
        ),
    }
    details = {
        "builder": {"id": types.BUILDER_LOCAL},
        "metadata": {
            "invocationId": first.run,
            "startedOn": timestamp(min(one.started for one in told.builds)),
            "finishedOn": timestamp(max(one.finished for one in told.builds)),
        },
    }
    return Statement(
        subject=(resource(told.index),),
        predicate_type=types.BUILD,
        predicate={"buildDefinition": definition, "runDetails": details},
    )


def children(build: Statement) -> frozenset[str]:
    """Return the digests of the manifests that a build link of an index lists."""
    definition = build.predicate.get("buildDefinition")
    listed = definition.get("resolvedDependencies") if isinstance(definition, dict) else None
    found = set()
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and str(one.get("name", "")).startswith(CHILD):
            digest = one.get("digest")
            found.add(f"sha256:{digest.get('sha256')}" if isinstance(digest, dict) else "")
    return frozenset(found)


def revision(source: Source) -> Resource:
    """Return what was built: a commit, or for a dirty tree its tree (never as a commit)."""
    if source.dirty or not source.commit:
        return Resource(digest={"gitTree": source.tree}, name="tree")
    return Resource(digest={"gitCommit": source.commit}, name="commit", uri=public(source.remote))


def public(remote: str) -> str:
    """Return a Git remote as a ``git+`` URI, or nothing for one on this machine."""
    if remote.startswith(("https://", "ssh://")) and "@" not in remote.split("://", 1)[1]:
        return f"git+{remote}"
    return ""


def _external(build: Build) -> dict[str, Any]:
    binary = build.binary
    return {
        "package": binary.package,
        "module": binary.module,
        "platform": str(binary.platform),
        "flags": list(binary.flags),
        "environment": dict(binary.environment),
        "metadata": dict(binary.metadata),
        "base": build.image.base.name,
        "compression": build.published.compression,
        **_debugged(build),
    }


def _debugged(build: Build) -> dict[str, bool]:
    """Return what tells a build for debugging from every other one, which says nothing of it."""
    return {"debug": True} if build.image.debugger is not None else {}


def _dependencies(build: Build) -> list[Resource]:
    base = build.image.base
    found = _revisions(build.source)
    found += [_module(module) for module in build.binary.modules]
    if build.binary.toolchain is not None:
        found.append(resource(build.binary.toolchain, name=build.binary.go_version))
    found.append(resource(base.digest, name=base.name))
    debugger = build.image.debugger
    if debugger is not None and debugger.digest is not None:
        found.append(resource(debugger.digest, name=f"{debugger.name} {debugger.version}"))
    found += [resource(one.digest, name=one.path) for one in build.binary.inputs]
    return found


def _revisions(source: Source) -> list[Resource]:
    """Return the commit and its tree; for a dirty tree the tree, and the commit below it."""
    found = [revision(source)]
    if source.dirty and source.commit:
        found.append(Resource(digest={"gitCommit": source.commit}, name="base commit"))
    if not source.dirty and source.commit:
        found.append(Resource(digest={"gitTree": source.tree}, name="tree"))
    return found


def _module(module: Module) -> Resource:
    used = module.replace or module
    kind, _, sum64 = used.sum.partition(":")
    digest = {}
    if kind == "h1":
        digest["dirHash1"] = base64.b64decode(sum64).hex()
    name = used.path if not used.path.startswith(("/", ".")) else module.path
    version = f"@{used.version}" if used.version else ""
    return Resource(digest=digest, uri=f"pkg:golang/{name}{version}")


def _byproducts(build: Build) -> list[Resource]:
    layers = [resource(layer.diff_id, name=f"layer {layer.title}") for layer in build.image.layers]
    return [resource(build.binary.content.digest, name="binary"), *layers]
