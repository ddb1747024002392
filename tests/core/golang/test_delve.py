"""Running under Delve, and attaching to it."""

from __future__ import annotations

import json

from shipway.core.golang import delve
from shipway.core.golang.delve import Attaching

TO = Attaching(service="web", port=40_001, module="example.com/shop", directory="/home/a b/shop")


def test_the_program_is_its_child() -> None:
    """Delve starts the program with its arguments and lets it run, for whoever comes later."""
    argv = delve.command(("/app/web", "-v", "x"), 40_000)

    assert argv[:2] == ("/debug/dlv", "exec")
    assert argv[-4:] == ("/app/web", "--", "-v", "x")
    assert {"--headless", "--accept-multiclient", "--continue"} < set(argv)


def test_only_a_forward_reaches_it() -> None:
    """It listens on the pod's own loopback, and takes a forward that is another user's there."""
    argv = delve.command(("/app/web",), 40_000)

    assert "--listen=127.0.0.1:40000" in argv
    assert "--only-same-user=false" in argv


def test_its_port_is_not_the_programs() -> None:
    """A service that has Delve's usual port keeps it."""
    assert delve.port(None) == delve.port(8080) == delve.PORT
    assert delve.port(delve.PORT) != delve.PORT


def test_what_to_type() -> None:
    """Delve's client, VS Code and GoLand get address and paths; a path with a space is quoted."""
    client, paths, code, goland = TO.lines()

    assert client == "dlv connect 127.0.0.1:40001"
    assert paths == '(dlv) config substitute-path example.com/shop "/home/a b/shop"'
    assert json.loads(code.partition(": ")[2]) == TO.launch
    assert TO.launch["substitutePath"] == [{"from": "/home/a b/shop", "to": "example.com/shop"}]
    assert "host 127.0.0.1, port 40001" in goland
    plain = Attaching(service="web", port=1, module="m", directory="/d")
    assert "(dlv) config substitute-path m /d" in plain.lines()
