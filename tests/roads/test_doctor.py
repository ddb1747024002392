"""Doctor: each thing that can be wrong is found by its own check, with what settles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.git import ROOT
from fakes.ground import FixedFacts
from fakes.machine import MemoryMachine
from fakes.shop import FAR, Shop, refused
from shipway import scope
from shipway.core.ports.hostfacts import Facts
from shipway.core.ports.machine import EngineState, KeyState
from shipway.core.run.finding import Finding, State, good
from shipway.errors import Kind, ShipwayError
from shipway.roads import checks, doctor

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = "go1.27.3"


class Patient:
    """A machine and a project, and what is found."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.shop.write("shipway.lock", f'schema = 1\n[go]\nversion = "{OURS}"\n')
        self.machine = MemoryMachine()
        self.facts = Facts()
        now = self.shop.clock.now()
        self.machine.dates = {"http://127.0.0.1:5000/v2/": now}
        self.shop.cluster.server_time = now

    def examined(self) -> doctor.Examined:
        """Make all checks."""
        facts = FixedFacts(self.facts)
        found = checks.machine(hands=self.shop, machine=self.machine, facts=facts, ours=OURS)
        found |= checks.project(ROOT, "", hands=self.shop, machine=self.machine, ours=OURS)
        return doctor.doctor(found)

    def wrong(self) -> list[Finding]:
        """Return what is not well."""
        return [one for one in self.examined().findings if one.state is not State.GOOD]


def test_nothing_is_wrong() -> None:
    """On a good machine every check says what shows it, and the answer is none to act on."""
    examined = Patient().examined()
    names = [one.name for one in examined.findings]

    assert [one for one in examined.findings if one.state is not State.GOOD] == []
    assert examined.exit_kind is None
    assert {
        *("python", "git", "go", "confinement", "kernel", "memory", "disk", "engines", "key"),
        *("proxies", "config", "lock", "cluster", "registry", "kubernetes", "clock"),
    } == set(names)
    assert list(examined.lines())[-1] == "nothing is broken"
    assert all(one.evidence for one in examined.findings)


def test_a_program_that_nobody_asked_for_is_not_missed() -> None:
    """Delve is built when somebody debugs, and no cluster would build it."""
    patient = Patient()
    patient.machine.states += (EngineState("delve", made=False),)
    (found,) = [one for one in patient.examined().findings if one.name == "engines"]

    assert (found.state, found.evidence) == (State.GOOD, "1 built, every byte proved")


def spoil(**fields: Any) -> Callable[[Patient], None]:
    """Return what sets attributes of the machine."""

    def change(patient: Patient) -> None:
        for name, value in fields.items():
            setattr(patient.machine, name, value)

    return change


def facts(**fields: Any) -> Callable[[Patient], None]:
    """Return what makes it another machine."""

    def change(patient: Patient) -> None:
        patient.facts = msgspec.structs.replace(patient.facts, **fields)

    return change


def write(path: str, text: str) -> Callable[[Patient], None]:
    """Return what writes a file of the project."""
    return lambda patient: patient.shop.write(path, text)


def variables(**found: str) -> Callable[[Patient], None]:
    """Return what sets environment variables."""
    return lambda patient: patient.shop.variables.update(found)


def behind(patient: Patient) -> None:
    """Let the cluster's clock be elsewhere."""
    patient.shop.cluster.server_time -= 3600


def ahead(patient: Patient) -> None:
    """Let the registry's clock be elsewhere."""
    patient.machine.dates["http://127.0.0.1:5000/v2/"] += 3600


def no_cluster(patient: Patient) -> None:
    """Let there be none."""
    patient.shop.unknown = True


def stopped(patient: Patient) -> None:
    """Let it not run."""
    patient.shop.running = False


def forbidden(patient: Patient) -> None:
    """Let the cluster refuse a right."""
    patient.shop.cluster.may_not.add(("create", "apps", "deployments"))


def unreachable(patient: Patient) -> None:
    """Let a context be out of reach."""
    patient.shop.write("shipway.toml", FAR.format('{context = "far"}'))
    patient.machine.dates["https://registry.test/v2/"] = patient.shop.clock.now()
    patient.shop.down["far"] = refused("kube.unreachable", Kind.TRANSIENT)


def no_entry(patient: Patient) -> None:
    """Let the registry refuse us."""
    patient.shop.registries.refusal = refused("registry.denied", Kind.DENIED)


