"""Wiring: each road of the command line with the hands that it asks for.

Only faces import this; one function a command, keywords only (the table is in ``shipway.cli``).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from shipway.wiring.describing import sbom
from shipway.wiring.inner import (
    affected,
    build,
    dev,
    doctor,
    logs,
    report,
    rescan,
    scan,
    scan_image,
    test,
    visit,
)
from shipway.wiring.releasing import delete, deploy, diff, plan, promote, release
from shipway.wiring.tools import TOOLCHAIN, Tools, architecture

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.run.events import Event
    from shipway.redaction import Secret

    Emit = Callable[[Event], None]

__all__ = ["delete", "deploy", "diff", "plan", "promote", "release"]
__all__ += ["sbom"]
__all__ += [
    "affected",
    "build",
    "dev",
    "doctor",
    "logs",
    "report",
    "rescan",
    "scan",
    "scan_image",
    "test",
    "visit",
]
"""What other modules of wiring have, beside what is defined here."""


def up(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    package: str,
    environment: str,
    adopt: bool,
    keys: tuple[str, ...],
    port: int,
    tests: str,
    timeout: float = 120.0,
    dry_run: bool = False,
    debug: bool = False,
) -> object:
    """Carry the project the whole road, or say what that would change."""
    tools = Tools(emit)
    with tools.ahead(directory):
        from shipway.roads import up as road

        asked = road.UpRequest(
            directory=directory,
            package=package,
            environment=environment,
            cluster=cluster,
            keys=keys,
            adopt=adopt,
            port=port,
            tests=tests,
            seconds=timeout,
            architecture=architecture(),
            debug=debug,
        )
        if dry_run:
            from shipway.roads.rehearse import rehearse

            return rehearse(asked, hands=tools, emit=emit)
        if debug:
            from shipway.roads import debug as debugging

            debugging.debug(asked, hands=tools, emit=emit)
        return road.up(asked, hands=tools, emit=emit)


def rollback(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    target: str,
    reason: str,
    to: str = "",
    keys: tuple[str, ...] = (),
) -> object:
    """Put the previous release back, or one that served before."""
    from shipway.roads import rollback as road
    from shipway.roads.where import WhereRequest

    asked = WhereRequest(
        directory=directory, environment=environment, cluster=cluster, target=target, keys=keys
    )
    return road.rollback(asked, to=to, reason=reason, hands=Tools(emit), emit=emit)


def status(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    keys: tuple[str, ...] = (),
) -> object:
    """Show what runs."""
    from shipway.roads import status as road
    from shipway.roads.where import WhereRequest

    asked = WhereRequest(directory=directory, environment=environment, cluster=cluster, keys=keys)
    return road.now(asked, hands=Tools(emit))


def history(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    target: str,
    limit: int,
    keys: tuple[str, ...] = (),
) -> object:
    """List deploys and rollbacks."""
    from shipway.roads import status as road
    from shipway.roads.where import WhereRequest

    asked = WhereRequest(
        directory=directory, environment=environment, cluster=cluster, target=target, keys=keys
    )
    return road.past(asked, limit=limit, hands=Tools(emit))


def trace(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    subject: str,
    environment: str,
    namespace: str,
    keys: tuple[str, ...],
    export: str,
    trusted_root: str,
    policy: str,
) -> object:
    """Walk back from something live, an image or an export."""
    from shipway.roads import tracing as road
    from shipway.roads.where import WhereRequest

    asked = WhereRequest(directory=directory, environment=environment, cluster=cluster, keys=keys)
    return road.walk_back(
        subject,
        asked,
        namespace=namespace,
        export=export,
        trusted_root=trusted_root,
        policy=policy,
        hands=Tools(emit),
    )


def verify(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    reference: str,
    environment: str,
    keys: tuple[str, ...],
) -> object:
    """Judge an image from the registry alone."""
    from shipway.roads import tracing as road
    from shipway.roads.where import WhereRequest

    asked = WhereRequest(directory=directory, environment=environment, cluster=cluster, keys=keys)
    return road.judge(reference, asked, hands=Tools(emit))


def verify_bundle(
    *,
    cluster: str,
    emit: Emit,
    **asked: Any,  # noqa: ANN401  as BundleRequest names them
) -> object:
    """Judge a Sigstore bundle of anybody's."""
    from shipway.roads import bundles

    del cluster
    return bundles.verify(bundles.BundleRequest(**asked), hands=Tools(emit))


def sign(*, cluster: str, emit: Emit, reference: str) -> object:
    """Sign by an identity."""
    from shipway.roads import sign as road

    del cluster
    return road.sign(reference, hands=Tools(emit), emit=emit)


