"""What go.mod and go.work say, as far as Shipway asks (go.dev/ref/mod, go.mod files).

Discovery, the toolchain choice and the Go hand read it. It is no substitute for ``go mod``: it
knows the few directives it needs and passes over the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator


class ModFile(msgspec.Struct, frozen=True):
    """The directives of one go.mod or go.work."""

    module: str = ""
    go: str = ""
    """As written: ``1.24`` or ``1.24.3``."""
    toolchain: str = ""
    """As written: ``go1.24.3``, ``default`` or empty."""
    folders: tuple[str, ...] = ()
    """Folders outside of the module that it takes part from: local ``replace`` targets, ``use``."""


_VERSIONED = re.compile(r"(?:^|\s)(?P<path>[^\s=]\S*)\s+v\d", re.MULTILINE)
_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`|[^\s"`]+')


def parse(text: str) -> ModFile:
    """Return the directives of a go.mod or go.work; what it cannot read it passes over."""
    single: dict[str, str] = {}
    folders: list[str] = []
    for verb, words in _directives(text):
        if verb in {"module", "go", "toolchain"} and words:
            single.setdefault(verb, words[0])
        elif verb == "use" and words:
            folders.append(words[0])
        elif verb == "replace" and "=>" in words:
            target = words[words.index("=>") + 1 :]
            if len(target) == 1 and target[0].startswith((".", "/")):
                folders.append(target[0])
    return ModFile(**single, folders=tuple(folders))


def named(text: str) -> frozenset[str]:
    """Return the paths of all modules that a go.mod, go.sum or modules.txt gives a version.

    More than are built, and never fewer: what go.sum has sums of can be all but the standard
    library.
    """
    paths = {match["path"] for match in _VERSIONED.finditer(text)}
    return frozenset({_plain(path) for path in paths} | {parse(text).module} - {""})


def _directives(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each directive's verb and words, blocks resolved."""
    block = ""
    for line in text.splitlines():
        words = [_plain(word) for word in _WORD.findall(line.partition("//")[0])]
        if not words:
            continue
        if words == [")"]:
            block = ""
        elif block:
            yield block, words
        elif words[1:] == ["("]:
            block = words[0]
        else:
            yield words[0], words[1:]


def _plain(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] in '"`' else word
