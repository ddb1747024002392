"""A person with an empty home: real hands in an environment of a test's own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fakes.engines import FakeEngines
from fakes.ground import FixedFacts, MemoryTree, ScriptedInit
from fakes.privilege import MemoryPrivilege
from fakes.userfiles import MemoryUserFiles
from shipway.cluster.life import ENGINES
from shipway.wiring.tools import Tools

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.core.run.events import Event


class Person:
    """A person with an empty home, and what was said to them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said: list[Event] = []
        self.environ = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "DOCKER_CONFIG": str(home / "docker"),
            "KUBECONFIG": str(home / "kubeconfig"),
        }

    def tools(self, **more: str) -> Tools:
        """Return their hands."""
        return Tools(self.said.append, self.environ | more, ask=False)

    def configure(self, text: str) -> None:
        """Write their own configuration."""
        folder = self.home / "config" / "shipway"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text(text)


def grounded(person: Person) -> Tools:
    """Return hands whose machine is in memory."""
    tools = person.tools()
    tools.ground_tree = MemoryTree()
    tools.ground_init = ScriptedInit(tools.ground_tree)
    tools.ground_facts = FixedFacts()
    tools.userfiles = MemoryUserFiles()
    tools.engines = FakeEngines({name: {name: b"x"} for name in ENGINES})
    tools.privilege = MemoryPrivilege(tools.ground_tree, tools.ground_init, ends=4_000_000_000.0)
    return tools
