"""Go sources with what is no code taken out (go.dev/ref/spec, comments and string literals).

Discovery and metadata read sources by patterns; this makes sure that they match code and neither
comments nor the insides of raw strings. No types are known, so all of it is a hint, never a proof.
"""

from __future__ import annotations

import functools
import re

from shipway.core.patterns import late

_TOKEN = late(
    r"""
      (?P<line>//[^\n]*)
    | (?P<block>/\*.*?(?:\*/|\Z))
    | (?P<raw>`[^`]*(?:`|\Z))
    | (?P<text>"(?:[^"\\\n]|\\.)*(?:"|$))
    | (?P<rune>'(?:[^'\\\n]|\\.)*(?:'|$))
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


@functools.lru_cache(maxsize=1024)
def strip(source: str) -> str:
    """Return the source without comments and with raw strings on one line; lines keep no places."""
    return _TOKEN.sub(_instead, source)


def _instead(match: re.Match[str]) -> str:
    if match.lastgroup == "line":
        return ""
    if match.lastgroup == "block":
        return "\n" if "\n" in match[0] else " "
    if match.lastgroup == "raw":
        return '"' + match[0].strip("`").replace("\n", " ").replace('"', "'") + '"'
    return match[0]
