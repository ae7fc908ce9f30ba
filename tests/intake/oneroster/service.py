"""A OneRoster service for the tests, with the records of the pages in the shared data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.intake.oneroster.support import SHARED
from tests.intake.pull.provider import Answered, Asked, ProviderStandIn, providing

COLLECTIONS = ("orgs", "academicSessions", "users", "demographics", "enrollments", "classes")
PATHS = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}
REFUSED = {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_description": "no"}


def recorded(version: str) -> dict[str, list[dict[str, Any]]]:
    """The records of every page of a version, by collection."""
    folder = SHARED / f"rest-v{version.replace('.', 'p')}"
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in COLLECTIONS}
    for path in sorted(folder.glob("*-limit*.json"), key=lambda p: int(re.findall(r"\d+", p.name)[-1])):
        for name, records in orjson.loads(path.read_bytes()).items():
            found[name] += records
    return found


@dataclass
class Service:
    """What the service holds, and how it is to behave."""

    held: dict[str, list[dict[str, Any]]]
    version: str
    http: ProviderStandIn = field(default=None)  # type: ignore[assignment]
    cap: int = 1000
    """The most records of a page, whatever is asked."""
    links: bool = True
    totals: bool = True
    ignores_offset: bool = False
    ignores_filter: bool = False
    sorts: bool = True
    refuses: dict[str, int] = field(default_factory=dict)
    """Collection -> the status that it is refused with."""
    link_by_limit: bool = False
    """Links count by the limit that was asked for, even where it was cut."""

    @property
    def url(self) -> str:
        """The address of the service."""
        return self.http.url + PATHS[self.version]

    def answer(self, asked: Asked) -> Answered:
        """A page of a collection, or one user."""
        name, _, id_ = asked.path.removeprefix(PATHS[self.version] + "/").partition("/")
        if name in self.refuses:
            return Answered(self.refuses[name], REFUSED)
        if name not in self.held:
            return Answered(404, REFUSED)
        if id_:
            found = [r for r in self.held[name] if r["sourcedId"] == id_]
            return Answered(200, {name.removesuffix("s"): found[0]}) if found else Answered(404, REFUSED)
        if "sort" in asked.query and not self.sorts:
            return Answered(400, REFUSED)
        return self._page(name, self._filtered(name, asked.query.get("filter", "")), asked)

    def _filtered(self, name: str, filter_: str) -> list[dict[str, Any]]:
        if not filter_ or self.ignores_filter:
            return self.held[name]
        since = re.fullmatch(r"dateLastModified>'([^']+)'", filter_)
        assert since, filter_
        return [r for r in self.held[name] if r["dateLastModified"] > since[1]]

    def _page(self, name: str, records: list[dict[str, Any]], asked: Asked) -> Answered:
        limit = int(asked.query.get("limit", "100"))
        offset = 0 if self.ignores_offset else int(asked.query.get("offset", "0"))
        page = records[offset : offset + min(limit, self.cap)]
        headers: dict[str, str] = {}
        if self.totals:
            headers["X-Total-Count"] = str(len(self.held[name]))
        if self.links:
            base = f"https://elsewhere.example{asked.path}"
            following = offset + (limit if self.link_by_limit else len(page))
            links = [f'<{base}?limit={limit}&offset=0>; rel="first"']
            if offset + len(page) < len(records):
                links.append(f'<{base}?limit={limit}&offset={following}>; rel="next"')
            headers["Link"] = ", ".join(links)
        return Answered(200, {name: page}, headers)


@contextmanager
def serving(version: str) -> Iterator[Service]:
    """A service of a version, with the recorded pages' records."""
    service = Service(recorded(version), version)
    with providing(service.answer) as http:
        service.http = http
        yield service
