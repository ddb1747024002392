"""A cluster's life as root sees it: up, down, delete. Runs over ports only.

The root part (``shipway.rootpart``) calls this. It writes no file of a person's and runs nothing of
a repository.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shipway.cluster import credentials, objects, pause, supervise
from shipway.cluster import record as records
from shipway.cluster.parts import apiserver, containerd
from shipway.cluster.plan import NODE, Plan, Secrets, allocate, boot, check, plan
from shipway.cluster.record import Record
from shipway.cluster.site import STATE, Programs, Site, state_of
from shipway.core.ports.ground import Ask, Check, File
from shipway.core.ports.privilege import DeleteOrder, DownOrder, Moment, Started, Stopped, UpOrder
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.ports.clock import Clock
    from shipway.core.ports.engines import EngineStore
    from shipway.core.ports.ground import Answers, Init, Keys, Packages, Ports, Shell, Tree
    from shipway.core.ports.hostfacts import Facts, HostFacts

ENGINES = ("etcd", "containerd", "cni", "registry", "kubernetes", "coredns")
"""What a cluster is started from, in the order in which they are made."""
PATIENCE = 90.0
"""Seconds that a start may take on a slow machine."""
PROGRAMS = (f"{STATE}/engines", f"{STATE}/packages")
"""What clusters are started from, kept for the next one."""
GRACE = 2.0
"""Seconds that pods have to end when a cluster is stopped."""


class Hands(NamedTuple):
    """The ports that the ground stands on."""

    facts: HostFacts
    tree: Tree
    keys: Keys
    init: Init
    ports: Ports
    answers: Answers
    shell: Shell
    packages: Packages
    engines: EngineStore
    clock: Clock
    python: str


class _Journey:
    """One order on its way: says what happens and when."""

    def __init__(self, clock: Clock, on_moment: Callable[[Moment], None]) -> None:
        self._clock = clock
        self._on_moment = on_moment
        self.begun = clock.monotonic()

    @property
    def seconds(self) -> float:
        return self._clock.monotonic() - self.begun

    def say(self, step: str, subject: str = "") -> None:
        self._on_moment(Moment(step, subject, round(self.seconds, 3)))


def up(order: UpOrder, hands: Hands, *, on_moment: Callable[[Moment], None]) -> Started:
    """Start the cluster if it does not run, and return one person's way in.

    Raises:
        ShipwayError: what :func:`shipway.cluster.plan.check` and the ports raise;
            ``cluster.port_taken``, ``cluster.start`` (a part does not become ready).
    """
    journey = _Journey(hands.clock, on_moment)
    hands.tree.secure(STATE)
    facts = hands.facts.read()
    with hands.tree.locked(STATE):
        record, programs = _prepare(order, facts, hands, journey)
    with hands.tree.locked(state_of(record.name)):
        records.known(record.name, hands.tree)  # a delete may have had its turn
        return _up(order, records.site(record, facts, programs), hands, journey)


def _prepare(
    order: UpOrder, facts: Facts, hands: Hands, journey: _Journey
) -> tuple[Record, Programs]:
    """Do what clusters of one machine must do one after the other."""
    record = records.read(records.named(order.name), hands.tree)
    if record is None:
        record = _create(order.name, facts, hands)
    hands.tree.secure(state_of(record.name))
    records.write(record, hands.tree)
    programs, versions = _programs(order, hands, journey)
    record = msgspec.structs.replace(record, versions=versions)
    records.write(record, hands.tree)
    return record, programs


def _up(order: UpOrder, site: Site, hands: Hands, journey: _Journey) -> Started:
    the_plan = _plan(site, hands)
    journey.say("keys")
    running = hands.init.running(the_plan.boot)
    if running is not None and _changed(the_plan, hands):
        journey.say("stop", site.name)
        hands.init.stop(the_plan.boot, grace=GRACE)
        running = None
    pid = running or _start(the_plan, hands, journey)
    _await(the_plan, pid, hands, journey)
    return _started(the_plan.site, order.user, running is not None, hands, journey)


def _changed(the_plan: Plan, hands: Hands) -> bool:
    """Return whether what runs was started from something else than this plan."""
    return hands.tree.read(f"{the_plan.site.runtime}/plan") != _fingerprint(the_plan)


def _fingerprint(the_plan: Plan) -> str:
    return hashlib.sha256(msgspec.json.encode((the_plan.files, the_plan.boot))).hexdigest()


def _create(name: str, facts: Facts, hands: Hands) -> Record:
    """Reserve what a new cluster needs, on a machine that can carry it."""
    check(facts)
    taken = [other.allocation for other in records.every(hands.tree)]
    allocation = allocate(facts, taken, hands.ports.free)
    return Record(name=name, allocation=allocation, created=hands.clock.now())


def _programs(order: UpOrder, hands: Hands, journey: _Journey) -> tuple[Programs, dict[str, str]]:
    """Return every program, proved byte by byte on the way."""
    paths, digests = {"python": hands.python}, {}
    packages = hands.packages.have(lambda package: journey.say("package", package))
    for name, (path, digest) in packages.items():
        paths[name], digests[name] = path, digest
    versions = {}
    for built in order.engines:
        journey.say("engine", built.name)
        installed = hands.engines.install(built)
        versions[built.name] = built.version
        for name, path in installed.files.items():
            paths[name] = path
            digests[name] = installed.digests[name].removeprefix("sha256:")
    return Programs(paths, digests), versions


def _plan(site: Site, hands: Hands) -> Plan:
    """Have every key and certificate, and plan with them."""
    for name in credentials.AUTHORITIES:
        hands.keys.authority(site.pki(name), f"{site.node} {name}")
    hands.keys.have(credentials.leaves(site))
    hands.keys.signer(site.pki("service-account"))
    password = hands.keys.secret(site.pki("registry.password"))
    hashed = hands.tree.read(site.pki("registry.bcrypt"))
    if hashed is None:
        hashed = hands.keys.password_hash(password)
        hands.tree.write(File(site.pki("registry.bcrypt"), hashed))
    secrets = Secrets(
        encryption=_base64(hands.keys.secret(site.pki("encryption.secret"))),
        password=password,
        password_hash=hashed.strip(),
        http=hands.keys.secret(site.pki("registry.secret")),
    )
    return plan(site, secrets)


def _base64(secret: str) -> str:
    """Return URL-safe text without padding as standard base64."""
    text = secret.replace("-", "+").replace("_", "/")
    return text + "=" * (-len(text) % 4)


def _start(the_plan: Plan, hands: Hands, journey: _Journey) -> int:
    site = the_plan.site
    hands.init.stop(the_plan.boot, grace=0)
    for leftover in hands.init.sweep(the_plan.boot):
        journey.say("leftover", leftover)
    _claim(site, hands)
    for folder in the_plan.directories:
        hands.tree.folder(folder, 0o755 if folder == site.state else 0o700)
    keep = {part.name for part in the_plan.parts}
    for name in hands.tree.entries(site.at("services")):
        if name not in keep:
            hands.tree.remove(site.at("services", name))
    for file in the_plan.files:
        hands.tree.write(file)
    hands.tree.folder(supervise.marks(site), 0o755)
    for name in {part.program for part in the_plan.parts} & set(site.programs.digests):
        hands.tree.write(File(supervise.mark(site, name), ""))
    hands.tree.write(File(f"{site.runtime}/plan", _fingerprint(the_plan)))
    journey.say("boot")
    return hands.init.start(the_plan.boot)


def _claim(site: Site, hands: Hands) -> None:
    """Refuse to start on ports that somebody else took while the cluster was down."""
    for port in range(site.apiserver, site.node_ports[1] + 1):
        if not hands.ports.free([port]):
            raise ShipwayError(
                "cluster.port_taken",
                Kind.CONFLICT,
                f"{hands.ports.holder(port) or 'another process'} listens on it",
                operation="taking port",
                subject=str(port),
                hint="end that program, or take another name: shipway cluster up --name other",
            )


def _await(the_plan: Plan, pid: int, hands: Hands, journey: _Journey) -> None:
    """Do what the cluster waits for, in the order in which its parts become ready."""
    site = the_plan.site
    waiting = {watched.name for watched in the_plan.watched}
    errands = {containerd.NAME: _import_pause, apiserver.NAME: _apply}
    while waiting:
        ready = set(hands.tree.entries(supervise.ready(site, ""))) & waiting
        for name in sorted(ready, key=[*errands, *sorted(waiting)].index):
            if name in errands:
                errands[name](site, pid, hands)
            journey.say("ready", name)
        waiting -= ready
        if waiting and (journey.seconds > PATIENCE or hands.init.running(the_plan.boot) is None):
            raise _late(site, waiting)
        if not ready:
            hands.clock.sleep(0.02)


def _late(site: Site, waiting: set[str]) -> ShipwayError:
    names = ", ".join(sorted(waiting))
    first = min(waiting - {NODE}, default="kubelet")
    return ShipwayError(
        "cluster.start",
        Kind.TRANSIENT,
        f"not ready: {names}",
        operation="starting cluster",
        subject=site.name,
        hint=f"sudo tail {site.at('log', first, 'current')}; then run the same command again",
    )


def _import_pause(site: Site, pid: int, hands: Hands) -> None:
    """Give containerd the pause image, once in the life of its store."""
    done = site.at("containerd", "pause.imported")
    if hands.tree.read(done) is not None:
        return
    path = site.at("tmp", "pause.tar")
    hands.tree.write_bytes(path, pause.archive(site.facts.machine))
    ctr = (site.programs["ctr"], "--address", containerd.SOCKET, "--namespace", "k8s.io")
    code, output = hands.shell.run((*ctr, "images", "import", "--local", path), env={}, inside=pid)
    hands.tree.remove(path)
    if code != 0:
        raise ShipwayError(
            "cluster.pause",
            Kind.INTERNAL,
            output[-300:],
            operation="importing image",
            subject=containerd.PAUSE,
            hint="run the same command again; then shipway cluster delete, if it stays so",
        )
    hands.tree.write(File(done, ""))


def _apply(site: Site, pid: int, hands: Hands) -> None:  # noqa: ARG001  an errand's signature
    """Apply what the cluster's own parts and its people are allowed."""
    root = _root_check(site)
    for path, value in objects.objects():
        status, body = hands.answers.request(
            root,
            "PATCH",
            f"{path}?fieldManager=shipway-ground&force=true",
            json.dumps(value).encode(),
            content_type="application/apply-patch+yaml",
        )
        if status not in {200, 201}:
            raise ShipwayError(
                "cluster.objects",
                Kind.TRANSIENT,
                f"status {status}: {body[-300:].decode(errors='replace')}",
                operation="applying",
                subject=path,
                hint="run the same command again",
            )


