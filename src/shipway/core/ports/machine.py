"""What ``doctor`` looks at on this machine, beside what other ports show."""

from __future__ import annotations

from typing import Protocol

import msgspec


class EngineState(msgspec.Struct, frozen=True):
    """One locked program of the cluster in the person's cache."""

    name: str
    made: bool
    altered: tuple[str, ...] = ()
    """Files whose bytes are not those that were made."""


class KeyState(msgspec.Struct, frozen=True):
    """The person's signing key, as far as it shows without being opened."""

    fingerprint: str
    guarded: bool
    """Whether a passphrase guards it."""


class Machine(Protocol):
    """Looks, and changes nothing. What cannot be told is empty."""

    def python(self) -> str:
        """Return the version of the running Python, as ``3.11.2``."""
        ...

    def program(self, *argv: str) -> str:
        """Return the first line that a program prints; empty where there is no such program."""
        ...

    def toolchain(self, version: str) -> str:
        """Return where a Go toolchain (``go1.27.3``) lies; empty where it has to be fetched."""
        ...

    def engines(self) -> tuple[EngineState, ...]:
        """Return every engine of the embedded cluster, each byte of those that are made proved."""
        ...

    def key(self) -> KeyState | None:
        """Return the person's key; none where there is none yet."""
        ...

    def confinement(self) -> str:
        """Return why programs cannot be held away from the network; empty where they can."""
        ...

    def free(self) -> tuple[str, int]:
        """Return the folder of the local store and the bytes that are free there."""
        ...

    def date(self, url: str) -> float | None:
        """Return what an HTTP server says the time is, in seconds since the epoch.

        Nothing is sent but the request; whoever answers is not proved.
        """
        ...
