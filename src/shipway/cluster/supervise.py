"""Service folders for runit's runsvdir: one a part, each with a script and a log.

Pure: returns files. A script waits for what the part needs, proves the program's digest (at boot
the root part did so already, and left a mark), ends a process that an unsupervised ``runsv`` may
have left, and becomes the program.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from shipway.core.ports.ground import File

if TYPE_CHECKING:
    from shipway.cluster.part import Part
    from shipway.cluster.site import Site

LOG_LIMIT = "s1000000\nn3\n"
"""svlogd's configuration: bytes of a log file, and how many are kept."""
COLLECTOR = "50"
"""Go's GOGC: a third less memory, for a little more work of the collector."""
_RUN = """#!/bin/sh
# {name}, made by Shipway; changes are lost at the next start.
exec 2>&1
cd {state} || exit 1
here={service}
if read -r old 2>/dev/null <"$here/last.pid"; then
  [ "$(readlink "/proc/$old/exe")" = {program} ] && [ "$old" != $$ ] && kill -9 "$old"
fi
echo $$ >"$here/last.pid"
{waits}{proof}{first}exec {command}
"""
_WAIT = """until [ -e {ready} ]; do sleep 0.05; done
"""
_PROOF = """if [ -e {mark} ]; then rm -f {mark}
else echo {line} | sha256sum --check --status - || {{ echo "altered: {program}"; sleep 5; exit 1; }}
fi
"""
_LOG = """#!/bin/sh
exec {svlogd} {folder}
"""


def services(site: Site, parts: tuple[Part, ...], path: str) -> tuple[File, ...]:
    """Return the files of all services; ``path`` is the PATH that parts run with."""
    return tuple(file for part in parts for file in _service(site, part, path))


def _service(site: Site, part: Part, path: str) -> tuple[File, ...]:
    folder = site.at("services", part.name)
    log = site.at("log", part.name)
    text = _RUN.format(
        name=part.name,
        state=shlex.quote(site.state),
        service=shlex.quote(folder),
        program=shlex.quote(site.programs[part.program]),
        waits="".join(_WAIT.format(ready=ready(site, need)) for need in part.needs),
        proof=_proof(site, part),
        first=part.first,
        command=shlex.join(_command(site, part, path)),
    )
    script = _LOG.format(svlogd=site.programs["svlogd"], folder=log)
    return (
        File(f"{folder}/run", text, 0o700),
        File(f"{folder}/log/run", script, 0o700),
        File(f"{log}/config", LOG_LIMIT),
    )


def _command(site: Site, part: Part, path: str) -> tuple[str, ...]:
    own = {"PATH": path, "HOME": site.state, "TMPDIR": site.at("tmp"), "GOGC": COLLECTOR}
    values = own | part.env
    clean = ("env", "-i", *(f"{name}={value}" for name, value in values.items()))
    join = ("nsenter", "--net=/run/netns/host", "--") if part.outside else ()
    return (*clean, *join, site.programs[part.program], *part.arguments)


def _proof(site: Site, part: Part) -> str:
    digest = site.programs.digests.get(part.program)
    if digest is None:
        return ""
    program = site.programs[part.program]
    return _PROOF.format(
        mark=mark(site, part.program),
        line=shlex.quote(f"{digest}  {program}"),
        program=program,
    )


def pidfile(site: Site, name: str) -> str:
    """Return the file with the id of a part's process, written before it starts."""
    return site.at("services", name, "last.pid")


def ready(site: Site, name: str) -> str:
    """Return the file that says a part is ready; the prober makes and removes it."""
    return f"{site.runtime}/ready/{name}"


def marks(site: Site) -> str:
    """Return the folder of those marks."""
    return f"{site.runtime}/proved"


def mark(site: Site, program: str) -> str:
    """Return the file that says a program was proved for this start."""
    return f"{marks(site)}/{program}"
