"""Go sources without what is no code."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shipway.core.golang.lexer import strip


def test_comments_go_and_strings_stay() -> None:
    """Comments vanish, also next to quotes; strings and runes stay as they are."""
    source = 'a := "// no" // yes\nb := \'"\' /* in */ + 1 /* over\nlines */\nc := `raw "x"\n//`'

    assert strip(source) == 'a := "// no" \nb := \'"\'   + 1 \n\nc := "raw \'x\' //"'


@given(st.text(alphabet="ab\"'`/*\\\n ", max_size=60))
def test_any_text_can_be_stripped(text: str) -> None:
    """Unfinished literals and comments break nothing."""
    assert isinstance(strip(text), str)
