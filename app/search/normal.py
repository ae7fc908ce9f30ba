"""The forms in which texts are kept in the index and compared. Pure.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from hashlib import sha256
from zoneinfo import ZoneInfo

from anyascii import anyascii

LONGEST_KEY = 200
"""Characters of a code, system or URL that are kept as they are; PostgreSQL bounds the size of an index entry."""

LONGEST_TEXT = 400
"""Characters of a folded string that stand in one row of the index."""

LONGEST_ASKED = 200
"""Characters of a folded string that can be asked for, half a row: so each lies within one of overlapping rows."""

OF_NAMES = frozenset({"name", "family", "given"})
"""The parameters of names, which are found by each of their words."""

MOST_WORDS = 10
"""Words of a name that begin a row of their own."""

_JOINED = frozenset("'’‘‛´`′ʹʻʼʽˈ.·")
"""What stands within a word or behind an abbreviation."""

DAYS = ZoneInfo("UTC")
"""The zone of elements that are days and nothing else (birth dates), so that the same day is equal everywhere."""

_PHONE = re.compile(r"\+?[0-9\s().\-/]{4,}")


def fold(text: str) -> str:
    """The text without case, accents, width and punctuation, with single spaces; a folded text stays as it is.

    Apostrophes and periods go without a trace (O'Brien is OBrien), other punctuation is a space (Smith-Jones is Smith
    Jones). A text of nothing else stays as it is, so that it does not match everything.
    """
    if text.isascii():  # of these letters each is its own plain form
        plain = text.lower()
        return " ".join(plain.translate(_ASCII).split()) or " ".join(plain.split())
    plain = "".join(map(_latin, _bare(_bare(text).casefold())))
    words = " ".join("".join(map(_spaced, plain)).split())
    return words or " ".join(plain.split())


def rows(folded: str) -> list[str]:
    """A folded text as the index keeps it: rows of a bounded length, each of which overlaps the one before by half."""
    ends = range(LONGEST_ASKED, len(folded) - LONGEST_ASKED, LONGEST_ASKED)
    return [folded[:LONGEST_TEXT], *(folded[n : n + LONGEST_TEXT] for n in ends)]


def words(folded: str) -> list[str]:
    """What else a name is found by: each of its words with those that follow it, and all as one word."""
    parts = folded[:LONGEST_TEXT].split(" ", MOST_WORDS)
    return [*(" ".join(parts[n:]) for n in range(1, len(parts))), "".join(parts)] if len(parts) > 1 else []


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


@lru_cache(maxsize=4096)
def _latin(c: str) -> str:
    """A Latin letter that has no decomposition as plain letters (ł, ø, đ); others stay what they are."""
    if c.isascii() or not unicodedata.name(c, "").startswith("LATIN "):
        return c
    return anyascii(c).lower() or c


@lru_cache(maxsize=4096)
def _spaced(c: str) -> str:
    if c in _JOINED:
        return ""
    return " " if unicodedata.category(c).startswith("P") else c


_ASCII = {n: _spaced(chr(n)) for n in range(128)}


def key(text: str) -> str:
    """The text for an index of equal values: itself, or if it is long its head and a digest of the whole."""
    if len(text) <= LONGEST_KEY:
        return text
    return f"{text[: LONGEST_KEY - 72]}…{sha256(text.encode()).hexdigest()}"


def contact(text: str) -> str:
    """A telephone number as its digits, any other contact in lower case."""
    text = text.strip()
    if not _PHONE.fullmatch(text):
        return text.lower()
    digits = "".join(c for c in text if c.isascii() and c.isdigit())
    return "+" + digits if text.startswith("+") else digits
