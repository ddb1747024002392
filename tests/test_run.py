"""A run notes every step however it ends, says so in order, and works twice only on new things."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.cache import MemoryStageCache
from fakes.clock import FakeClock
from fakes.content import MemoryContent
from fakes.journal import MemoryRuns
from shipway import redaction, scope
from shipway.core.oci.descriptor import OCTETS, Descriptor
from shipway.core.oci.digest import Digest, of
from shipway.core.oci.image import Layer
from shipway.core.run import events
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.run import Run, contents

if TYPE_CHECKING:
    from collections.abc import Callable

WEB = Unit("web")


class Asked(msgspec.Struct, frozen=True):
    """A request."""

    text: str = ""


class Answer(msgspec.Struct, frozen=True):
    """A result."""

    text: str = ""
    blob: Descriptor | None = None
    refused: bool = False


class World:
    """What a run needs, to look at afterwards."""

    def __init__(self) -> None:
        self.runs = MemoryRuns()
        self.clock = FakeClock()
        self.cache = MemoryStageCache()
        self.content = MemoryContent()
        self.said: list[events.Event] = []
        self.seed = 0

    def run(self, cache: MemoryStageCache | None = None) -> Run:
        """Return a new run."""
        self.seed += 1
        return Run(
            "up",
            runs=self.runs,
            clock=self.clock,
            emit=self.said.append,
            cache=cache,
            subject="./cmd/web",
            entropy=lambda size: bytes([self.seed]) * size,
        )


@pytest.fixture
def world() -> World:
    """Give a world in memory."""
    return World()


def stage(name: str, work: Callable[[Asked], Any]) -> Callable[..., Any]:
    """Return a stage of that name that counts its calls."""

    def verb(request: Asked, **_: object) -> Any:
        verb.calls += 1  # type: ignore[attr-defined]
        return work(request)

    verb.calls = 0  # type: ignore[attr-defined]
    verb.__module__ = f"shipway.stages.{name}"
    return verb


def echo(request: Asked) -> Answer:
    """Answer what was asked."""
    return Answer(request.text)


def raising(error: BaseException) -> Callable[[Asked], Any]:
    """Return work that fails."""

    def work(_: Asked) -> None:
        raise error

    return work


def test_a_step_is_said_and_noted(world: World) -> None:
    """A step emits started and finished, and its note passes from begun to passed."""
    seen: list[str] = []

    def work(request: Asked) -> Answer:
        seen.extend(note.state for note in world.runs.notes(run.id))
        return echo(request)

    with world.run() as run:
        result = run.step(
            stage("build", work), WEB, Asked("a"), summary=lambda answer: f"made {answer.text}"
        )

    assert result == Answer("a")
    assert seen == ["begun"]
    assert [type(event).__name__ for event in world.said] == [
        "RunStarted",
        "StepStarted",
        "StepFinished",
        "RunFinished",
    ]
    assert world.said[2].summary == "made a"  # type: ignore[attr-defined]
    (note,) = world.runs.notes(run.id)
    assert (note.state, note.step, note.unit, note.version) == ("passed", "build", WEB, "0.1.0/1")
    assert note.request == of(b'{"text":"a"}')
    assert run.notes == (note,) or run.notes[0].name == note.name


def test_the_journal_holds_what_was_said(world: World) -> None:
    """Reading the journal gives the very events that were handed on, with run and trace id."""
    with world.run() as run:
        run.step(stage("build", echo), WEB, Asked())
        run.progress("build", WEB, 1, 2, of="files", what="compiling")
        run.lines("test", WEB)("ok")
        run.remark("guessed", fix="port = 1")
        run.fact("url", "http://127.0.0.1:1")

    assert events.parse_all(world.runs.events(run.id)) == tuple(world.said)
    assert {(event.run, event.trace) for event in world.said} == {(run.id, "01" * 16)}
    assert run.id == "20261124T235900Z-010101"
    assert world.runs.journals[run.id].over


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ShipwayError("a.b", Kind.REJECTED, "no"), "refused"),
        (ShipwayError("a.b", Kind.TRANSIENT, "no"), "failed"),
        (ShipwayError("run.cancelled", Kind.CANCELLED, "no"), "cancelled"),
        (KeyboardInterrupt(), "cancelled"),
        (ValueError("odd"), "failed"),
    ],
)
def test_a_failing_step_is_noted(world: World, error: BaseException, state: str) -> None:
    """However a stage fails, its note says so and the error goes on."""
    with pytest.raises(type(error)), world.run() as run:
        run.step(stage("push", raising(error)), WEB, Asked())

    (note,) = world.runs.notes(run.id)
    assert note.state == state
    assert note.fault is not None
    finished = world.said[-1]
    assert isinstance(finished, events.RunFinished)
    assert (finished.result, finished.fault) == (state, note.fault)


def test_a_refusing_answer_is_noted_and_returned(world: World) -> None:
    """A verdict that says no is a value; the note calls it refused, and it is never cached."""
    refuse = stage("test", lambda _: Answer("no", refused=True))
    with world.run(world.cache) as run:
        answer = run.step(refuse, WEB, Asked(), returns=Answer)

    assert answer.refused
    assert world.runs.notes(run.id)[0].state == "refused"
    assert not world.cache.values


def test_the_same_request_is_answered_from_the_cache(world: World) -> None:
    """A making stage runs once for one request; the second note says it was taken over."""
    build = stage("build", echo)
    for _ in range(2):
        with world.run(world.cache) as run:
            assert run.step(build, WEB, Asked("a"), returns=Answer) == Answer("a")

    assert build.calls == 1  # type: ignore[attr-defined]
    assert world.runs.notes(run.id)[0].cached
    finished = [event for event in world.said if isinstance(event, events.StepFinished)]
    assert [event.cached for event in finished] == [False, True]


def test_what_makes_a_stage_run_again(world: World) -> None:
    """Another request, other inputs, a refusal of freshness, or no cache: the stage runs."""
    build = stage("build", echo)
    with world.run(world.cache) as run:
        run.step(build, WEB, Asked("a"), returns=Answer)
        run.step(build, WEB, Asked("b"), returns=Answer)
        run.step(build, WEB, Asked("a"), returns=Answer, inputs=["other"])
        run.step(build, WEB, Asked("a"), returns=Answer, fresh=lambda _: False)
        run.step(build, WEB, Asked("a"))
        run.step(build, WEB, Asked("a"), returns=Answer, fresh=lambda _: True)
    with world.run() as run:
        run.step(build, WEB, Asked("a"), returns=Answer)

    assert build.calls == 6  # type: ignore[attr-defined]


def test_inputs_that_only_the_stage_can_tell(world: World) -> None:
    """A function of inputs is asked before and after, and the later answer makes the key."""
    told: list[str | None] = [None, "a", "a", "b", "c", "c", None, None]
    build = stage("build", echo)
    with world.run(world.cache) as run:
        for _ in range(4):
            run.step(build, WEB, Asked(), returns=Answer, inputs=lambda: told.pop(0))
            seen = build.calls  # type: ignore[attr-defined]
        run.step(build, WEB, Asked(), returns=Answer, inputs=lambda: told.pop(0))

    assert seen == 2
    assert build.calls == 3  # type: ignore[attr-defined]
    assert len(world.cache.values) == 2


@pytest.mark.parametrize(("passed", "state"), [(True, "passed"), (False, "refused")])
def test_a_verdict_says_how_its_step_ended(world: World, passed: bool, state: str) -> None:
    """A result whose ``passed`` is false is a refusal; test names under that word are none."""

    class Verdict(msgspec.Struct):
        """A verdict."""

        passed: bool | tuple[str, ...]

    with world.run() as run:
        run.step(stage("verify", lambda _: Verdict(passed)), WEB, Asked())
        run.step(stage("test", lambda _: Verdict(())), WEB, Asked())

    assert [note.state for note in world.runs.notes(run.id)] == [state, "passed"]


def test_acting_stages_are_never_cached(world: World) -> None:
    """A stage that acts looks at the world every time."""
    push = stage("publish", echo)
    with world.run(world.cache) as run:
        run.step(push, WEB, Asked(), returns=Answer)
        run.step(push, WEB, Asked(), returns=Answer)

    assert push.calls == 2  # type: ignore[attr-defined]


def test_a_result_without_its_content_is_made_again(world: World) -> None:
    """A cached result counts only while the content it names is in the store."""

    def work(_: Asked) -> Answer:
        return Answer("a", world.content.put(b"blob", OCTETS))

    build = stage("build", work)
    with world.run(world.cache) as run:
        run.step(build, WEB, Asked(), returns=Answer, content=world.content)
        run.step(build, WEB, Asked(), returns=Answer, content=world.content)
        run.step(build, WEB, Asked(), returns=Answer, content=MemoryContent())

    assert build.calls == 2  # type: ignore[attr-defined]


def test_a_damaged_entry_is_made_again(world: World) -> None:
    """A cached value that no longer decodes is passed over."""
    build = stage("build", echo)
    with world.run(world.cache) as run:
        run.step(build, WEB, Asked(), returns=Answer)
        world.cache.values = dict.fromkeys(world.cache.values, b"{")
        run.step(build, WEB, Asked(), returns=Answer)

    assert build.calls == 2  # type: ignore[attr-defined]


def test_a_killed_run_is_closed_by_the_next(world: World) -> None:
    """The begun note of a process that is gone becomes interrupted when the next run starts."""
    first = world.run()
    first.__enter__()
    first._begin("push", WEB, b"{}", "1/1")
    world.runs.kill(first.id)
    with world.run():
        pass

    assert [note.state for note in world.runs.notes(first.id)] == ["interrupted"]


def test_a_cancelled_scope_starts_no_step(world: World) -> None:
    """After Ctrl-C no further stage begins."""
    build = stage("build", echo)
    with scope.open() as inside, world.run() as run:
        inside.cancel()
        with pytest.raises(ShipwayError, match="stopped"):
            run.step(build, WEB, Asked())

    assert build.calls == 0  # type: ignore[attr-defined]


def test_no_secret_leaves_by_event_note_or_cache(world: World) -> None:
    """Known values are masked in events, and a result that holds one is not cached."""
    redaction.add("planted-in-run")
    with world.run(world.cache) as run:
        run.remark("saw planted-in-run")
        run.step(stage("build", echo), WEB, Asked("planted-in-run"), returns=Answer)

    assert b"planted-in-run" not in world.runs.events(run.id)
    assert world.said[1].text == "saw ***"  # type: ignore[attr-defined]
    assert not world.cache.values


def test_an_event_that_cannot_be_masked_is_withheld(world: World) -> None:
    """A value that is part of the JSON itself withholds the event, never breaks the journal."""
    redaction.add('"odd":{"value":"xyzzy"}')
    with world.run() as run:
        run._masked(b"{***}\n")
        event, line = run._masked(b"{***}\n")

    assert isinstance(event, events.Remark)
    assert events.parse(line) == event


def test_syncing(world: World) -> None:
    """A road can have its notes on the disk before links of them leave."""
    with world.run() as run:
        run.sync()
        run.syncing()()

    assert world.runs.journals[run.id].synced == 3


def test_contents_of_a_result() -> None:
    """Descriptors and layers anywhere in a result name stored content."""
    one, two = Digest(of(b"1")), Digest(of(b"2"))

    class Deep(msgspec.Struct):
        """Holds things."""

        layers: tuple[Layer, ...]
        named: dict[str, Descriptor]
        other: str

    deep = Deep((Layer(one, 1, "t"),), {"a": Descriptor("m", two, 1)}, of(b"3"))
    assert list(contents([deep])) == [one, two]
