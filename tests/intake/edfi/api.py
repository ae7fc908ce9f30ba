"""An Ed-Fi ODS/API for the tests, with the records of the pages in the shared data."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.intake.pull.provider import Answered, Asked, ProviderStandIn, providing

PAGES = Path(__file__).parents[4] / "shared" / "data" / "edfi" / "api"
needs_pages = pytest.mark.skipif(not PAGES.is_dir(), reason="the pages of an ODS/API are not here")
DATA, CHANGES = "/data/v3/ed-fi/", "/changeQueries/v1/"
AT = 41207


def recorded() -> dict[str, list[dict[str, Any]]]:
    """The records of every page, by resource."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(PAGES.glob("*-offset*.json"), key=lambda p: int(re.findall(r"offset(\d+)", p.name)[0])):
        found.setdefault(path.name.partition("-")[0], []).extend(orjson.loads(path.read_bytes()))
    return found


def session(end: str = "2022-05-27") -> dict[str, Any]:
    """A session of the school year of the recorded enrollments."""
    return {
        "id": "5e5510",
        "sessionName": "2021-2022",
        "schoolReference": {"schoolId": 255901001},
        "schoolYearTypeReference": {"schoolYear": 2022},
        "beginDate": "2021-08-23",
        "endDate": end,
    }


@dataclass
class Ods:
    """What the API holds, and how it is to behave."""

    held: dict[str, list[dict[str, Any]]]
    http: ProviderStandIn = field(default=None)  # type: ignore[assignment]
    version: str = "7.3"
    standard: str = "5.2.0"
    cursor: bool = True
    changes: bool = True
    snapshots: bool = False
    ceiling: int = 500
    newest: int = AT
    deletes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    key_changes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    changed: dict[str, dict[str, int]] = field(default_factory=dict)
    """Resource -> id of an item -> the version in which it changed."""
    moves: list[str] = field(default_factory=list)
    """Resources of which an item is deleted as soon as a page of it was read by offset."""

    def change(self, resource: str, id_: str, **elements: Any) -> None:
        """An item changes."""
        self.newest += 1
        for item in self.held[resource]:
            if item["id"] == id_:
                item.update(elements)
        self.changed.setdefault(resource, {})[id_] = self.newest

    def delete(self, resource: str, id_: str, **keys: Any) -> None:
        """An item is deleted; its id is told in another form."""
        self.newest += 1
        self.held[resource] = [i for i in self.held[resource] if i["id"] != id_]
        row = {"id": f"{id_[:8]}-{id_[8:]}", "changeVersion": self.newest, "keyValues": keys}
        self.deletes.setdefault(resource, []).append(row)

    def answer(self, asked: Asked) -> Answered:
        """The root, what changed, or a page."""
        if asked.path == "/":
            return Answered(200, self._root())
        if asked.path.startswith(CHANGES):
            return self._changes(asked)
        resource, _, kind = asked.path.removeprefix(DATA).partition("/")
        if kind == "partitions":
            token = base64.urlsafe_b64encode(b"0,").decode()
            return Answered(200, {"pageTokens": [token]}) if self.cursor else Answered(404, {"status": 404})
        rows = {"deletes": self.deletes, "keyChanges": self.key_changes}[kind] if kind else self.held
        return self._page(resource, self._wanted(resource, rows.get(resource, []), asked.query), asked.query, kind)

    def _root(self) -> dict[str, Any]:
        urls = {"oauth": "/oauth/token", "dataManagementApi": "/data/v3/"}
        urls |= {"changeQueries": CHANGES} if self.changes else {}
        models = [{"name": "TPDM", "version": "1"}, {"name": "Ed-Fi", "version": self.standard}]
        return {
            "version": self.version,
            "dataModels": models,
            "urls": {name: self.http.url + path for name, path in urls.items()},
        }

    def _changes(self, asked: Asked) -> Answered:
        frozen = "Use-Snapshot" in asked.headers or "Snapshot-Identifier" in asked.headers
        if asked.path.endswith("/snapshots"):
            taken = [{"snapshotIdentifier": n, "snapshotDateTime": f"2021-09-0{n}"} for n in ("1", "2")]
            return Answered(200, taken if self.snapshots else [])
        if frozen and not self.snapshots:
            return Answered(404, {"status": 404})
        return Answered(200, {"oldestChangeVersion": 0, "newestChangeVersion": self.newest})

    def _wanted(self, resource: str, rows: list[Any], query: dict[str, str]) -> list[Any]:
        if "minChangeVersion" in query:
            low, high = int(query["minChangeVersion"]), int(query["maxChangeVersion"])
            known = self.changed.get(resource, {})
            rows = [r for r in rows if low <= r.get("changeVersion", known.get(r["id"], 0)) <= high]
        for name in ("studentUniqueId", "contactUniqueId"):
            if name in query:
                rows = [r for r in rows if query[name] in orjson.dumps(r).decode()]
        return rows

    def _page(self, resource: str, rows: list[Any], query: dict[str, str], kind: str) -> Answered:
        size = int(query.get("pageSize") or query.get("limit") or 25)
        if size > self.ceiling:
            return Answered(400, orjson.loads((PAGES / "error-400-limit.json").read_bytes()))
        if "pageToken" in query:
            offset = int(base64.urlsafe_b64decode(query["pageToken"]).split(b",")[0])
            more = offset + size < len(rows)
            token = base64.urlsafe_b64encode(f"{offset + size},".encode()).decode()
            return Answered(200, rows[offset : offset + size], {"Next-Page-Token": token} if more else {})
        offset = int(query.get("offset", "0"))
        page = rows[offset : offset + size]
        if resource in self.moves and page and not kind:
            self.moves.remove(resource)
            self.delete(resource, page[-1]["id"], **{k: v for k, v in page[-1].items() if k.endswith("UniqueId")})
        return Answered(200, page, {"Total-Count": str(len(rows))} if "totalCount" in query else {})


@contextmanager
def serving() -> Iterator[Ods]:
    """An API with the recorded pages' records."""
    ods = Ods({**recorded(), "sessions": [session()]})
    with providing(ods.answer) as http:
        ods.http = http
        yield ods
