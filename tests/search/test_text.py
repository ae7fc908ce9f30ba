"""Escapes in the values of search parameters. https://hl7.org/fhir/R4/search.html#escaping"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.search.text import BadEscape, split, unescape


def escape(text: str) -> str:
    """As a client does it."""
    return re.sub(r"[,|$\\]", r"\\\g<0>", text)


@given(st.lists(st.text(alphabet="ab,|$\\ é", max_size=8), min_size=1, max_size=5), st.sampled_from(",|$"))
def test_what_is_escaped_and_joined_splits_again(parts: list[str], separator: str) -> None:
    """Escaped parts come back whole from between their separators."""
    joined = separator.join(escape(p) for p in parts)
    assert [unescape(p) for p in split(joined, separator)] == parts


@pytest.mark.parametrize("text", ["a\\", "\\n", "a\\bc", "\\\\\\"])
def test_a_backslash_escapes_a_special_character_alone(text: str) -> None:
    """Any other backslash is refused rather than guessed at."""
    with pytest.raises(BadEscape):
        unescape(text)
