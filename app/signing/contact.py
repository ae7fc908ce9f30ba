"""Where a code goes: the mail address that the custodian has on file, if it may be used. Pure.

docs/guides/families.md
"""

from __future__ import annotations

from typing import Any

from app.consent.contact import usable
from app.resources.paths import values

Json = dict[str, Any]


def address(person: Json) -> str | None:
    """The mail address of a guardian on file, the preferred one first. None: there is none, or it may not be used.

    A student has none here: who reads the mail of a child may be a parent, who is not to be told.
    """
    if person.get("resourceType") != "RelatedPerson":
        return None
    points = [t for t in values(usable(person), "telecom") if t.get("system") == "email" and t.get("value")]
    points = [t for t in points if t.get("use") != "old"]
    return next((str(t["value"]) for t in sorted(points, key=lambda t: t.get("rank", 99))), None)


def hidden(mail: str) -> str:
    """An address as who knows it knows it again."""
    return f"{mail[:1]}…@{mail.partition('@')[2]}"


def language(person: Json) -> str | None:
    """The language that a person prefers."""
    said = values(person, "communication")
    first = [x for x in said if x.get("preferred")] or said[:1]
    return next((str(x["code"]) for one in first for x in values(one, "language.coding") if "code" in x), None)
