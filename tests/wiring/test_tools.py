"""The hands of a process, in an environment of a test's own."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from fakes.engines import FakeEngines
from fakes.person import Person, grounded
from shipway import redaction
from shipway.adapters.content.links import LinkStore
from shipway.adapters.go.ahead import Asked
from shipway.adapters.go.record import Records
from shipway.adapters.keys import KeyFolder
from shipway.core.oci.descriptor import Platform
from shipway.core.ports.go import Target
from shipway.errors import Kind, ShipwayError
from shipway.wiring.person import PASSPHRASE
from shipway.wiring.tools import Tools, architecture

WORD = "a very long passphrase of mine"


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Give a person."""
    return Person(tmp_path)


def test_folders_are_where_the_variables_say(person: Person) -> None:
    """XDG variables count, else the usual folders of the home."""
    tools = person.tools(XDG_DATA_HOME=str(person.home / "elsewhere"))

    assert tools.cache_folder == str(person.home / "cache" / "shipway")
    assert tools.config_folder == str(person.home / "config" / "shipway")
    assert tools.data_folder == str(person.home / "elsewhere" / "shipway")
    assert tools.state_folder == str(person.home / ".local" / "state" / "shipway")


def test_without_a_home_the_accounts_counts() -> None:
    """A process without HOME has its account's home."""
    assert Tools(print, {}).home == Path.home()


def test_the_process_environment_is_the_usual_one() -> None:
    """Without variables of its own a command has those of the process."""
    assert Tools(print).variables == dict(os.environ)


def test_a_build_begins_early_only_where_no_target_must_be_looked_at(
    person: Person, tmp_path: Path
) -> None:
    """What was built last is begun again, unless file or variables name environments."""
    folder = tmp_path / "shop"
    folder.mkdir()
    named = {"SHIPWAY__ENVIRONMENTS__DEV__REGISTRY": "r.example.com"}

    def waits(**variables: str) -> bool:
        tools = person.tools(**variables)
        asked = Asked(Target(root=str(folder), packages=(".",), platform=Platform("amd64")), "-s")
        Records(str(Path(tools.state_folder, "go"))).remember(str(folder), asked)
        return isinstance(tools.ahead(str(folder)), nullcontext)

    assert not waits()
    assert waits(**named)
    (folder / "shipway.toml").write_text('schema = 1\n[environments.dev]\nregistry = "r"\n')
    assert waits()


