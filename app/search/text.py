"""Splits and unescapes the values of search parameters. Pure.

https://hl7.org/fhir/R4/search.html#escaping
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_SPECIAL = ",|$\\"


class BadEscape(ValueError):
    """A backslash stands before something else than , | $ or a backslash."""


def split(text: str, separator: str) -> list[str]:
    """The parts of a text between separators that are not escaped, their escapes kept."""
    parts = [""]
    escaped = False
    for c in text:
        if c == separator and not escaped:
            parts.append("")
        else:
            parts[-1] += c
        escaped = c == "\\" and not escaped
    return parts


def unescape(text: str) -> str:
    """The text without its escapes. Raises BadEscape."""
    return _ESCAPE.sub(_plain, text)


def _plain(found: re.Match[str]) -> str:
    if not found[1] or found[1] not in _SPECIAL:
        raise BadEscape
    return found[1]