def _root_check(site: Site) -> Check:
    return Check(
        ask=Ask.HTTP,
        port=site.apiserver,
        ca=f"{site.pki('ca')}.crt",
        certificate=f"{site.pki('root')}.crt",
        key=f"{site.pki('root')}.key",
    )


def _started(site: Site, user: str, was_running: bool, hands: Hands, journey: _Journey) -> Started:
    issued = hands.keys.issue(credentials.person(site, user))
    return Started(
        name=site.name,
        context=site.node,
        server=site.url,
        registry=f"127.0.0.1:{site.registry}",
        node_ports=site.node_ports,
        authority=issued.authority,
        certificate=issued.certificate,
        key=issued.key,
        ends=issued.ends,
        username=containerd.USER,
        password=hands.keys.secret(site.pki("registry.password")),
        seconds=round(journey.seconds, 3),
        was_running=was_running,
    )


def down(order: DownOrder, hands: Hands, *, on_moment: Callable[[Moment], None]) -> Stopped:
    """Stop a cluster; its state stays.

    Raises:
        ShipwayError: ``cluster.unknown`` (not found).
    """
    record = records.known(order.name, hands.tree)
    with hands.tree.locked(state_of(record.name)):
        site = records.site(record, hands.facts.read())
        return _halt(site, hands, _Journey(hands.clock, on_moment), grace=GRACE)


