"""The Ed-Fi ODS/API 5 to 7 as a client: what it says of itself, its pages, its changes and its snapshots.
https://docs.ed-fi.org/reference/ods-api/client-developers-guide/

Pages are read by cursor where the API has one. Pages by offset over data that changes lose rows: so, without a cursor
or a snapshot, what was deleted meanwhile makes the pull begin again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from app.errors import HallpassError, Kind
from app.intake.pull.provider import Answer, Provider, require_address, shown

PAGE = 500
SMALLER = (100, 25)
"""The sizes to try where a page is refused: its ceiling is a setting of the API."""
MAX_PAGES = 100_000
_REFUSED = frozenset({400, 404})


class SnapshotGone(Exception):
    """The frozen copy that was read is no longer there: begin again."""


@dataclass(frozen=True, slots=True)
class Root:
    """What the API says of itself, without a token."""

    version: str
    standard: int
    """The major version of the Ed-Fi data standard."""
    data: str
    token: str
    changes: str | None

    @property
    def contacts(self) -> str:
        """What contacts are called: parents, before version 5 of the standard."""
        return "contacts" if self.standard >= 5 else "parents"

    @property
    def associations(self) -> str:
        """What the associations of students with contacts are called."""
        return "studentContactAssociations" if self.standard >= 5 else "studentParentAssociations"


def root(provider: Provider, url: str) -> Root:
    """Read the root of an API. Raises HallpassError where there is none, or its data is of another version."""
    held = provider.get(url).body
    urls = held.get("urls") if isinstance(held, dict) else None
    models = held.get("dataModels") if isinstance(held, dict) else None
    if not isinstance(urls, dict) or not isinstance(models, list):
        raise HallpassError(Kind.INVALID, f"{shown(url)} is not the root of an Ed-Fi ODS/API.")
    named = [m for m in models if isinstance(m, dict) and str(m.get("name", "")).lower() == "ed-fi"]
    match = re.match(r"\d+", str(named[0].get("version", ""))) if named else None
    if match is None or not 3 <= int(match[0]) <= 6:
        raise HallpassError(Kind.INVALID, f"{shown(url)} is not of the Ed-Fi data standard 3 to 6.")
    data, token = (_address(urls, name, url) for name in ("dataManagementApi", "oauth"))
    changes = _address(urls, "changeQueries", url) if urls.get("changeQueries") else None
    return Root(str(held.get("version", "")), int(match[0]), data, token, changes)


def _address(urls: Mapping[str, Any], name: str, root_url: str) -> str:
    """An address that the root tells. Raises HallpassError where it would lead the credentials to another host."""
    found = require_address(str(urls.get(name, "")))
    if urlsplit(found).hostname != urlsplit(root_url).hostname:
        text = f"{shown(root_url)} leads to another host for its {name}. The credentials are not sent there."
        raise HallpassError(Kind.INVALID, text)
    return found


@dataclass(slots=True)
class Api:
    """An API with a token."""

    provider: Provider
    root: Root
    page: int = PAGE
    snapshot: dict[str, str] = field(default_factory=dict)
    """The header that asks for a frozen copy, where there is one."""
    by_offset: bool = False
    """Whether a resource had to be read by offset."""

    def newest(self) -> tuple[int, int] | None:
        """The oldest and newest change version; None where the API has no change queries."""
        if self.root.changes is None:
            return None
        answer = self._get(f"{self.root.changes}/availableChangeVersions", {}, allow=frozenset({404}))
        held = answer.body if answer.status == httpx.codes.OK else None
        found = [
            held.get(n) if isinstance(held, dict) else None for n in ("oldestChangeVersion", "newestChangeVersion")
        ]
        if not all(isinstance(n, int) for n in found):
            return None
        return int(found[0] or 0), int(found[1] or 0)

    def freeze(self) -> None:
        """Read from a frozen copy from now on, where the API has one."""
        if self.root.changes is None:
            return
        url = f"{self.root.changes}/availableChangeVersions"
        header = {"Use-Snapshot": "true"}
        if self.root.version.startswith(("5", "6")):
            listed = self.provider.get(f"{self.root.changes}/snapshots", allow=_REFUSED)
            held = listed.body if isinstance(listed.body, list) else []
            known = [s for s in held if isinstance(s, dict) and s.get("snapshotIdentifier")]
            if not known:
                return
            latest = max(known, key=lambda s: str(s.get("snapshotDateTime", "")))
            header = {"Snapshot-Identifier": str(latest["snapshotIdentifier"])}
        if self.provider.get(url, headers=header, allow=_REFUSED).status == httpx.codes.OK:
            self.snapshot = header

    def all(self, resource: str) -> Iterator[Any]:
        """Every item of a resource. Raises as `_pages`."""
        tokens = self._tokens(resource)
        if tokens is None:
            self.by_offset = True
            yield from self._pages(self._url(resource), {})
            return
        for token in tokens:
            yield from self._cursor(resource, token)

    def where(self, resource: str, **query: str) -> Iterator[Any]:
        """The items of a resource with an element of a value. Raises HallpassError where the API ignores that."""
        for item in self._pages(self._url(resource), query):
            if isinstance(item, dict) and not _has(item, query):
                raise HallpassError(
                    Kind.INVALID, f"{shown(self._url(resource))} does not search by {', '.join(query)}."
                )
            yield item

    def changed(self, resource: str, kind: str, since: int, until: int) -> Iterator[Any]:
        """What changed of a resource: items (kind ''), or rows of `deletes` or `keyChanges`, both ends included."""
        query = {"minChangeVersion": str(since), "maxChangeVersion": str(until)}
        yield from self._pages("/".join(filter(None, (self._url(resource), kind))), query)

    def _url(self, resource: str) -> str:
        return f"{self.root.data}/ed-fi/{resource}"

    def _tokens(self, resource: str) -> list[str] | None:
        """Where to begin reading by cursor; None where the API has no cursor."""
        answer = self._get(f"{self._url(resource)}/partitions", {"number": "1"}, allow=_REFUSED | {405})
        held = answer.body.get("pageTokens") if isinstance(answer.body, dict) else None
        if not isinstance(held, list) or not all(isinstance(t, str) and t for t in held):
            return None
        return held

    def _cursor(self, resource: str, token: str) -> Iterator[Any]:
        for _ in range(MAX_PAGES):
            items, answer = self._items(self._url(resource), {"pageToken": token}, "pageSize")
            yield from items
            following = answer.headers.get("Next-Page-Token", "")
            if not items or not following:
                return
            if following == token:
                raise HallpassError(Kind.INVALID, f"{shown(self._url(resource))} gives the same page again.")
            token = following
        raise HallpassError(Kind.TOO_LARGE, f"{shown(self._url(resource))} has more than {MAX_PAGES} pages.")

    def _pages(self, url: str, query: Mapping[str, str]) -> Iterator[Any]:
        """The items by offset, to an empty page.

        Raises HallpassError where fewer come than the API counts, or the same page comes again; SnapshotGone.
        """
        received, total, before = 0, None, None
        for _ in range(MAX_PAGES):
            count = {"totalCount": "true"} if total is None else {}
            items, answer = self._items(url, {**query, **count, "offset": str(received)}, "limit")
            told = answer.headers.get("Total-Count", "")
            total = int(told) if total is None and told.isdecimal() else (total or 0)
            if not items:
                if received < total:
                    text = f"{shown(url)} gave {received} of {total} records, and then none. Nothing was written."
                    raise HallpassError(Kind.INVALID, text)
                return
            if items == before:
                raise HallpassError(Kind.INVALID, f"{shown(url)} ignores the offset and gives the same page again.")
            before = items
            yield from items
            received += len(items)
        raise HallpassError(Kind.TOO_LARGE, f"{shown(url)} has more than {MAX_PAGES} pages.")

    def _items(self, url: str, query: Mapping[str, str], size: str) -> tuple[list[Any], Answer]:
        """A page; of a smaller size, from then on, where this one is refused."""
        answer = self._get(url, {**query, size: str(self.page)}, allow=frozenset({400}))
        for smaller in (s for s in SMALLER if s < self.page):
            if answer.status == httpx.codes.OK:
                break
            answer = self._get(url, {**query, size: str(smaller)}, allow=frozenset({400}))
            self.page = smaller if answer.status == httpx.codes.OK else self.page
        if not isinstance(answer.body, list):
            text = f"{shown(url)} answered HTTP {answer.status} without a list. Nothing can be told from that."
            raise HallpassError(Kind.INVALID, text)
        return answer.body, answer

    def _get(self, url: str, query: Mapping[str, str], allow: frozenset[int]) -> Answer:
        more = {404} if self.snapshot else set[int]()
        answer = self.provider.get(url, query, headers=self.snapshot, allow=allow | more)
        if answer.status == httpx.codes.NOT_FOUND and self.snapshot and 404 not in allow:
            raise SnapshotGone
        return answer


def _has(item: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    """Whether an item, or a reference in it, has the values."""
    held = {k: str(v) for part in (item, *(v for v in item.values() if isinstance(v, dict))) for k, v in part.items()}
    return all(held.get(name, "").lower() == value.lower() for name, value in query.items())
