"""What a registry asks for when it says 401 (RFC 9110 section 11; distribution token spec).

Pure: a ``WWW-Authenticate`` header in, values out; and a token answer in, its life out.
"""

from __future__ import annotations

import re

import msgspec

from shipway.core.patterns import late

_SCHEME = late(r"\s*,?\s*([A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]*)(?=[\s,]|$)")
_PARAMETER = late(r'\s*,?\s*([A-Za-z_][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SHORTEST = 60.0
"""Seconds a token lives where the answer says nothing (token spec: at least 60)."""


class Challenge(msgspec.Struct, frozen=True):
    """One scheme a registry takes, and its parameters."""

    scheme: str
    """In lower case: ``basic`` or ``bearer``."""
    parameters: dict[str, str]


class Token(msgspec.Struct, frozen=True):
    """A token server's answer; either name may carry the token."""

    token: str = ""
    access_token: str = ""
    expires_in: float = _SHORTEST

    @property
    def value(self) -> str:
        """Return the token itself."""
        return self.token or self.access_token

    @property
    def life(self) -> float:
        """Return the seconds it may be used; a tenth less than the server says."""
        return max(self.expires_in, 0.0) * 0.9


def parse(header: str) -> tuple[Challenge, ...]:
    """Return the challenges in a ``WWW-Authenticate`` header; what cannot be read is left out."""
    found: list[Challenge] = []
    at = 0
    while (scheme := _SCHEME.match(header, at)) is not None:
        at = scheme.end()
        parameters: dict[str, str] = {}
        while (parameter := _PARAMETER.match(header, at)) is not None:
            name, quoted, bare = parameter.groups()
            value = bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters[name.lower()] = value
            at = parameter.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return tuple(found)


def scope_of(path: str, *actions: str) -> str:
    """Return the token scope for a repository: ``repository:NAME:pull,push``.

    Several scopes go in one text with spaces between them (token spec, Using the scope).
    """
    return f"repository:{path}:{','.join(actions)}"


def lacks_scope(header: str) -> bool:
    """Return whether a 401 says that the token was good, but not for this (RFC 6750, 3.1)."""
    return any(one.parameters.get("error") == "insufficient_scope" for one in parse(header))
