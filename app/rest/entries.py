"""The entries of a batch or transaction Bundle, as they were sent. https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.errors import HallpassError, Issue, Kind
from app.resources import TYPES, Reach
from app.rest.query import query_pairs
from app.rest.search import Place
from app.settings import Settings

METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET")
"""In the order in which a transaction performs them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: what it asks for, and where it stands in the Bundle."""

    at: str
    method: str
    url: str
    type: str
    id: str | None
    patient: str | None
    """Whose compartment is searched."""
    history: bool
    version: str | None
    pairs: tuple[tuple[str, str], ...]
    full_url: str | None
    resource: dict[str, Any] | None
    if_match: str | None
    if_none_exist: str | None

    @property
    def place(self) -> Place:
        """Where an entry that searches asks."""
        return Place(self.url.removeprefix("/").partition("?")[0], self.type, self.patient)

    @property
    def condition(self) -> str | None:
        """The query by which a write finds what it is about, if it has one."""
        if self.method == "POST":
            return self.if_none_exist
        return self.url if self.method in ("PUT", "PATCH", "DELETE") and self.id is None else None

    @property
    def interaction(self) -> str:
        """The name under which the ledger enters it."""
        if self.method != "GET":
            return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[self.method]
        if self.version:
            return "vread"
        return "history" if self.history else "read" if self.id else "search"


def read_entries(content: dict[str, Any], settings: Settings) -> tuple[str, list[Entry]]:
    """The Bundle's kind and entries. Raises UNPROCESSABLE with everything that is wrong with their requests."""
    if content.get("resourceType") != "Bundle" or content.get("type") not in ("batch", "transaction"):
        text = "Here a Bundle of type batch or transaction is processed."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Bundle.type", "value"))
    raw = content.get("entry", [])
    if not isinstance(raw, list):
        raise HallpassError(Kind.UNPROCESSABLE, Issue("The entries are a list.", "Bundle.entry", "structure"))
    if len(raw) > settings.max_bundle_entries:
        text = f"A Bundle has at most {settings.max_bundle_entries} entries."
        raise HallpassError(Kind.TOO_LARGE, Issue(text, "Bundle.entry"))
    entries: list[Entry] = []
    problems: list[Issue] = []
    for i, node in enumerate(raw):
        try:
            entries.append(_entry(node, f"Bundle.entry[{i}]"))
        except HallpassError as e:
            problems.extend(e.issues)
    urls = [e.full_url for e in entries if e.full_url]
    if len(urls) != len(set(urls)):
        problems.append(Issue("Two entries have one fullUrl.", "Bundle.entry", "invariant"))
    if problems:
        raise HallpassError(Kind.UNPROCESSABLE, *problems)
    return content["type"], entries


def _entry(node: Any, at: str) -> Entry:
    request = node.get("request") if isinstance(node, dict) else None
    if not isinstance(request, dict):
        raise _bad("An entry has a request.", f"{at}.request")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise _bad(f"The method is one of {', '.join(METHODS)}.", f"{at}.request.method")
    if not isinstance(url, str) or not url:
        raise _bad("The request has a url, relative to the service's root.", f"{at}.request.url")
    path, _, query = url.removeprefix("/").partition("?")
    parts = path.split("/")
    if parts[0] not in TYPES or not _shape(method, parts, query):
        raise _bad("The url is not one of this method's.", f"{at}.request.url")
    resource = node.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if method in ("POST", "PUT") and kind != parts[0]:
        raise _bad("The entry has a resource of the type in its url.", f"{at}.resource")
    if method == "PATCH" and kind not in ("Parameters", "Binary"):
        raise _bad("A patch is a Parameters resource, or a Binary with a JSON Patch.", f"{at}.resource")
    strings = {name: _string(request, name, at) for name in ("ifMatch", "ifNoneExist")}
    inside = _in_compartment(parts)
    return Entry(
        at=at,
        method=method,
        url=url,
        type=parts[2] if inside else parts[0],
        id=parts[1] if len(parts) > 1 and not inside else None,
        patient=parts[1] if inside else None,
        history=len(parts) == 3 and not inside,
        version=parts[3] if len(parts) == 4 else None,
        pairs=tuple(query_pairs(query)) if query else (),
        full_url=_string(node, "fullUrl", at),
        resource=resource if method in ("POST", "PUT", "PATCH") else None,
        if_match=strings["ifMatch"],
        if_none_exist=strings["ifNoneExist"],
    )


def _shape(method: str, parts: list[str], query: str) -> bool:
    """Whether a method has urls of this many parts."""
    count = len(parts)
    if method == "GET":
        return (
            count == 1
            or _in_compartment(parts)
            or (not query and (count == 2 or (count in (3, 4) and parts[2] == "_history")))
        )
    if method == "POST":
        return count == 1 and not query
    return (count == 2 and not query) or (count == 1 and bool(query))


def _in_compartment(parts: list[str]) -> bool:
    """Whether a url is that of a search in a student's compartment: `Patient/[id]/[type]`."""
    return (
        len(parts) == 3 and parts[0] == "Patient" and parts[2] in TYPES and TYPES[parts[2]].reach is Reach.COMPARTMENT
    )


def _string(node: dict[str, Any], name: str, at: str) -> str | None:
    value = node.get(name)
    if value is not None and not isinstance(value, str):
        raise _bad("This is a text.", f"{at}.{name}")
    return value


def _bad(text: str, expression: str) -> HallpassError:
    return HallpassError(Kind.UNPROCESSABLE, Issue(text, expression, "value"))
