"""What the hands of a process say on their own, outside of any run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.engines.progress import Progress
from shipway.core.run.events import Event, Fact, Remark
from shipway.wiring.tools import Tools

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_key_is_told_once(tmp_path: Path) -> None:
    """The fingerprint is said when the key is made, and not when it is merely opened."""
    said: list[Event] = []
    environ = {"HOME": str(tmp_path)}
    made = Tools(said.append, environ, ask=False).signer()
    opened = Tools(said.append, environ, ask=False).signer()

    (fact,) = said
    assert isinstance(fact, Fact)
    assert (fact.name, fact.value) == ("key", made.fingerprint)
    assert opened.fingerprint == made.fingerprint


def test_a_program_that_is_built_is_told_once(tmp_path: Path) -> None:
    """Who waits for a first build knows why; who finds the program there hears nothing."""
    said: list[Event] = []
    tools = Tools(said.append, {"HOME": str(tmp_path)})
    for phase in ("present", "download", "compile", "compile"):
        tools._building(Progress("kustomize", 1, 1, phase))  # type: ignore[arg-type]

    (remark,) = said
    assert isinstance(remark, Remark)
    assert "kustomize" in remark.text
