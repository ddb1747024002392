"""Credentials in plain sight: told by name or by shape, and settings left in peace."""

from __future__ import annotations

import pytest

from shipway.core.secrets.detect import by_shape, credential

FOUND = [
    ("DB_PASSWORD", "hunter2"),
    ("password", "changeme"),
    ("apiToken", "abc"),
    ("CLIENT_SECRET", "abc"),
    ("API_KEY", "abc"),
    ("signingKey", "abc"),
    ("APIKEY", "abc"),
    ("SMTP_PASS", "abc"),
    ("DSN", "postgres://me:hunter2@db:5432/x"),
    ("X", "redis://:hunter2@cache"),
    ("X", "AKIA" + "A" * 16),
    ("X", "ghp_" + "a" * 36),
    ("X", "github_pat_" + "a" * 30),
    ("X", "glpat-" + "a" * 20),
    ("X", "xoxb-123456-abcdef"),
    ("X", "sk_live_" + "a" * 20),
    ("X", "AIza" + "a" * 35),
    ("X", "hvs." + "a" * 24),
    ("X", "npm_" + "a" * 36),
    ("X", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"),
    ("X", "-----BEGIN EC PRIVATE KEY-----\nabc"),
]
FINE = [
    ("PORT", "8080"),
    ("", "anything"),
    ("PASSWORD", ""),
    ("PASSWORD_FILE", "/run/secrets/db"),
    ("PASSWORD", "/run/secrets/db"),
    ("TOKEN_TTL", "600"),
    ("TOKEN", "600s"),
    ("TOKEN", "true"),
    ("PASSWORD", "$(DB_PASSWORD)"),
    ("PASSWORD", "vault://kv/db#password"),
    ("KEY", "user"),
    ("CACHE_KEY", "user"),
    ("PUBLIC_KEY", "abc"),
    ("TOKEN_URL", "https://issuer.example.com/token"),
    ("TOKEN", "https://issuer.example.com/token"),
    ("DSN", "postgres://me@db:5432/x"),
    ("DSN", "postgres://me:$(PASSWORD)@db:5432/x"),
    ("DSN", "postgres://me:<password>@db:5432/x"),
    ("DSN", "postgres://me:****@db:5432/x"),
    ("MESSAGE", "the password is in the vault"),
]


@pytest.mark.parametrize(("name", "value"), FOUND)
def test_found(name: str, value: str) -> None:
    """Each is a credential, and why says so without its value."""
    why = credential(name, value)

    assert why
    assert value not in why


@pytest.mark.parametrize(("name", "value"), FINE)
def test_fine(name: str, value: str) -> None:
    """None of these is."""
    assert credential(name, value) == ""


def test_shape_alone() -> None:
    """A name is no shape."""
    assert by_shape("hunter2") == ""
