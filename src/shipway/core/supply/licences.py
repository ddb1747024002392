"""Licences: which words are an SPDX expression, and which text is a known licence.

Conservative on purpose: an identifier that is not on the list, or a text that differs in a word,
is no answer. The list holds what Alpine and Go modules use most (spdx.org/licenses, 3.27).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shipway.core.oci.digest import hex_of, of
from shipway.core.patterns import late

if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = """
    0BSD AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0-Perl Artistic-2.0
    BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-4-Clause BSL-1.0
    bzip2-1.0.6 CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 curl EPL-1.0 EPL-2.0
    EUPL-1.2 FSFAP FTL GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-or-later
    GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC LGPL-2.0-only
    LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later Libpng
    libtiff MIT MIT-0 MPL-1.1 MPL-2.0 MS-PL NCSA OFL-1.1 OLDAP-2.8 OpenSSL PostgreSQL PSF-2.0
    Python-2.0 Ruby Sleepycat TCL Unicode-3.0 Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11
    Zlib ZPL-2.1
"""
_KNOWN = frozenset(_WORDS.split())
_EXCEPTIONS = frozenset(
    {
        "Autoconf-exception-3.0",
        "Bison-exception-2.2",
        "Classpath-exception-2.0",
        "GCC-exception-3.1",
        "Linux-syscall-note",
        "LLVM-exception",
    }
)
_TEXTS = {
    "0f514ad177997cefd0881d134b0cd69b": "Apache-2.0",
    "dd5b09f5854e2cab5fff6613f34b3d21": "Apache-2.0",
    "d55a30b6ea3cb94b192108722fb09f15": "Apache-2.0",
    "ee432267415b435158bdec940271aa0c": "Apache-2.0",
    "0cf21bdfd1964a97a8615e1285348458": "MIT",
    "0e5bb1959e069b7c05329780ed12dd73": "BSD-3-Clause",
    "312ea33736a8c485e221afd61fb0dadd": "BSD-2-Clause",
    "c5125f813927095aa20359c09c076ab5": "MPL-2.0",
    "217da0747cec63a2e734185db11cbaa8": "ISC",
    "280d76b420aeff51730e96577a246612": "ISC",
    "788cc8843bf483eb3ea3b5f6c317b955": "Unlicense",
}
"""Licences by the first 32 digits of the SHA-256 of their text, as :func:`_plain` leaves it."""

_FILE = late(r"(?:un)?licen[cs]e|copying", re.IGNORECASE)
_COPYRIGHT = late(
    r"^\W*(?:portions |parts )?(?:copyright|\(c\)|©)(?=.*(?:\d{4}|yyyy|authors))"
    r"(?!.*\b(?:not|must|may|permi|forbid|except|only|prohibit|requir|provided|shall|licen))"
    r"|^\W*all rights reserved\W*$",
    re.IGNORECASE,
)
"""A line that says whose it is and nothing else."""
_BULLET = late(r"^\W*(?:\(?[0-9a-z][.)]\s)?", re.IGNORECASE)
_TITLE = late(
    r"^(?:the )?(?:mit|isc|(?:new |simplified )?bsd(?: [23] clause)?|modified bsd) license"
    r"(?: mit| expat| isc)? "
)
_NAMES = late(
    r"neither the names? of .{1,80}? nor the names? of (?:its|their|any|the|other) "
    r"contributors? may"
)
_HOLDERS = late(r"copyright (?:owner|holder)s? (or|and) contributors")
_SCHEME = late(r"\bhttps? ")
_LARGEST = 1 << 16
_WORD = late(r"[()]|[^\s()]+")
_LONGEST = 1000


def expression(text: str) -> str:
    """Return ``text`` if it is an SPDX expression of known licences (Annex D), else nothing."""
    words = _WORD.findall(text) if len(text) <= _LONGEST else []
    depth, operand = 0, True
    for place, word in enumerate(words):
        before = words[place - 1] if place else ""
        if operand and word == "(":
            depth += 1
        elif operand and (word in _EXCEPTIONS if before == "WITH" else word in _KNOWN):
            operand = False
        elif not operand and word == ")" and depth:
            depth -= 1
        elif not operand and (word in {"AND", "OR"} or (word == "WITH" and before in _KNOWN)):
            operand = True
        else:
            return ""
    if not words or depth or operand:
        return ""
    return " ".join(words).replace("( ", "(").replace(" )", ")")


def is_file(name: str) -> bool:
    """Return whether a file of a module's folder is about its licence."""
    return _FILE.match(name) is not None and not name.endswith(".go")


def judged(texts: Mapping[str, bytes]) -> str:
    """Return the licence of a module by the files about it; nothing where that is not sure.

    It is sure where there is one such file, and its text is that of a known licence word for word,
    but for who holds the copyright.
    """
    found = [data for name, data in texts.items() if is_file(name)]
    if len(found) != 1 or len(found[0]) > _LARGEST:
        return ""
    plain = _plain(found[0].decode("utf-8", "replace"))
    return _TEXTS.get(hex_of(of(plain.encode()))[:32], "")


def _plain(text: str) -> str:
    """Return the words of a licence without what differs from holder to holder."""
    lines = (_BULLET.sub("", line, 1) for line in text.splitlines() if not _COPYRIGHT.match(line))
    words = " ".join(re.findall(r"[a-z0-9]+", "\n".join(lines).lower()))
    words = _NAMES.sub("neither names may", _TITLE.sub("", words, 1))
    return _HOLDERS.sub(r"copyright holder \1 contributors", _SCHEME.sub("", words))
