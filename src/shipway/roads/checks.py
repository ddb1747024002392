"""The checks of ``doctor``: this machine, this project, and what its environments name."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from shipway.cluster.life import ENGINES
from shipway.cluster.plan import DISK_NEEDED, MEMORY_NEEDED
from shipway.cluster.plan import check as carries
from shipway.core.golang import toolchain
from shipway.core.oci import reference
from shipway.core.project import lockfile, settings
from shipway.core.run.finding import Finding, broken, good, note, unknown
from shipway.errors import Kind, ShipwayError
from shipway.roads import outset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.ports.hostfacts import Facts, HostFacts
    from shipway.core.ports.machine import Machine
    from shipway.roads.scaffold import LoadedProject

_PYTHON = (3, 11)
_ROOM = 2 << 30
"""Bytes that a person's store should have left."""
_SKEW = 30.0
"""Seconds that two clocks may differ before tokens and certificates suffer."""
_RIGHTS = (
    ("create", "apps", "deployments"),
    ("patch", "apps", "deployments"),
    ("create", "", "services"),
    ("create", "", "configmaps"),
    ("create", "", "secrets"),
    ("list", "", "pods"),
    ("get", "", "pods/log"),
)
"""What an ordinary deploy does: verb, API group, resource."""
_PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")


def machine(
    *, hands: Hands, machine: Machine, facts: HostFacts, ours: str
) -> dict[str, Callable[[], Iterable[Finding]]]:
    """Return the checks of this machine; ``ours`` is the Go of projects that name none."""
    return {
        "python": partial(_python, machine),
        "git": partial(_git, machine),
        "go": partial(_go, machine, ours),
        "confinement": partial(_confinement, machine),
        "kernel": lambda: _kernel(facts.read()),
        "memory": lambda: _memory(facts.read()),
        "disk": lambda: _disk(facts.read(), machine),
        "engines": partial(_engines, machine),
        "key": partial(_key, machine),
        "proxies": lambda: _proxies(hands.variables),
    }


def project(
    directory: str, cluster: str, *, hands: Hands, machine: Machine, ours: str
) -> dict[str, Callable[[], Iterable[Finding]]]:
    """Return the checks of a project, and of what its environments name."""
    checks: dict[str, Callable[[], Iterable[Finding]]] = {
        "config": lambda: _config(directory, hands),
        "lock": lambda: _lock(directory, hands, ours),
        "cluster": lambda: _cluster(cluster, hands),
        "registry": lambda: _registries(directory, cluster, hands),
        "kubernetes": lambda: _contexts(directory, cluster, hands),
        "clock": lambda: _clocks(directory, cluster, hands, machine),
    }
    return checks


def _python(machine: Machine) -> Iterator[Finding]:
    version = machine.python()
    if tuple(int(part) for part in version.split(".")[:2]) >= _PYTHON:
        yield good("python", version)
    else:
        yield broken("python", f"{version}, and 3.11 is needed", "apt-get install python3.11")


def _git(machine: Machine) -> Iterator[Finding]:
    said = machine.program("git", "--version")
    yield good("git", said) if said else broken("git", "no git here", "apt-get install git")


def _go(machine: Machine, ours: str) -> Iterator[Finding]:
    at = machine.toolchain(ours)
    if at:
        yield good("go", f"{ours} in {at}")
    else:
        yield note("go", f"{ours} is fetched when something is built first", "shipway test")


def _confinement(machine: Machine) -> Iterator[Finding]:
    why = machine.confinement()
    if not why:
        yield good("confinement", "builds and tests run without a network")
        return
    fix = "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    if "clone" in why:
        fix = "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    yield note("confinement", f"builds and tests run with an open network: {why}", fix)


def _kernel(facts: Facts) -> Iterator[Finding]:
    """Judge by the cluster's own rule, memory and disk left to checks of their own."""
    said = f"{facts.system} {facts.machine}, cgroups {facts.cgroups.value}"
    try:
        carries(_roomy(facts))
    except ShipwayError as error:
        yield note("kernel", f"{said}: {error.message}", error.hint)
        return
    if facts.overlay:
        yield good("kernel", said)
    else:
        yield broken("kernel", f"{said}, without overlayfs", "sudo modprobe overlay")


def _roomy(facts: Facts) -> Facts:
    return msgspec.structs.replace(facts, memory_free=MEMORY_NEEDED, disk_free=DISK_NEEDED)


