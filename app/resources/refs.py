"""References as the exchange stores them: relative, `Type/id`. Pure.

https://hl7.org/fhir/R4/references.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/_history/[0-9]+)?")


def as_uuid(text: str) -> UUID | None:
    """The id that a text is, in the one spelling that the server gives out; None for any other text."""
    match = _RELATIVE.fullmatch(f"Id/{text}") if len(text) == 36 else None
    return UUID(text) if match else None


def parse_local(reference: Any) -> tuple[str, UUID] | None:
    """Type and id of a relative reference; None for any other."""
    match = _RELATIVE.fullmatch(reference) if isinstance(reference, str) else None
    return (match[1], UUID(match[2])) if match else None


def local_id(reference: Any, type_name: str | None = None) -> UUID | None:
    """The id that a Reference element points at, if it points into the exchange (and at that type)."""
    found = parse_local(reference.get("reference")) if isinstance(reference, dict) else None
    return found[1] if found and type_name in (None, found[0]) else None


def attached(node: dict[str, Any]) -> tuple[str, UUID] | None:
    """The Binary of this server whose bytes an Attachment names by its url; None for any other element."""
    url = node.get("url")
    return parse_local(url) if isinstance(url, str) and url.startswith("Binary/") else None


def local_targets(node: Any) -> Iterator[tuple[str, UUID]]:
    """Each type and id that any Reference at or below `node` points at, and each Binary that an attachment is."""
    for at in nodes(node):
        if "reference" in at and (found := parse_local(at["reference"])):
            yield found
        if "url" in at and (found := attached(at)):
            yield found


def nodes(content: Any) -> list[dict[str, Any]]:
    """Every object at or below `content`, in document order."""
    found: list[dict[str, Any]] = []
    waiting = [content]
    while waiting:
        at = waiting.pop()
        if type(at) is dict:
            found.append(at)
            inside: Any = reversed(at.values())
        elif type(at) is list:
            inside = reversed(at)
        else:
            continue
        for value in inside:
            if type(value) is dict or type(value) is list:
                waiting.append(value)
    return found
