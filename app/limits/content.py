"""How much a body may hold, beside its bytes: it is the number of its values that costs time and memory. Pure."""

from __future__ import annotations

from typing import Any

from app.errors import HallpassError, Kind
from app.fhir.json import masked, outside_strings


def require_few(body: bytes, most: int) -> None:
    """Raise TOO_LARGE for JSON with more values than that, before it is parsed. A value is an object, array or scalar.

    Counts what separates values outside of strings, and takes no notice of what is no JSON at all.
    """
    escapes = masked(body)
    # A member has four quotes, its key's among them: so many quotes are too many values, whatever is between them.
    few = escapes.count(b'"') <= 4 * most
    if not few or sum(part.count(sign) for part in outside_strings(escapes) for sign in (b",", b"[", b"{")) > most:
        raise too_many_values("A body", most)


def more_values(content: Any, most: int) -> bool:
    """Whether content has more values than that. Looks at no more of them."""
    left, waiting = most, [content]
    while waiting:
        value = waiting.pop()
        inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        left -= len(inside)
        if left < 0:
            return True
        waiting.extend(inside)
    return False


def too_many_values(what: str, most: int) -> HallpassError:
    """The 413 of what holds too much."""
    return HallpassError(Kind.TOO_LARGE, f"{what} has at most {most} values: objects, arrays, texts and numbers.")
