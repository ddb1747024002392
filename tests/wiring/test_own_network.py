"""The person's own ``[network]`` as environment variables: added, never instead."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from fakes.company import Company
from shipway import redaction
from shipway.errors import Kind, ShipwayError
from shipway.wiring.network import OwnNetwork, variables
from shipway.wiring.tools import Tools

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Give a company's authority."""
    with Company(tmp_path) as found:
        return found


def test_what_the_environment_says_wins(tmp_path: Path) -> None:
    """In either spelling; what it does not say is added, and nothing else."""
    own = OwnNetwork("http://ours:1", "http://ours:2", "ours.test")
    given = {"https_proxy": "http://theirs:1", "NO_PROXY": "theirs.test", "A": "b"}

    found = variables(given, own, base=tmp_path, cache=tmp_path)

    assert found == given | {"http_proxy": "http://ours:2", "HTTP_PROXY": "http://ours:2"}
    assert variables(given, OwnNetwork(), base=tmp_path, cache=tmp_path) == given


def test_the_authority_is_added(company: Company, tmp_path: Path) -> None:
    """To the named file, or to the system's; git and pip get it unless they have their own."""
    other = tmp_path / "other.pem"
    other.write_text("# others\n")
    given = {"SSL_CERT_FILE": str(other), "PIP_CERT": "/own.pem"}
    own = OwnNetwork(ca="company.pem")

    found = variables(given, own, base=tmp_path, cache=tmp_path / "cache")
    again = variables(given, own, base=tmp_path, cache=tmp_path / "cache")
    alone = variables({}, own, base=tmp_path, cache=tmp_path / "alone")

    bundle = tmp_path / "cache" / "roots.pem"
    assert found == given | {"SSL_CERT_FILE": str(bundle), "GIT_SSL_CAINFO": str(bundle)}
    assert again == found
    assert bundle.read_text() == company.ca.read_text() + "# others\n"
    assert (tmp_path / "alone" / "roots.pem").read_text().startswith(company.ca.read_text())
    assert alone["SSL_CERT_FILE"] == alone["PIP_CERT"] == str(tmp_path / "alone" / "roots.pem")


@pytest.mark.parametrize("said", ["environment", "configuration"])
def test_git_goes_the_way_of_all_others(tmp_path: Path, said: str) -> None:
    """A proxy for plain HTTP is git's, too, which reads the lower-case spelling alone."""
    with Company(tmp_path) as company:
        folder = tmp_path / ".config" / "shipway"
        folder.mkdir(parents=True)
        own = f'[network]\nhttp_proxy = "{company.proxy}"\n'
        (folder / "config.toml").write_text(own if said == "configuration" else "")
        environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        environ |= {"HTTP_PROXY": company.proxy} if said == "environment" else {}
        found = Tools(lambda _: None, environ).variables
        command = ["git", "ls-remote", "http://git.company.test/x"]
        subprocess.run(command, env=found, check=False, capture_output=True, timeout=30)

    assert company.asked[0].startswith("GET http://git.company.test/x/")


def test_of_two_spellings_one_counts(tmp_path: Path) -> None:
    """The lower-case one, for every client; what is not set stays so."""
    environ = {"HOME": str(tmp_path), "https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}
    found = Tools(lambda _: None, environ).variables

    assert (found["https_proxy"], found["HTTPS_PROXY"]) == ("http://a:1", "http://a:1")
    assert "NO_PROXY" not in found


@pytest.mark.parametrize("text", [None, "no certificate", ""])
def test_an_authority_that_cannot_be_read_is_told(tmp_path: Path, text: str | None) -> None:
    """By its path."""
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)

    with pytest.raises(ShipwayError) as caught:
        variables({}, OwnNetwork(ca="ca.pem"), base=tmp_path, cache=tmp_path)

    assert (caught.value.id, caught.value.kind) == ("network.roots", Kind.CONFIG)
    assert caught.value.subject == str(tmp_path / "ca.pem")


@pytest.mark.parametrize("text", ["[network]\nprxy = 1\n", "[network", "[network]\nca = 1\n"])
def test_a_configuration_that_is_wrong_is_told(tmp_path: Path, text: str) -> None:
    """An unknown key is no silent one: a proxy that is not used would be a riddle."""
    folder = tmp_path / ".config" / "shipway"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(text)

    with pytest.raises(ShipwayError) as caught:
        Tools(lambda _: None, {"HOME": str(tmp_path)})

    assert caught.value.id == "config.syntax"


def test_logins_of_proxies_are_masked_wherever_they_are_named(tmp_path: Path) -> None:
    """In the environment, in either spelling, and in the person's own configuration."""
    folder = tmp_path / "shipway"
    folder.mkdir()
    own = '[network]\nhttp_proxy = "http://ann:of-the/config@proxy.test:1"\n'
    (folder / "config.toml").write_text(own)
    given = {"https_proxy": "http://ann:of-the#environment@proxy.test:1"}

    Tools(print, given | {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)})

    assert redaction.text("of-the/config of-the#environment") == "*** ***"