@pytest.mark.parametrize(
    ("spoiled", "name", "state", "evidence", "fix"),
    [
        (spoil(version="3.9.1"), "python", "failed", "3.11 is needed", "apt-get"),
        (spoil(said={}), "git", "failed", "no git", "apt-get install git"),
        (spoil(toolchains={}), "go", "note", "is fetched", "shipway test"),
        (
            spoil(open_because="kernel.unprivileged_userns_clone = 0"),
            *("confinement", "note", "userns_clone = 0", "unprivileged_userns_clone=1"),
        ),
        (spoil(open_because="no"), "confinement", "note", "open network", "apparmor"),
        (facts(overlay=False), "kernel", "failed", "without overlayfs", "modprobe overlay"),
        (facts(system="Darwin"), "kernel", "note", "this is Darwin", "Linux"),
        (facts(memory_free=1 << 20), "memory", "note", "needs", "ps aux"),
        (facts(disk_free=1 << 20), "disk", "note", "/var/lib", "du -xh /var"),
        (spoil(room=1 << 20), "disk", "failed", "free in /store", "du -xh /store"),
        (
            spoil(states=(EngineState("etcd", made=False),)),
            *("engines", "note", "etcd not built yet", "shipway cluster up"),
        ),
        (
            spoil(states=(EngineState("etcd", made=True, altered=("etcd",)),)),
            *("engines", "failed", "etcd: etcd", "cluster delete --all"),
        ),
        (spoil(held=None), "key", "note", "none yet", "shipway key show"),
        (
            spoil(held=KeyState("SHA256:x", guarded=False)),
            *("key", "note", "without a passphrase", "SHIPWAY_KEY_PASSWORD"),
        ),
        (
            variables(https_proxy="http://a", HTTPS_PROXY="http://b"),
            *("proxies", "note", "differ", "unset HTTPS_PROXY"),
        ),
        (write("shipway.toml", "x = 1\n"), "config", "failed", "x", "explain config"),
        (write("shipway.lock", "schema = 1\n"), "lock", "note", "no shipway.lock", "init"),
        (
            write("shipway.lock", 'schema = 1\n[go]\nversion = "go1.26.1"\n'),
            *("lock", "note", "go1.26.1 is pinned", "shipway init"),
        ),
        (no_cluster, "cluster", "note", "none on this machine", "shipway cluster up"),
        (stopped, "cluster", "note", "does not run", "shipway cluster up"),
        (forbidden, "kubernetes", "failed", "may not create deployments.apps", "auth can-i"),
        (unreachable, "kubernetes", "failed", "far: it says no", "kubectl --context far"),
        (no_entry, "registry", "failed", "127.0.0.1:5000: it says no", "shipway login"),
        (behind, "clock", "failed", "3600 s ahead of shipway", "timedatectl"),
        (ahead, "clock", "failed", "3600 s behind 127.0.0.1:5000", "timedatectl"),
        (spoil(dates={}), "clock", "unknown", "does not say the time", ""),
    ],
)
def test_each_fault_has_its_check(
    spoiled: Callable[[Patient], None], name: str, state: str, evidence: str, fix: str
) -> None:
    """One thing wrong is one finding, by its name, with evidence and what settles it."""
    patient = Patient()
    spoiled(patient)
    found = [one for one in patient.wrong() if one.name == name]

    assert [one.state.value for one in found] == [state]
    assert evidence in found[0].evidence
    assert fix in found[0].fix
    examined = patient.examined()
    broken = any(one.state is State.BROKEN for one in examined.findings)
    assert examined.exit_kind is (Kind.MISSING if broken else None)


def test_a_broken_config_hides_nothing_else() -> None:
    """Checks that cannot be made say so; those of the machine are made all the same."""
    patient = Patient()
    patient.shop.write("shipway.toml", "x = 1\n")
    found = {one.name: one for one in patient.examined().findings}

    assert found["git"].state is State.GOOD
    assert found["registry"].state is State.BROKEN
    assert list(patient.examined().lines())[-1].endswith("failed")


def test_pins_that_are_old_or_of_no_use() -> None:
    """A base that moved in its registry, one that nobody uses, and a pin that holds."""
    patient = Patient()
    shop = patient.shop
    for name in ("moved", "kept"):
        shop.image(f"registry.test/{name}:1", name.encode())
    kept = shop.registries.resolve("registry.test/kept", "1")
    assert kept is not None
    old = "sha256:" + "0" * 64
    shop.write(
        "shipway.lock",
        f'schema = 1\n[go]\nversion = "{OURS}"\n[bases]\n"registry.test/moved:1" = "{old}"\n'
        f'"registry.test/unused:1" = "{old}"\n[images]\n"registry.test/kept:1" = "{kept.digest}"\n',
    )
    shop.write(
        "shipway.toml", 'schema = 1\n[services.shop]\nimage.base = "registry.test/moved:1"\n'
    )
    said = [one.evidence for one in patient.wrong() if one.name == "lock"]

    assert said == [
        "registry.test/moved:1 stands for something newer in its registry",
        "registry.test/unused:1 is no service's base any more",
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:secret@proxy:80", "http://***@proxy:80"),
        ("me:secret@proxy", "***@proxy"),
        ("http://proxy", "http://proxy"),
    ],
)
def test_proxies_are_shown_without_logins(url: str, shown: str) -> None:
    """What stands before the host is nobody's business."""
    patient = Patient()
    patient.shop.variables["HTTPS_PROXY"] = url
    (found,) = (one for one in patient.examined().findings if one.name == "proxies")

    assert found.evidence == f"HTTPS_PROXY={shown}"


def test_a_check_that_hangs_is_unknown() -> None:
    """Its time ends, the others' answers stand."""

    def hang() -> list[Finding]:
        scope.current().wait(60)
        return []

    examined = doctor.doctor({"slow": hang, "quick": lambda: [good("quick", "yes")]}, patience=0.1)

    assert [one.state for one in examined.findings] == [State.UNKNOWN, State.GOOD]
    assert examined.exit_kind is None


def test_a_check_that_breaks_hides_nothing_else() -> None:
    """A defect in one look is told as that, the others' answers stand."""

    def breaks() -> list[Finding]:
        raise ValueError("no such thing")

    examined = doctor.doctor({"breaks": breaks, "quick": lambda: [good("quick", "yes")]})

    assert [one.state for one in examined.findings] == [State.BROKEN, State.GOOD]
    assert examined.findings[0].evidence == "ValueError: no such thing"


def test_ctrl_c_ends_it() -> None:
    """A cancelled examination is cancelled."""

    def cancelled() -> list[Finding]:
        raise refused("run.cancelled", Kind.CANCELLED)

    with pytest.raises(ShipwayError) as caught:
        doctor.doctor({"cancelled": cancelled})

    assert caught.value.id == "run.cancelled"
