"""The forms in which texts are kept in the index and compared. Pure.

https://hl7.org/fhir/R4/search.html#string
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from zoneinfo import ZoneInfo

LONGEST_KEY = 200
"""Characters of a code, system or URL that are kept as they are; PostgreSQL bounds the size of an index entry."""

LONGEST_TEXT = 400
"""Characters of a folded string that are kept: what lies behind them is not searched."""

DAYS = ZoneInfo("UTC")
"""The zone of elements that are days and nothing else (birth dates), so that the same day is equal everywhere."""

_PHONE = re.compile(r"\+?[0-9\s().\-/]{4,}")


def fold(text: str) -> str:
    """Case, accents and width are taken away, white space is collapsed; the same for what is folded already."""
    text = _bare(_bare(text).casefold())
    return " ".join(text.split())[:LONGEST_TEXT].rstrip()


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


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
