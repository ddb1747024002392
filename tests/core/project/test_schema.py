"""Every fault of a config is told at once, with its key path and the nearest name."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.project import config, schema
from shipway.errors import Kind, ShipwayError

SHIPPED = Path(schema.__file__).with_name("shipway.schema.json")

WHOLE = b"""
schema = 1

[project]
name = "shop"

[services.web]
package = "./cmd/web"
port = 9000
files = { "/etc/web/config.yaml" = "config/web.yaml" }

[services.web.build]
cgo = true
tags = ["netgo"]
platforms = ["linux/amd64", "linux/arm/v7"]
metadata = "example.com/shop/internal/build"

[services.web.image]
base = "gcr.io/distroless/static:nonroot"
ca = "config/ca.pem"

[services.nightly]
package = "./cmd/nightly"
kind = "cron"
schedule = "0 3 * * *"

[environments.prod]
protected = true
overlay = "deploy/overlays/prod"
registry = "registry.example.com/shop"
namespaces = ["shop", "shop-jobs"]
via = "git"
targets = [{ context = "eu" }, { context = "us" }]
cluster_objects = ["ClusterRole/web"]

[test]
dev = "block"
network = true
coverage = 92.5

[trust]
keys = ["SHA256:abc"]
"""


def wrong(text: str) -> list[str]:
    """Return the faults of a config, as people read them."""
    return [str(fault) for fault in schema.faults(schema.read(text.encode()))]


def test_the_whole_config() -> None:
    """Every key that the issue names is read."""
    parsed = schema.parse(schema.read(WHOLE))

    assert schema.faults(schema.read(WHOLE)) == ()
    assert parsed.services["web"].build.platforms == ("linux/amd64", "linux/arm/v7")
    assert parsed.services["web"].files == {"/etc/web/config.yaml": "config/web.yaml"}
    assert [target.context for target in parsed.environments["prod"].targets] == ["eu", "us"]
    assert parsed.test == config.Test(dev="block", network=True, coverage=92.5)
    assert parsed.trust.keys == ("SHA256:abc",)


def test_an_empty_config_is_the_defaults() -> None:
    """Without a line everything has a default."""
    assert schema.parse({}) == config.Config()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("schma = 1", "schma: unknown key; did you mean schema?"),
        ("schema = 1\n[service.web]", "service: unknown key; did you mean services?"),
        ("schema = 1\n[services.web]\nprot = 1", "services.web.prot: unknown key; did you mean"),
        (
            "schema = 1\n[services.web.build]\ntag = []",
            "services.web.build.tag: unknown key; did you mean tags?",
        ),
        (
            "schema = 1\n[test]\nzzz = 1",
            "test.zzz: unknown key; known are dev, network, race, timeout, coverage",
        ),
        ("schema = 1\n[policy]", "policy: reserved for a later version"),
        ("schema = 1\n[secrets]", "secrets: reserved for a later version"),
        ("schema = 1\n[ci]", "ci: reserved for a later version"),
        ("schema = 2", "schema: "),
        ("", "schema: missing; the first line is: schema = 1"),
        ("schema = 1\nservices = 3", "services: Expected `table`, got `int` (found '3')"),
        ("schema = 1\n[services.web]\nport = 0", "services.web.port: must be a number from 1 to"),
        (
            'schema = 1\n[services.web]\nkind = "wbe"',
            "services.web.kind: 'wbe' is not one of web, grpc, worker, job, cron; did you mean web",
        ),
        ("schema = 1\n[services.Web]", "services.Web: must be lower-case letters"),
        (
            'schema = 1\n[services."a b"]\nx = 1',
            'services."a b".x: unknown key; known are package, kind, port,',
        ),
        (
            'schema = 1\n[services.web]\nfiles = { "etc" = "../x" }',
            "services.web.files.etc: must be a path below the project's folder, without ..",
        ),
        (
            "schema = 1\n[environments.p]\ntargets = [{}]",
            "environments.p.targets[0].context: missing",
        ),
        (
            'schema = 1\n[environments.p]\ntargets = ["eu"]',
            "environments.p.targets[0]: Expected `table`, got `str` (found 'eu')",
        ),
        ("schema = 1\n[test]\ncoverage = 101", "test.coverage: must be a number from 0 to 100"),
        ("schema = 1\n[test]\ndev = 1", "test.dev: Expected `str`, got `int` (found '1')"),
    ],
)
def test_a_fault_names_its_place(text: str, told: str) -> None:
    """A fault is told with its full key path, what was found, and the nearest known name."""
    assert any(fault.startswith(told) for fault in wrong(text)), wrong(text)


def test_all_faults_at_once() -> None:
    """One reading finds everything that is wrong, in order of key paths."""
    text = "schema = 1\n[servces]\n[services.web]\nprot = 1\nkind = 2\n[test]\nx = 1"

    assert [fault.partition(":")[0] for fault in wrong(text)] == [
        "servces",
        "services.web.kind",
        "services.web.prot",
        "test.x",
    ]
    with pytest.raises(ShipwayError) as caught:
        schema.parse(schema.read(text.encode()))
    assert (caught.value.id, caught.value.kind) == ("config.invalid", Kind.CONFIG)
    assert caught.value.message.count("\n") == 4


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"services": {"w": {"kind": "worker", "port": 1}}}, "services.w.port"),
        ({"services": {"w": {"kind": "cron"}}}, "services.w.schedule"),
        ({"services": {"w": {"schedule": "* * * * *"}}}, "services.w.schedule"),
        ({"environments": {"p": {"targets": [{"context": "x"}]}}}, "environments.p.registry"),
        (
            {"environments": {"p": {"registry": "r", "targets": [{"context": "x"}] * 2}}},
            "environments.p.targets",
        ),
    ],
)
def test_contradictions(tree: dict[str, Any], path: str) -> None:
    """What two keys together get wrong is a fault of one of them."""
    with pytest.raises(ShipwayError, match=f"  {path}: "):
        schema.parse(tree)


@pytest.mark.parametrize("data", [b"a = ", b"\xff", b"a = 1\na = 2"])
def test_what_is_no_toml(data: bytes) -> None:
    """A file that cannot be read says where."""
    with pytest.raises(ShipwayError) as caught:
        schema.read(data)

    assert (caught.value.id, caught.value.subject) == ("config.syntax", "shipway.toml")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["web", "port", "kind", "build", "targets", "context", "x y", ""]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TREES = st.dictionaries(
    st.sampled_from(["schema", "project", "services", "environments", "test", "trust", "ci", "?"]),
    VALUES,
    max_size=5,
)


@given(TREES)
def test_any_tree_is_judged(tree: dict[str, Any]) -> None:
    """No tree breaks the parser: it is a config, or all its faults are told."""
    found = schema.faults(tree, complete=False)
    try:
        parsed = schema.parse(tree)
    except ShipwayError as error:
        told = error.message
    else:
        told = ""
        assert isinstance(parsed, config.Config)

    assert all(str(fault) in told for fault in found)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """No file breaks the reader."""
    with contextlib.suppress(ShipwayError):
        assert isinstance(schema.read(data), dict)


def test_the_shipped_schema_is_current() -> None:
    """The JSON Schema in the package is what the types say.

    To renew it, write ``schema.text()`` there.
    """
    assert SHIPPED.read_text() == schema.text()


def test_the_shipped_schema_agrees_with_the_parser() -> None:
    """An independent validator takes what we take and refuses what we refuse."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415  only here

    validator = Draft202012Validator(schema.document())

    assert validator.is_valid(schema.read(WHOLE))
    assert not validator.is_valid({})
    assert not validator.is_valid({"schema": 1, "servces": {}})
    assert not validator.is_valid({"schema": 1, "services": {"web": {"prot": 1}}})
    assert not validator.is_valid({"schema": 1, "policy": {}})


def keys(kind: Any, path: str = "") -> set[str]:
    """Return every key path of a type that holds a value, names as NAME."""
    found: set[str] = set()
    for field in msgspec.structs.fields(kind):
        here = f"{path}{field.encode_name}"
        inner = get_args(field.type)
        below = inner[1] if get_origin(field.type) is dict else field.type
        if isinstance(below, type) and issubclass(below, msgspec.Struct):
            found |= keys(below, f"{here}.NAME." if below is not field.type else f"{here}.")
        else:
            found.add(here)
    return found


def test_the_docs_name_every_key() -> None:
    """docs/config.md has exactly the keys that there are, and its example is a good config."""
    text = (Path(__file__).parents[3] / "docs" / "config.md").read_text()
    told = set(re.findall(r"^\| `([a-zA-Z_.]+)` \|", text, re.MULTILINE))
    example = text.partition("```toml\n")[2].partition("```")[0]

    assert told == keys(config.Config)
    assert wrong(example) == []


def test_many_names_are_cut() -> None:
    """A hint lists a dozen names at most."""
    assert schema.nearest("zz", [f"n{n}" for n in range(20)]).endswith("n11, ...")
    assert schema.nearest("zz", []) == "known are none"
