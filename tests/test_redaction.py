"""No known value leaves, whatever it is encoded as and wherever a chunk ends."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway import redaction
from shipway.redaction import MASK, Redactor, Secret

PLANTED = "p/ss+wörd <&> \"q\" 'x'\\ 42"


def knowing(*values: str | bytes) -> Redactor:
    """Return a redactor that knows ``values``."""
    redactor = Redactor()
    for value in values:
        redactor.add(value)
    return redactor


ENCODINGS = {
    "raw": PLANTED,
    "base64": base64.b64encode(PLANTED.encode()).decode(),
    "base64 url": base64.urlsafe_b64encode(PLANTED.encode()).decode(),
    "hex": PLANTED.encode().hex(),
    "HEX": PLANTED.encode().hex().upper(),
    "quoted": urllib.parse.quote(PLANTED, safe=""),
    "quoted path": urllib.parse.quote(PLANTED),
    "quoted plus": urllib.parse.quote_plus(PLANTED),
    "json": json.dumps(PLANTED)[1:-1],
    "json utf-8": json.dumps(PLANTED, ensure_ascii=False)[1:-1],
    "repr": repr(PLANTED)[1:-1],
}


@pytest.mark.parametrize("form", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_every_encoding_is_masked(form: str) -> None:
    """A value is masked in each encoding it may reappear in."""
    shown = knowing(PLANTED).text(f"before {form} after")

    assert form.rstrip("=") not in shown
    assert MASK in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "abcd"])
def test_base64_of_a_text_that_holds_the_value(user: str) -> None:
    """A login header hides its password at every alignment."""
    header = base64.b64encode(f"{user}:correct horse".encode()).decode()

    assert MASK in knowing("correct horse").text(header)


def test_lower_case_escapes() -> None:
    """Percent escapes are found in lower case too."""
    assert knowing("pa/ss").text("pa%2fss") == MASK


def test_go_json() -> None:
    """Go's JSON writer escapes angle brackets; the value is found all the same."""
    assert knowing("a<b>c&d").text("a\\u003cb\\u003ec\\u0026d") == MASK


def test_lines_of_a_long_secret() -> None:
    """A key file that is printed line by line is masked line by line."""
    pem = "-----BEGIN KEY-----\nMIGHAgEAMBMGByqGSM49\nshort\n-----END KEY-----\n"

    assert knowing(pem).text("x MIGHAgEAMBMGByqGSM49 y") == f"x {MASK} y"


def test_overlapping_values_leave_no_rest() -> None:
    """Two values that overlap are masked as one stretch."""
    assert knowing("abcdef", "defghi").text("abcdefghi") == MASK


def test_short_values_are_left_alone() -> None:
    """A value under four bytes would mask everything, so it masks nothing."""
    assert knowing("abc").text("abc") == "abc"


def test_bytes_that_are_no_text() -> None:
    """Values and data need not be UTF-8."""
    assert knowing(b"\xff\xfe\xfd\xfc").data(b"a\xff\xfe\xfd\xfcb") == b"a***b"


def test_nothing_known_nothing_changed() -> None:
    """Without secrets bytes and text pass as they are, odd characters too."""
    assert Redactor().data(b"plain") == b"plain"
    assert Redactor().text("\udc80") == "\udc80"
    assert knowing("absent").text("\udc80") == "\udc80"


@given(
    st.lists(st.text("ab", min_size=4, max_size=9), min_size=1, max_size=3),
    st.lists(st.text("abc", max_size=12), max_size=12),
)
def test_chunk_borders_change_nothing(secrets: list[str], chunks: list[str]) -> None:
    """Masking in pieces gives the same bytes as masking at once."""
    redactor = knowing(*secrets)
    stream = redactor.stream()
    pieces = [stream.feed(chunk.encode()) for chunk in chunks] + [stream.close()]

    assert b"".join(pieces) == redactor.data("".join(chunks).encode())


@given(st.binary(min_size=6, max_size=40), st.binary(max_size=60), st.integers(1, 9))
def test_nothing_leaks_at_any_border(secret: bytes, noise: bytes, size: int) -> None:
    """However the bytes are cut, the value never comes out."""
    redactor = knowing(secret)
    stream = redactor.stream()
    whole = noise + secret + noise
    pieces = [stream.feed(whole[at : at + size]) for at in range(0, len(whole), size)]
    out = b"".join([*pieces, stream.close()])

    assert secret not in out or secret in MASK.encode()


def test_a_stream_holds_back_little() -> None:
    """What cannot be the start of a value is shown at once."""
    stream = knowing("secret").stream()

    assert stream.feed(b"hello ") == b"hello "
    assert stream.feed(b"se") == b""
    assert stream.feed(b"t\n") == b"set\n"


def test_a_secret_is_opaque() -> None:
    """A Secret has no repr, no equality, no hash and no pickle."""
    secret = Secret("opaque-value")

    assert "opaque" not in f"{secret!r} {secret} {[secret]}"
    assert secret.reveal() == b"opaque-value"
    assert secret.reveal_text() == "opaque-value"
    for use in (pickle.dumps, copy.copy, hash, lambda s: s == "opaque-value"):
        with pytest.raises(TypeError):
            use(secret)


def test_making_a_secret_makes_it_known() -> None:
    """Whatever becomes a Secret is masked by the whole process."""
    Secret(b"made-known")
    stream = redaction.stream()

    assert redaction.text("x made-known y") == "x *** y"
    assert redaction.data(b"made-known") == b"***"
    assert stream.feed(b"made-") + stream.feed(b"known") == b"***"


CRASH = """
import threading
from shipway import redaction
redaction.guard_tracebacks()
redaction.add("planted-canary")
def crash(): raise ValueError("saw planted-canary")
thread = threading.Thread(target=crash)
thread.start()
thread.join()
crash()
"""


def test_tracebacks_are_masked() -> None:
    """An uncaught exception shows its traceback without the value, in every thread."""
    ended = subprocess.run(
        [sys.executable, "-c", CRASH], check=False, capture_output=True, text=True
    )

    assert ended.returncode == 1
    assert ended.stderr.count("ValueError: saw ***") == 2
    assert "planted-canary" not in ended.stderr.replace('raise ValueError("saw', "")


def test_only_adapters_reveal() -> None:
    """No module but a hand turns a Secret back into its value."""
    source = Path(redaction.__file__).parent
    revealing = {
        path.relative_to(source).parts[0]
        for path in source.rglob("*.py")
        if ".reveal(" in path.read_text() or ".reveal_text(" in path.read_text()
    }

    assert revealing <= {"adapters"}
