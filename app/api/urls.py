"""Where the url of an entry of a Bundle leads: the forms of http.html, relative to the service's root.

https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.request.url
"""

from __future__ import annotations

from dataclasses import dataclass

from app.api.query import query_pairs
from app.capability.catalog import TYPES as DEFINITIONS
from app.resources import TYPES, Visibility

READ_ONLY = frozenset({"AuditEvent", "Library", "metadata", *DEFINITIONS})
"""What is read and searched, and has neither versions nor writers."""


@dataclass(frozen=True, slots=True)
class Where:
    """What an entry is about."""

    path: str
    type: str = ""
    """Empty: all types."""
    id: str | None = None
    patient: str | None = None
    """Whose compartment is searched."""
    history: bool = False
    version: str | None = None
    call: bool = False
    """An operation, a search by POST, or a type that has no versions: what is asked by a request of its own."""
    pairs: tuple[tuple[str, str], ...] = ()


def where(method: str, url: str) -> Where | None:
    """Where a method's url leads; None for none of its forms. Raises INVALID for a query that cannot be read."""
    path, _, query = url.removeprefix("/").partition("?")
    path = path.rstrip("/")
    parts = path.split("/") if path else []
    pairs = tuple(query_pairs(query)) if query else ()
    if method == "GET" and parts and parts[0] in READ_ONLY:
        return Where(path, call=True, pairs=pairs)
    if parts and (parts[-1].startswith("$") or parts[-1] == "_search"):
        known = parts[0] in TYPES and (method == "POST" or (method == "GET" and parts[-1] != "_search"))
        return Where(path, call=True, pairs=pairs) if known else None
    if method == "GET":
        return _read(path, parts, pairs)
    if not parts or parts[0] not in TYPES:
        return None
    match parts, bool(pairs):
        case [[kind], conditional] if conditional == (method != "POST"):
            return Where(path, kind, pairs=pairs)
        case [[kind, id_], False] if method != "POST":
            return Where(path, kind, id_)
        case _:
            return None


def _read(path: str, parts: list[str], pairs: tuple[tuple[str, str], ...]) -> Where | None:
    match parts:
        case []:
            return Where(path, pairs=pairs)
        case ["_history"]:
            return Where(path, history=True, pairs=pairs)
        case [kind, *_] if kind not in TYPES:
            return None
        case [kind]:
            return Where(path, kind, pairs=pairs)
        case [kind, "_history"]:
            return Where(path, kind, history=True, pairs=pairs)
        case [kind, id_]:
            return Where(path, kind, id_, pairs=pairs)
        case ["Patient", patient, inside] if _in_compartment(inside):
            return Where(path, inside.replace("*", ""), patient=patient, pairs=pairs)
        case [kind, id_, "_history"]:
            return Where(path, kind, id_, history=True, pairs=pairs)
        case [kind, id_, "_history", version]:
            return Where(path, kind, id_, version=version, pairs=pairs)
        case _:
            return None


def _in_compartment(name: str) -> bool:
    return name == "*" or (name in TYPES and TYPES[name].visibility is Visibility.COMPARTMENT)