def render(*, directory: str, cluster: str, emit: Emit, environment: str) -> object:
    """Return an environment's set."""
    from shipway.roads import checking

    del cluster
    return checking.render(directory, environment, hands=Tools(emit))


def check(*, directory: str, cluster: str, emit: Emit, environment: str) -> object:
    """Judge config and manifests."""
    from shipway.roads import checking

    del cluster
    return checking.check(directory, environment, hands=Tools(emit))


def gc(*, cluster: str, emit: Emit, dry_run: bool) -> object:
    """Remove what nobody needs."""
    from shipway.roads import growth

    return growth.gc(cluster, dry=dry_run, hands=Tools(emit))


def init(*, directory: str, cluster: str, emit: Emit, dry_run: bool) -> object:
    """Write the config and the manifests that ``up`` guesses."""
    from shipway.roads import scaffold

    del cluster
    tools = Tools(emit)
    project = scaffold.ProjectRequest(directory=directory, variables=tools.variables)
    asked = scaffold.InitRequest(project=project, dry_run=dry_run, toolchain=TOOLCHAIN)
    files = tools.files(directory)
    return scaffold.init(asked, files=files, go=tools.go, git=tools.git, emit=emit)


def login(*, cluster: str, emit: Emit, registry: str, user: str, password: Secret) -> object:
    """Log in to a registry."""
    from shipway.roads import login as road

    del cluster
    return road.login(registry, user, password, logins=Tools(emit).logins)


def logout(*, cluster: str, emit: Emit, registry: str) -> object:
    """Log out of a registry."""
    from shipway.roads import login as road

    del cluster
    return road.logout(registry, logins=Tools(emit).logins)


def key_show(*, cluster: str, emit: Emit) -> object:
    """Show the person's key."""
    del cluster
    keys = Tools(emit).keys
    guarded = "a passphrase" if keys.signer().has_passphrase else "no passphrase"
    return f"{keys.public_key().fingerprint}\n{keys.path}\nguarded by {guarded}"


def key_export(*, cluster: str, emit: Emit, path: str) -> object:
    """Write or return the public key."""
    del cluster
    tools = Tools(emit)
    tools.signer()
    text = tools.keys.public_key().pem()
    if not path:
        return text.rstrip("\n")
    Path(path).write_text(text)
    return f"wrote {path}"


def cluster_up(*, cluster: str, emit: Emit) -> object:
    """Start the embedded cluster."""
    return Tools(emit).start(cluster)


def cluster_status(*, cluster: str, emit: Emit) -> object:
    """Show the embedded cluster."""
    from shipway.roads import cluster as road

    tools = Tools(emit)
    return road.status(
        cluster, tree=tools.ground_tree, init=tools.ground_init, files=tools.userfiles
    )


def cluster_down(*, cluster: str, emit: Emit) -> object:
    """Stop the embedded cluster."""
    from shipway.roads import cluster as road

    done = road.down(cluster, privilege=Tools(emit).privilege, on_moment=lambda _: None)
    return f"cluster {done.name} {'is stopped' if done.was_running else 'did not run'}"


def cluster_delete(*, cluster: str, emit: Emit, everything: bool) -> object:
    """Remove the embedded cluster."""
    from shipway.roads import cluster as road

    tools = Tools(emit)
    return road.delete(
        cluster,
        everything=everything,
        tree=tools.ground_tree,
        privilege=tools.privilege,
        files=tools.userfiles,
        save=tools.save,
        caches=tools.caches,
        on_moment=lambda _: None,
    )


def cluster_kubeconfig(*, cluster: str, emit: Emit) -> object:
    """Return a kubeconfig of the embedded cluster alone."""
    from shipway.roads import cluster as road

    return road.kubeconfig(cluster, files=Tools(emit).userfiles).rstrip("\n")


def demo(*, cluster: str, emit: Emit, keep: bool) -> object:
    """Carry the example service the whole road."""
    from shipway.adapters import example
    from shipway.adapters.http.plain import fetch
    from shipway.roads import demo as road
    from shipway.roads import tracing
    from shipway.roads import up as upward
    from shipway.roads.where import WhereRequest

    tools = Tools(emit, ask=False)
    stood = tools.ground(cluster) is not None
    directory = example.copy(
        str(Path(tools.data_folder, "demo", "hello")), tools.processes, tools.variables
    )
    asked = upward.UpRequest(directory=directory, cluster=cluster, architecture=architecture())
    where = WhereRequest(directory=directory, cluster=cluster)
    shown = road.demo(
        directory,
        up=lambda _: upward.up(asked, hands=tools, emit=emit),
        fetch=fetch,
        trace=lambda _: tracing.walk_back("deployment/hello", where, hands=tools),
    )
    if not keep and not stood:
        cluster_delete(cluster=cluster, emit=emit, everything=False)
    return shown
