"""The entries of a batch or transaction Bundle, as they were sent. https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir.resources.R4B.bundle import Bundle

from app.errors import HallpassError, Issue, Kind
from app.fhir.walk import Walk
from app.rest.search import Place
from app.rest.urls import Where, where
from app.settings import Settings

CONDITIONS = ("ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince")
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
            entries.append(_entry(node, f"Bundle.entry[{i}]", settings.fhir_base))
        except HallpassError as e:
            problems.extend(e.issues)
    urls = [e.full_url for e in entries if e.full_url]
    if len(urls) != len(set(urls)):
        problems.append(Issue("Two entries have one fullUrl.", "Bundle.entry", "invariant"))
    problems = problems or _around(content)
    if problems:
        raise HallpassError(Kind.UNPROCESSABLE, *problems)
    return content["type"], entries


def _around(content: dict[str, Any]) -> list[Issue]:
    """What is wrong with the Bundle itself; the resources in it are judged where they are written."""
    bare = content
    if "entry" in content:
        bare = {**content, "entry": [{k: v for k, v in e.items() if k != "resource"} for e in content["entry"]]}
    return Walk(bare).issues(Bundle)


def _entry(node: Any, at: str, base: str) -> Entry:
    request = node.get("request") if isinstance(node, dict) else None
    if not isinstance(request, dict):
        raise _bad("An entry has a request.", f"{at}.request")
    method, url = request.get("method"), request.get("url")
    if method not in METHODS:
        raise _bad(f"The method is one of {', '.join(METHODS)}.", f"{at}.request.method")
    if not isinstance(url, str) or not url:
        raise _bad("The request has a url, relative to the service's root.", f"{at}.request.url")
    url = url.removeprefix(f"{base}/")
    leads = where(method, url)
    if leads is None:
        raise _bad("The url is not one of this method's.", f"{at}.request.url")
    resource = node.get("resource")
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if method in ("POST", "PUT") and not leads.call and kind != leads.type:
        raise _bad("The entry has a resource of the type in its url.", f"{at}.resource")
    if method == "PATCH" and kind not in ("Parameters", "Binary"):
        raise _bad("A patch is a Parameters resource, or a Binary with a JSON Patch.", f"{at}.resource")
    conditions = {name: _string(request, name, at) for name in CONDITIONS}
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
