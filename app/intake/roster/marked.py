"""Whom of its staff a district lets into the directory: those in the roles that it marks, and nobody by default. Pure.
docs/guides/roster.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from app.errors import HallpassError, Kind

Marked: TypeAlias = tuple[str, ...]
"""Roles as the source calls them, in lower case and in order."""
NEVER = frozenset({"student", "parent", "guardian", "relative"})
"""Roles of those who are no staff."""


def marked(roles: Iterable[str]) -> Marked:
    """The roles of an option. Raises HallpassError for one that is no role of staff."""
    found = tuple(sorted({" ".join(r.split()).lower() for r in roles}))
    for role in found:
        if not role or role in NEVER:
            raise HallpassError(Kind.INVALID, f"{role or 'An empty text'} is no role of staff. Use one like counselor.")
    return found


def is_marked(role: str, roles: Marked) -> bool:
    """Whether a role is one of those that are marked, in any case of its letters, with or without `ext:`."""
    plain = role.lower()
    return plain in roles or plain.removeprefix("ext:") in roles