def _memory(facts: Facts) -> Iterator[Finding]:
    said = f"{_gib(facts.memory_free)} of {_gib(facts.memory)} available"
    if facts.memory_free >= MEMORY_NEEDED:
        yield good("memory", said)
    else:
        said += f"; a new embedded cluster needs {_gib(MEMORY_NEEDED)}"
        yield note("memory", said, "ps aux --sort=-rss | head")


def _disk(facts: Facts, machine: Machine) -> Iterator[Finding]:
    folder, free = machine.free()
    if free >= _ROOM:
        yield good("disk", f"{_gib(free)} free in {folder}")
    else:
        yield broken("disk", f"{_gib(free)} free in {folder}", f"du -xh {folder} | sort -h | tail")
    if facts.disk_free < DISK_NEEDED:
        said = f"{_gib(facts.disk_free)} free in /var/lib; a new embedded cluster needs"
        yield note("disk", f"{said} {_gib(DISK_NEEDED)}", "du -xh /var | sort -h | tail")


def _engines(machine: Machine) -> Iterator[Finding]:
    states = machine.engines()
    altered = [f"{one.name}: {', '.join(one.altered)}" for one in states if one.altered]
    missing = [one.name for one in states if not one.made and one.name in ENGINES]
    if altered:
        said = f"other bytes than were made: {'; '.join(altered)}"
        yield broken("engines", said, "shipway cluster delete --all")
    elif missing:
        said = f"{', '.join(missing)} not built yet; each is made when it is first needed"
        yield note("engines", said, "shipway cluster up")
    else:
        built = sum(one.made for one in states)
        yield good("engines", f"{built} built, every byte proved")


def _key(machine: Machine) -> Iterator[Finding]:
    found = machine.key()
    if found is None:
        yield note("key", "none yet; the first signature makes one", "shipway key show")
    elif found.guarded:
        yield good("key", f"{found.fingerprint}, guarded by a passphrase")
    else:
        said = f"{found.fingerprint}, without a passphrase: no protected environment counts it"
        yield note("key", said, "SHIPWAY_KEY_PASSWORD=... before a new key is made")


def _proxies(variables: dict[str, str]) -> Iterator[Finding]:
    said = []
    for name in _PROXIES:
        small, large = variables.get(name.lower(), ""), variables.get(name, "")
        if small and large and small != large:
            yield note(
                "proxies", f"{name} and {name.lower()} differ; the latter counts", f"unset {name}"
            )
        if small or large:
            said.append(f"{name}={_without_login(small or large)}")
    yield good("proxies", " ".join(said) or "none")


def _without_login(url: str) -> str:
    head, at, host = url.rpartition("@")
    scheme, slashes, _ = head.partition("://")
    return f"{scheme}{slashes}***@{host}" if at and slashes else f"***@{host}" if at else url


def _config(directory: str, hands: Hands) -> Iterator[Finding]:
    found = outset.project(directory, hands=hands)
    names = ", ".join(found.settings.config.services)
    how = "shipway.toml" if found.written else "guessed; shipway init writes it down"
    yield good("config", f"{found.name}: {names} ({how})")


def _lock(directory: str, hands: Hands, ours: str) -> Iterator[Finding]:
    """Compare the pins with what they were made of."""
    found = outset.project(directory, hands=hands)
    lock = found.lock
    if not (lock.go or lock.bases or lock.images):
        yield note(
            "lock", "no shipway.lock: each machine takes its own Go and bases", "shipway init"
        )
        return
    stale = list(_stale(found, hands, ours))
    yield from stale
    if not stale:
        pins = len(lock.bases) + len(lock.images)
        yield good("lock", f"{lock.go.version if lock.go else 'no Go'}, {pins} images, all current")


def _stale(found: LoadedProject, hands: Hands, ours: str) -> Iterator[Finding]:
    lock = found.lock
    if lock.go and toolchain.order(lock.go.version) < toolchain.order(ours):
        said = f"{lock.go.version} is pinned, this Shipway brings {ours}"
        yield note("lock", said, f"delete [go] in {lockfile.FILE}, then shipway init")
    named = {one.image.base for one in found.settings.config.services.values()} - {""}
    for tag, digest in {**lock.bases, **lock.images}.items():
        if tag in lock.bases and tag not in named:
            yield note(
                "lock", f"{tag} is no service's base any more", f"delete it in {lockfile.FILE}"
            )
            continue
        parsed = reference.parse(tag)
        now = hands.registry.resolve(parsed.repository, parsed.tag or "latest")
        if now is not None and now.digest != digest:
            said = f"{tag} stands for something newer in its registry"
            yield note("lock", said, f"delete {tag} in {lockfile.FILE}, then shipway up")