@pytest.mark.parametrize("name", PASSPHRASE)
def test_a_passphrase_leaves_the_environment_and_is_masked(
    person: Person, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """No child of the process and no line of the output has it; the key is made with it."""
    monkeypatch.setenv(name, WORD)
    tools = person.tools(**{name: WORD})

    assert name not in tools.variables
    assert name not in os.environ
    assert WORD not in redaction.text(f"it is {WORD}")
    assert tools.signer().has_passphrase
    assert tools.keys.guarded()


def test_the_first_passphrase_counts(person: Person) -> None:
    """Shipway's own variable goes before cosign's."""
    made = person.tools(SHIPWAY_KEY_PASSWORD=WORD, COSIGN_PASSWORD="another long passphrase")
    opened = person.tools(COSIGN_PASSWORD=WORD)

    assert made.signer().fingerprint == opened.signer().fingerprint
    with pytest.raises(ShipwayError):
        person.tools(COSIGN_PASSWORD="another long passphrase").signer()


def test_an_opened_key_is_at_hand(person: Person) -> None:
    """Before the first use there is none; what was opened needs no further question."""
    tools = person.tools()
    assert not tools.at_hand()
    tools.signer()
    assert tools.at_hand()
    assert person.tools().at_hand()


def test_a_fingerprint_needs_no_passphrase(person: Person) -> None:
    """It is read beside the key, which is made where there is none."""
    made = person.tools(COSIGN_PASSWORD=WORD)

    assert made.fingerprint() == person.tools().fingerprint()
    assert made.signer() is made.signer()


def test_a_key_whose_public_half_is_missing_is_whole_again(person: Person) -> None:
    """A run that was killed between the two files of a new key stops no later one."""
    tools = person.tools()
    made = tools.signer().fingerprint
    public = next(Path(tools.keys.path).parent.glob("*.pub"))
    public.write_text("no key")
    with pytest.raises(ShipwayError):
        person.tools().fingerprint()
    public.unlink()
    (mine,) = person.tools().trusted((), own=True)

    assert mine.key.fingerprint == person.tools().fingerprint() == made
    assert public.exists()


def test_the_own_key_is_trusted_and_made(person: Person) -> None:
    """Where the own key counts it is the only one, and known to be unguarded at best."""
    (mine,) = person.tools().trusted((), own=True)
    (again,) = person.tools().trusted((), own=True)

    assert mine.key == again.key
    assert not mine.passphrase
    assert person.tools().trusted((), own=False) == ()


def other(person: Person, name: str = "other", passphrase: str | None = None) -> Path:
    """Return the public key file of somebody else."""
    keys = KeyFolder(str(person.home / name), passphrase=passphrase)
    keys.signer()
    path = person.home / "config" / "shipway" / f"{name}.pub"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(keys.public_key().pem())
    return path


def test_keys_of_the_own_configuration_are_trusted(person: Person) -> None:
    """Files under [trust] count beside named ones; paths are relative to the configuration."""
    first, second = other(person), other(person, "second")
    person.configure('[trust]\nkeys = ["other.pub"]\n')
    found = person.tools().trusted((str(second),), own=False)

    assert [one.name for one in found] == [str(second), str(first)]
    assert all(one.passphrase for one in found)


@pytest.mark.parametrize("guarded", [True, False])
def test_a_named_key_that_is_the_own_one(person: Person, guarded: bool) -> None:
    """A named public key whose private half lies here unguarded is known to be so."""
    said = {"COSIGN_PASSWORD": WORD} if guarded else {}
    tools = person.tools(**said)
    tools.signer()
    path = person.home / "mine.pub"
    path.write_text(tools.keys.public_key().pem())
    stranger = other(person)
    mine, theirs = person.tools().trusted((str(path), str(stranger)), own=False)

    assert mine.passphrase is guarded
    assert theirs.passphrase


def test_no_own_configuration_trusts_nobody(person: Person) -> None:
    """A configuration without [trust] is none."""
    person.configure("")

    assert person.tools().trusted((), own=False) == ()


@pytest.mark.parametrize(
    "text",
    ["[trust", "trust = 3", "[trust]\nkeys = 3", "[trust]\nkeys = [3]", "[trust]\nkey = []"],
)
def test_a_broken_own_configuration_is_named(person: Person, text: str) -> None:
    """What is no TOML, or of another shape, is an error of configuration with its path."""
    person.configure(text)
    with pytest.raises(ShipwayError) as caught:
        person.tools().trusted((), own=False)

    assert (caught.value.id, caught.value.kind) == ("config.syntax", Kind.CONFIG)
    assert caught.value.subject.endswith("config.toml")


def test_a_context_is_found_in_the_kubeconfig(person: Person) -> None:
    """A cluster is made once per context, without a connection; an unknown one is an error."""
    (person.home / "kubeconfig").write_text(
        "clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]\n"
        "users: [{name: a, user: {token: secret}}]\n"
        "contexts: [{name: east, context: {cluster: a, user: a}}]\n"
    )
    tools = person.tools()

    assert tools.kube("east") is tools.kube("east")
    with pytest.raises(ShipwayError):
        tools.kube("west")


def test_every_hand_is_made_once(person: Person) -> None:
    """Hands are made without touching network or cluster, and stay the same."""
    tools = person.tools()
    names = (
        "clock", "runs", "cache", "content", "links", "registry", "git", "sandbox", "go", "bases",
        "imagefiles", "debuggers", "engines", "renderer", "keys", "userfiles", "privilege",
        "ground_facts", "ground_tree", "ground_init",
    )  # fmt: skip
    for name in names:
        assert getattr(tools, name) is getattr(tools, name)
    assert isinstance(tools.links, LinkStore)
    assert tools.files(str(person.home)).read("nothing") is None


def test_kustomize_is_made_from_its_lock(person: Person) -> None:
    """The renderer of kustomizations has the program that its lock names."""
    tools = person.tools()
    engines = FakeEngines({"kustomize": {"kustomize": b"x"}})
    tools.engines = engines
    folder = person.home / "deploy"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("resources: []\n")

    assert tools.renderer.name(str(person.home), "deploy").startswith("kustomize")
    assert engines.made == ["kustomize"]


def test_govulncheck_is_made_from_its_lock(person: Person) -> None:
    """The scanner is the program of the lock, and its version the lock's."""
    tools = person.tools()
    engines = FakeEngines({"govulncheck": {"govulncheck": b"x"}})
    tools.engines = engines

    assert tools.scanner.name() == "govulncheck v1.0.0"
    assert engines.made == ["govulncheck"]


def test_rules_of_a_scan_are_the_persons_own(person: Person) -> None:
    """A folder counts from the configuration's; an address stays; a wrong key is an error."""
    tools = person.tools()
    assert tools.scan_rules.database == "https://vuln.go.dev"
    config = Path(tools.config_folder, "config.toml")
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        '[scan]\ndatabase = "vulndb"\nblock = "imported"\n[[scan.exceptions]]\nid = "GO-1"\n'
        'reason = "r"\nowner = "o"\nexpires = 2026-12-31\n'
    )
    rules = person.tools().scan_rules
    assert rules.database == str(config.parent / "vulndb")
    assert rules.block == "imported"
    assert rules.exceptions[0].expires.isoformat() == "2026-12-31"

    config.write_text('[scan]\nblok = "none"\n')
    with pytest.raises(ShipwayError, match="blok"):
        _ = person.tools().scan_rules


def test_caches_that_stay_are_listed(person: Person) -> None:
    """What is there is named; with ``everything`` the engine cache goes first."""
    tools = person.tools()
    engines = Path(tools.cache_folder, "engines")
    engines.mkdir(parents=True)
    tools.signer()
    keys = tools.keys.path
    assert tools.caches(everything=False) == (str(engines), tools.cache_folder, keys)
    assert tools.caches(everything=True) == (tools.cache_folder, keys)


def test_links_of_a_registry_that_is_gone_are_lost(person: Person) -> None:
    """Nothing listens there: all of it is said to be lost, by its address."""
    saved = person.tools().save("127.0.0.1:1")

    assert saved.saved == ()
    assert saved.lost[0].startswith("127.0.0.1:1")


def test_no_cluster_is_none(person: Person) -> None:
    """Where there never was one, there is no ground; a name that is none is an error."""
    tools = grounded(person)

    assert tools.ground("") is None
    with pytest.raises(ShipwayError):
        tools.ground("No Name")


def test_the_ground_is_raised_once(person: Person) -> None:
    """A cluster that runs is used as it is, without root; its start is told step by step."""
    tools = grounded(person)
    raised = tools.raise_ground("")
    again = tools.raise_ground("")

    assert raised.running
    assert (raised.context, raised.registry) == ("shipway", "127.0.0.1:20001")
    assert again.context == raised.context
    assert len(tools.privilege.orders) == 1
    assert any("boot" in str(one) for one in person.said)


def test_the_architecture_is_in_gos_words() -> None:
    """This machine's, as Go calls it."""
    assert architecture() in {"amd64", "arm64"}