def delete(order: DeleteOrder, hands: Hands, *, on_moment: Callable[[Moment], None]) -> Stopped:
    """Remove a cluster and all that it left; ``everything`` takes programs too, if it was the last.

    Raises:
        ShipwayError: ``cluster.unknown`` (not found).
    """
    journey = _Journey(hands.clock, on_moment)
    record = records.known(order.name, hands.tree)
    site = records.site(record, hands.facts.read())
    with hands.tree.locked(site.state):
        stopped = _halt(site, hands, journey, grace=0)
        hands.tree.remove(site.state)
    gone, kept = _programs_gone(hands) if order.everything else ((), PROGRAMS)
    journey.say("remove", site.state)
    return Stopped(site.name, stopped.was_running, (*stopped.removed, site.state, *gone), kept)


def _programs_gone(hands: Hands) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove engines and packages if no other cluster needs them; return what went, what stays."""
    with hands.tree.locked(STATE):
        if records.every(hands.tree):
            return (), PROGRAMS
        for folder in (*PROGRAMS, STATE):
            hands.tree.remove(folder)
    return (STATE,), ()


def _halt(site: Site, hands: Hands, journey: _Journey, *, grace: float) -> Stopped:
    the_boot = boot(site)
    running = hands.init.running(the_boot)
    hands.init.stop(the_boot, grace=grace)
    journey.say("stop", site.name)
    removed = hands.init.sweep(the_boot)
    return Stopped(site.name, running is not None, removed, (site.state,))
