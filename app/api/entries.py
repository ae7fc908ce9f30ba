"""The entries of a batch or transaction Bundle, as they were sent. https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fhir.resources.R4B.bundle import Bundle

from app.api.search import Place
from app.api.urls import Where, where
from app.errors import HallpassError, Issue, Kind
from app.fhir.validation.validator import Validator
from app.settings import Settings

CONDITIONS = ("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince")
_IN_ENTRY = re.compile(r"Bundle\.entry\[([0-9]+)\]")
_GOOD = {"request": {"method": "GET", "url": "metadata"}}
"""Stands for an entry that was refused already."""
METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET")
"""In the order in which a transaction performs them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: what it asks for, and where it stands in the Bundle."""

    at: str
    method: str
    url: str
    where: Where
    full_url: str | None
    resource: dict[str, Any] | None
    if_match: str | None
    if_none_exist: str | None
    if_none_match: str | None
    if_modified_since: str | None

    @property
    def type(self) -> str:
        """The type that it is about; empty for all types."""
        return self.where.type

    @property
    def id(self) -> str | None:
        """The id of the one resource that it is about."""
        return self.where.id

    @property
    def searches(self) -> bool:
        """Whether it asks for a page of a search."""
        where = self.where
        return self.method == "GET" and where.id is None and not where.history and not where.call

    @property
    def place(self) -> Place:
        """Where an entry that searches asks."""
        return Place(self.where.path, self.where.type or None, self.where.patient)

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
        if self.where.version:
            return "vread"
        return "history" if self.where.history else "read" if self.id else "search"


def read_entries(content: dict[str, Any], settings: Settings) -> tuple[str, list[Entry | HallpassError]]:
    """The Bundle's kind, and each entry or what is wrong with its request.

    Raises UNPROCESSABLE with everything that is wrong with the Bundle itself, or with an entry of a transaction; each
    entry of a batch stands for itself.
    """
    if content.get("resourceType") != "Bundle" or content.get("type") not in ("batch", "transaction"):
        text = "The body must be a Bundle of type batch or transaction."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Bundle.type", "value"))
    raw = content.get("entry", [])
    if not isinstance(raw, list):
        raise HallpassError(Kind.UNPROCESSABLE, Issue("Bundle.entry must be an array.", "Bundle.entry", "structure"))
    if len(raw) > settings.max_bundle_entries:
        text = f"A Bundle has at most {settings.max_bundle_entries} entries."
        raise HallpassError(Kind.TOO_LARGE, Issue(text, "Bundle.entry"))
    read = [_read(node, f"Bundle.entry[{i}]", settings.fhir_base) for i, node in enumerate(raw)]
    urls = [e.full_url for e in read if isinstance(e, Entry) and e.full_url]
    problems = (
        []
        if len(urls) == len(set(urls))
        else [Issue("Two entries have the same fullUrl. Give each its own.", "Bundle.entry", "invariant")]
    )
    for issue in _around(content, read):
        n = _number(issue)
        if n is None:
            problems.append(issue)
        else:
            read[n] = HallpassError(Kind.UNPROCESSABLE, *_issues(read[n]), issue)
    if content["type"] == "transaction":
        problems = [issue for entry in read for issue in _issues(entry)] or problems
    if problems:
        raise HallpassError(Kind.UNPROCESSABLE, *problems)
    return content["type"], read


def _read(node: Any, at: str, base: str) -> Entry | HallpassError:
    try:
        return _entry(node, at, base)
    except HallpassError as e:
        return e


def _issues(entry: Entry | HallpassError) -> tuple[Issue, ...]:
    return entry.issues if isinstance(entry, HallpassError) else ()


def _around(content: dict[str, Any], read: list[Entry | HallpassError]) -> list[Issue]:
    """What is wrong with the Bundle and its good entries; the resources in them are judged where they are written."""
    bare = content
    if "entry" in content:
        good = (isinstance(e, Entry) for e in read)
        nodes = zip(content["entry"], good, strict=True)
        bare = {**content, "entry": [{k: v for k, v in e.items() if k != "resource"} if g else _GOOD for e, g in nodes]}
    return Validator(bare).issues(Bundle)


def _number(issue: Issue) -> int | None:
    """The entry that an issue is about; None for the Bundle itself."""
    found = _IN_ENTRY.match(issue.expression or "")
    return int(found[1]) if found else None


def _entry(node: Any, at: str, base: str) -> Entry:
    request = node.get("request") if isinstance(node, dict) else None
    if not isinstance(request, dict):
        raise _bad("The entry has no request.", f"{at}.request")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        text = f"The method is not served. Use one of: {', '.join(METHODS)}."
        raise HallpassError(Kind.NOT_ALLOWED, Issue(text, f"{at}.request.method"))
    if not isinstance(url, str) or not url:
        raise _bad("The request needs a url relative to the base URL, such as Patient/123.", f"{at}.request.url")
    url = url.removeprefix(f"{base}/")
    leads = where(method, url)
    if leads is None:
        text = "This method is not served at this url. GET /fhir/metadata lists what is."
        raise HallpassError(Kind.NOT_FOUND, Issue(text, f"{at}.request.url"))
    resource = node.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if method in ("POST", "PUT") and not leads.call and kind != leads.type:
        raise _bad("The entry's resource must be of the type in its url.", f"{at}.resource")
    if method == "PATCH" and kind not in ("Parameters", "Binary"):
        raise _bad("A patch must be a Parameters resource, or a Binary that holds a JSON Patch.", f"{at}.resource")
    conditions = {name: _string(request, name, f"{at}.request") for name in CONDITIONS}
    return Entry(
        at=at,
        method=method,
        url=url,
        where=leads,
        full_url=_string(node, "fullUrl", at),
        resource=resource if isinstance(resource, dict) and method in ("POST", "PUT", "PATCH") else None,
        if_match=conditions["ifMatch"],
        if_none_exist=conditions["ifNoneExist"],
        if_none_match=conditions["ifNoneMatch"],
        if_modified_since=conditions["ifModifiedSince"],
    )


def _string(node: dict[str, Any], name: str, at: str) -> str | None:
    value = node.get(name)
    if value is not None and not isinstance(value, str):
        raise _bad("This is a text.", f"{at}.{name}")
    return value


def _bad(text: str, expression: str) -> HallpassError:
    return HallpassError(Kind.UNPROCESSABLE, Issue(text, expression, "value"))
