"""Ten services of one module that share a package: an edit of it changes every one of them.

Each links the Kubernetes client, as the one service of :mod:`service` does, and serves on a route
of its own, so that no two programs are equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import service

if TYPE_CHECKING:
    from pathlib import Path

NAMES = tuple(f"s{number}" for number in range(10))

SHARED = """// Package greeting is what all services say.
package greeting

// Text is the greeting.
const Text = "{greeting}"
"""


def write(folder: Path, greeting: str) -> None:
    """Write the module, or change the one line that all share."""
    shared = folder / "greeting" / "greeting.go"
    for name in NAMES:
        place = folder / "cmd" / name / "main.go"
        if not place.exists():
            place.parent.mkdir(parents=True)
            text = service.MAIN.format(greeting="").replace('const greeting = ""\n\n', "")
            text = text.replace('"syscall"\n', '"syscall"\n\n\t"x.test/ten/greeting"')
            text = text.replace("fmt.Fprint(w, greeting)", "fmt.Fprint(w, greeting.Text)")
            place.write_text(text.replace('"/cluster"', f'"/cluster/{name}"'))
    service.module(folder, "x.test/ten")
    shared.parent.mkdir(exist_ok=True)
    shared.write_text(SHARED.format(greeting=greeting))


def first(folder: Path) -> None:
    """Write the module as it is before any edit."""
    write(folder, "one")
