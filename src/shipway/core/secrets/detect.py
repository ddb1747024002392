"""Finding credentials that stand in plain sight, by their name or by their shape.

``core.kube.refusals`` asks this of manifests. A finding says why, never the value: what it returns
may be printed. It errs towards silence for values that are visibly settings (paths, switches,
numbers, references), since a rule that cries wolf is switched off.
"""

from __future__ import annotations

import re

from shipway.core.patterns import late

_WORDS = late(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_NOUNS = frozenset(
    {
        *("PASSWORD", "PASSWD", "PWD", "PASS", "PASSPHRASE"),
        *("SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS", "KEY"),
    }
)
_KEYS_THAT_OPEN_NOTHING = frozenset(
    {
        *("PUBLIC", "CACHE", "PARTITION", "PRIMARY", "FOREIGN", "SORT"),
        *("ROUTING", "INDEX", "GROUP", "MAP", "HASH"),
    }
)
_SETTING = late(
    r"(?:true|false|yes|no|on|off|none|null|enabled|disabled|required|optional)\Z"
    r"|[+-]?\d+(?:\.\d+)?(?:ns|us|ms|s|m|h|d|[KMGT]i?B?)?\Z"
    r"|/|\./|\$\(|\$\{|(?:vault|secret|env|file|shipway|ref\+\w+)://"
    r"|https?://[^@]*\Z",
    re.IGNORECASE,
)
_SHAPES = {
    "a private key": late(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an AWS access key": late(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a GitHub token": late(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})"),
    "a GitLab token": late(r"\bglpat-[\w-]{20,}"),
    "a Slack token": late(r"\bxox[abeoprs]-[\w-]{10,}"),
    "a Stripe key": late(r"\b[rs]k_live_[0-9A-Za-z]{16,}"),
    "a Google API key": late(r"\bAIza[\w-]{35}"),
    "a Vault token": late(r"\bhv[sbr]\.[\w-]{20,}"),
    "an npm token": late(r"\bnpm_[A-Za-z0-9]{36}"),
    "a JSON Web Token": late(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
}
_USERINFO = late(r"[a-z][a-z0-9+.-]*://[^\s/@:]*:(?P<password>[^\s/@]+)@", re.IGNORECASE)
_REFERENCE = late(r"\$[({]|<|\*+\Z")


def by_shape(value: str) -> str:
    """Return what credential ``value`` contains, judged by its form alone; empty if none."""
    for what, pattern in _SHAPES.items():
        if pattern.search(value):
            return what
    found = _USERINFO.search(value)
    if found and not _REFERENCE.match(found["password"]):
        return "a URL with a password"
    return ""


def by_name(name: str, value: str) -> str:
    """Return why a setting called ``name`` looks like a credential; empty if it does not."""
    if not value.strip() or _SETTING.match(value.strip()):
        return ""
    words = [word.upper() for word in _WORDS.findall(name)]
    if not words or words[-1] not in _NOUNS:
        return ""
    if words[-1] == "KEY" and (len(words) == 1 or words[-2] in _KEYS_THAT_OPEN_NOTHING):
        return ""
    return f"a literal value under the name {name}"


def credential(name: str, value: str) -> str:
    """Return why this setting is a credential in plain sight; empty if it is none."""
    return by_shape(value) or by_name(name, value)
