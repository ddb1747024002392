"""Whose rights a command has: under sudo, those of the person who called it.

The entry point calls :func:`step_down` before anything else. Only what changes the embedded cluster
stays root; everything else (builds, tests, keys, the store) is the person's, so that no code of a
repository ever runs as root for them and no file in their home becomes root's.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

ROOTS = frozenset({"up", "down", "delete"})
"""Commands of ``cluster`` that need root."""


def needs_root(arguments: Sequence[str]) -> bool:
    """Return whether a command line changes the embedded cluster itself."""
    words = [word for word in arguments if not word.startswith("-")]
    return "cluster" in words and bool(ROOTS & set(words[words.index("cluster") + 1 :]))


def step_down(arguments: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Become the person behind sudo for good, unless the command needs root."""
    called = environ.get("SUDO_UID", "")
    if os.name != "posix" or os.geteuid() != 0 or not called.isdecimal() or int(called) == 0:
        return
    if needs_root(arguments):
        return
    import pwd  # noqa: PLC0415  only under sudo

    try:
        person = pwd.getpwuid(int(called))
    except KeyError:
        return
    os.initgroups(person.pw_name, person.pw_gid)
    os.setgid(person.pw_gid)
    os.setuid(person.pw_uid)
    environ.update(HOME=person.pw_dir, USER=person.pw_name, LOGNAME=person.pw_name)
    for name in ("SUDO_UID", "SUDO_GID", "SUDO_USER", "SUDO_COMMAND"):
        environ.pop(name, None)
