"""Coverage as Cobertura XML (cobertura, coverage-04.dtd), which most CI servers read.

Pure: a merged profile in, bytes out. Go counts blocks, Cobertura lines: a line counts as hit as
often as the most often run block that touches it. Go measures no branches.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.core.golang.coverage import Profile

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">\n'
)


def write(profile: Profile, folders: Mapping[str, str], *, root: str, now: float) -> bytes:
    """Return the document.

    ``folders`` are module paths and where they lie below ``root``, which is the one source folder;
    ``now`` is in seconds since the epoch.
    """
    files = {_file(name, folders): lines for name, lines in _lines(profile).items()}
    packages: dict[str, dict[str, dict[int, int]]] = {}
    for path, lines in files.items():
        packages.setdefault(posixpath.dirname(path) or ".", {})[path] = lines
    every = [lines for found in packages.values() for lines in found.values()]
    return (_HEAD + "\n".join(_document(packages, every, root, int(now * 1000))) + "\n").encode()


def _document(
    packages: dict[str, dict[str, dict[int, int]]],
    every: list[dict[int, int]],
    root: str,
    milliseconds: int,
) -> Iterator[str]:
    valid, covered = _counts(every)
    yield (
        f'<coverage line-rate="{_rate(every)}" branch-rate="0" lines-covered="{covered}"'
        f' lines-valid="{valid}" branches-covered="0" branches-valid="0" complexity="0"'
        f' version="0" timestamp="{milliseconds}">'
    )
    yield f"<sources><source>{_text(root)}</source></sources>"
    yield "<packages>"
    for name in sorted(packages):
        yield from _package(name, packages[name])
    yield "</packages>"
    yield "</coverage>"


def _package(name: str, files: dict[str, dict[int, int]]) -> Iterator[str]:
    rate = _rate(list(files.values()))
    yield (
        f'<package name={quoteattr(name)} line-rate="{rate}" branch-rate="0" complexity="0">'
        "<classes>"
    )
    for path in sorted(files):
        yield (
            f"<class name={quoteattr(posixpath.basename(path))} filename={quoteattr(path)}"
            f' line-rate="{_rate([files[path]])}" branch-rate="0" complexity="0">'
            "<methods/><lines>"
        )
        for number, hits in sorted(files[path].items()):
            yield f'<line number="{number}" hits="{hits}" branch="false"/>'
        yield "</lines></class>"
    yield "</classes></package>"


def _lines(profile: Profile) -> dict[str, dict[int, int]]:
    """Return file to line to hits."""
    found: dict[str, dict[int, int]] = {}
    for (file, position), (_, count) in profile.blocks.items():
        begin, _, end = position.partition(",")
        first, last = (int(part.partition(".")[0]) for part in (begin, end))
        lines = found.setdefault(file, {})
        for number in range(first, last + 1):
            lines[number] = max(lines.get(number, 0), count)
    return found


def _file(name: str, folders: Mapping[str, str]) -> str:
    """Return a profile's file, named by import path, as a path below the root."""
    for module in sorted(folders, key=len, reverse=True):
        if name.startswith(f"{module}/"):
            return posixpath.normpath(posixpath.join(folders[module], name[len(module) + 1 :]))
    return name


def _counts(every: list[dict[int, int]]) -> tuple[int, int]:
    valid = sum(len(lines) for lines in every)
    return valid, sum(1 for lines in every for hits in lines.values() if hits)


def _rate(every: list[dict[int, int]]) -> str:
    valid, covered = _counts(every)
    return f"{covered / valid:.4f}" if valid else "0"


def _text(value: str) -> str:
    return quoteattr(value)[1:-1]