def _cluster(name: str, hands: Hands) -> Iterator[Finding]:
    found = hands.ground(name)
    if found is None:
        yield note("cluster", "none on this machine yet", "shipway cluster up")
    elif found.running:
        yield good("cluster", f"{found.name} runs, context {found.context}")
    else:
        yield note("cluster", f"{found.name} does not run, or a part of it", "shipway cluster up")


def _places(directory: str, hands: Hands) -> Iterator[settings.Place]:
    found = outset.project(directory, hands=hands)
    for name in dict.fromkeys((settings.DEV, *found.settings.config.environments)):
        yield found.at(name)


def _registries(directory: str, cluster: str, hands: Hands) -> Iterator[Finding]:
    for name in sorted(_registry_names(directory, cluster, hands)):
        try:
            hands.registry.tags(f"{name}/shipway")
        except ShipwayError as error:
            yield _failed("registry", name, error, f"shipway login {name}")
        else:
            yield good("registry", f"{name} answers and lets us in")


def _registry_names(directory: str, cluster: str, hands: Hands) -> Iterator[str]:
    for place in _places(directory, hands):
        if place.registry:
            yield place.registry
        elif (ground := hands.ground(cluster)) is not None and ground.running:
            yield ground.registry


def _context_names(directory: str, cluster: str, hands: Hands) -> dict[str, str]:
    """Return each context and the first namespace that would be deployed to."""
    found: dict[str, str] = {}
    for place in _places(directory, hands):
        ground = hands.ground(cluster) if place.embedded else None
        contexts = place.contexts if ground is None else (ground.context,) * ground.running
        for context in contexts:
            found.setdefault(context, place.namespaces[0])
    return found


def _contexts(directory: str, cluster: str, hands: Hands) -> Iterator[Finding]:
    for context, namespace in _context_names(directory, cluster, hands).items():
        try:
            kube = hands.kube(context)
            version = kube.version()
            refused = [
                " ".join(filter(None, (verb, f"{kind}.{group}".rstrip("."))))
                for verb, group, kind in _RIGHTS
                if not kube.may(verb, group, kind, namespace)
            ]
        except ShipwayError as error:
            yield _failed("kubernetes", context, error, f"kubectl --context {context} version")
            continue
        if refused:
            fix = f"kubectl --context {context} auth can-i --list -n {namespace}"
            yield broken(
                "kubernetes", f"{context}: may not {', '.join(refused)} in {namespace}", fix
            )
        else:
            yield good("kubernetes", f"{context}: {version}, all rights in {namespace}")


def _clocks(directory: str, cluster: str, hands: Hands, machine: Machine) -> Iterator[Finding]:
    seen = False
    for name in sorted(set(_registry_names(directory, cluster, hands))):
        host = name.partition("/")[0]
        scheme = "http" if reference.is_loopback(host) else "https"
        yield from _skew(host, machine.date(f"{scheme}://{host}/v2/"), hands)
        seen = True
    for context in _context_names(directory, cluster, hands):
        try:
            yield from _skew(context, hands.kube(context).date(), hands)
        except ShipwayError as error:
            yield unknown("clock", f"{context}: {error.message}")
        seen = True
    if not seen:
        yield good("clock", "nothing to compare with")


def _skew(name: str, theirs: float | None, hands: Hands) -> Iterator[Finding]:
    if theirs is None:
        yield unknown("clock", f"{name} does not say the time")
        return
    off = hands.clock.now() - theirs
    if abs(off) <= _SKEW:
        yield good("clock", f"{name}: within {_SKEW:g} s")
    else:
        way = "ahead of" if off > 0 else "behind"
        said = f"this machine is {abs(off):.0f} s {way} {name}"
        yield broken("clock", said, "sudo timedatectl set-ntp true")


def _failed(name: str, subject: str, error: ShipwayError, otherwise: str) -> Finding:
    if error.kind is Kind.CANCELLED:
        raise error
    return broken(name, f"{subject}: {error.message}", error.hint or otherwise)


def _gib(count: int) -> str:
    return f"{count / (1 << 30):.1f} GiB"
