"""The root part: what ``sudo`` starts, and the only code of Shipway that runs as root.

``python -I -m shipway.rootpart serve`` reads one order as JSON and writes one JSON object a line:
moments, then a result or an error. ``probe FILE`` is the prober that a running cluster keeps. It
takes no path from the caller but those of engines, which are proved against their locks, and runs
no code of a repository.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from shipway.core.ports.privilege import DeleteOrder, DownOrder, Moment, Started, Stopped, UpOrder
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipway.cluster.life import Hands

Order = UpOrder | DownOrder | DeleteOrder


def hands() -> Hands:
    """Return the real hands of the ground."""
    from shipway.adapters import clock, hostfacts  # noqa: PLC0415  only an order pays for these
    from shipway.adapters.engines import locks, store  # noqa: PLC0415
    from shipway.adapters.ground import answers, init, keys, packages, ports, programs, tree  # noqa: PLC0415
    from shipway.cluster.life import Hands  # noqa: PLC0415
    from shipway.cluster.site import STATE  # noqa: PLC0415

    files = tree.RootTree()
    time = clock.SystemClock()
    return Hands(
        facts=hostfacts.LinuxFacts(),
        tree=files,
        keys=keys.GroundKeys(files, time.now),
        init=init.NamespacedInit(),
        ports=ports.GroundPorts(),
        answers=answers.GroundAnswers(),
        shell=programs.GroundShell(),
        packages=packages.DebianPackages(f"{STATE}/packages", files, programs.GroundVerify()),
        engines=store.InstalledEngines(locks.LockFolder(), Path(STATE, "engines")),
        clock=time,
        python=sys.executable,
    )


def carry_out(order: Order, own: Hands, on_moment: Callable[[Moment], None]) -> Started | Stopped:
    """Carry out one order."""
    from shipway.cluster import life  # noqa: PLC0415

    if isinstance(order, UpOrder):
        return life.up(order, own, on_moment=on_moment)
    if isinstance(order, DownOrder):
        return life.down(order, own, on_moment=on_moment)
    return life.delete(order, own, on_moment=on_moment)


def serve(source: BinaryIO, sink: BinaryIO) -> int:
    """Answer the order that ``source`` holds."""
    from shipway.adapters.privilege import Failed  # noqa: PLC0415  not for the prober

    try:
        order = msgspec.json.decode(source.read(), type=Order)
        result: msgspec.Struct = carry_out(order, hands(), lambda moment: _write(sink, moment))
    except ShipwayError as error:
        result = Failed.of(error)
    except msgspec.DecodeError as error:
        result = Failed(id="root.order", kind=Kind.INTERNAL.name, message=str(error))
    _write(sink, result)
    return 1 if isinstance(result, Failed) else 0


def _write(sink: BinaryIO, value: msgspec.Struct) -> None:
    sink.write(msgspec.json.encode(value) + b"\n")
    sink.flush()


def probe(path: str) -> int:
    """Watch the parts that the file at ``path`` lists, for ever."""
    from shipway.adapters.ground.probe import Prober, Rhythm  # noqa: PLC0415  this process only
    from shipway.cluster import watch  # noqa: PLC0415

    rhythm = Rhythm(watch.TIMEOUT, watch.PAUSE, watch.STARTING)
    Prober.from_file(path, rhythm, watch.Watch(), watch.judge).run()
    return 0


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    if list(arguments) == ["serve"]:
        return serve(sys.stdin.buffer, sys.stdout.buffer)
    if arguments[:1] == ["probe"]:
        return probe(arguments[1])
    sys.stderr.write("usage: python -I -m shipway.rootpart serve | probe FILE\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
