"""The records of a collection of a OneRoster service, page by page, by what came and not by what was asked.
https://www.imsglobal.org/spec/oneroster/v1p2/bind/rest#pagination

A service may cut the limit, leave out the total and the links, or ignore the offset. A pull ends at an empty page, or
where a Link says that there is no next one; never by the total alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from app.errors import HallpassError, Kind
from app.intake.pull.provider import Answer, Provider, shown

LIMIT = 1000
MAX_PAGES = 100_000
ROUND = 5
"""Pages are cut at a multiple of it."""


class NotGiven(Exception):
    """The service does not give the collection: 403 or 404, or, where it was filtered, 400."""


@dataclass(slots=True)
class Collection:
    """A collection at an address. `filter` is a filter as the binding has it."""

    provider: Provider
    base: str
    name: str
    limit: int = LIMIT
    filter: str = ""
    sort: bool = True
    firsts: set[str] = field(default_factory=set)
    """The ids of the first record of each page."""
    answered_at: str = ""
    """The Date of the first answer."""

    def pages(self) -> Iterator[list[Any]]:
        """The records of each page.

        Raises NotGiven, and HallpassError where a page lacks its envelope, or the service cannot be read to its end.
        """
        params = {"limit": str(self.limit), "offset": "0"} | ({"filter": self.filter} if self.filter else {})
        received = 0
        for _ in range(MAX_PAGES):
            answer = self._ask(params)
            self.answered_at = self.answered_at or answer.headers.get("Date", "")
            records = self._records(answer)
            if not records:
                return self._require_total(answer, received)
            if self._again(records):
                return self._require_whole(answer, received)
            yield records
            received += len(records)
            following = _next(answer.headers)
            if following is None and "link" in answer.headers:
                return self._require_total(answer, received)
            params |= following or {}
            if following is None or "offset" in following:
                params["offset"] = str(received)  # a link that counts by what was asked would leave records out
        raise HallpassError(Kind.TOO_LARGE, f"{self.url} has more than {MAX_PAGES} pages. Ask for larger ones.")

    @property
    def url(self) -> str:
        """The address."""
        return f"{self.base}/{self.name}"

    def _ask(self, params: dict[str, str]) -> Answer:
        allow = frozenset({400, 403, 404})
        sort = {"sort": "sourcedId", "orderBy": "asc"}
        answer = self.provider.get(self.url, params | (sort if self.sort else {}), allow=allow)
        if answer.status == httpx.codes.BAD_REQUEST and self.sort:
            self.sort = False
            answer = self.provider.get(self.url, params, allow=allow)
        if answer.status in (403, 404) or (answer.status == httpx.codes.BAD_REQUEST and self.filter):
            raise NotGiven(f"{shown(self.url)} answered HTTP {answer.status}.")
        if answer.status == httpx.codes.BAD_REQUEST:
            raise HallpassError(Kind.INVALID, f"{shown(self.url)} answered HTTP 400.")
        return answer

    def _records(self, answer: Answer) -> list[Any]:
        records = answer.body.get(self.name) if isinstance(answer.body, dict) else None
        if not isinstance(records, list):
            text = f"{shown(self.url)} answered 200 without a list of {self.name}. Nothing can be told from that."
            raise HallpassError(Kind.INVALID, text)
        return records

    def _again(self, records: list[Any]) -> bool:
        """Whether the page is one that came before: then the service ignores the offset."""
        first = str(records[0].get("sourcedId", "")) if isinstance(records[0], dict) else ""
        if first and first in self.firsts:
            return True
        self.firsts.add(first)
        return False

    def _require_whole(self, answer: Answer, received: int) -> None:
        """Raise HallpassError where a service that ignores the offset may have more than it gave.

        Without a total, as many as were asked for or a round number looks like a full page.
        """
        total = answer.headers.get("X-Total-Count", "")
        full = received >= self.limit or received % ROUND == 0
        if received < int(total) if total.isdecimal() else full:
            text = f"{shown(self.url)} ignores the offset and gives the same page again, so that not all of it comes."
            raise HallpassError(Kind.INVALID, text)

    def _require_total(self, answer: Answer, received: int) -> None:
        """Raise HallpassError where fewer came than the service says there are: it cut them off.

        A total that counts too many because it knows no filter is not believed.
        """
        total = answer.headers.get("X-Total-Count", "")
        if not self.filter and total.isdecimal() and received < int(total):
            text = f"{shown(self.url)} gave {received} of {total} records, and then none. Nothing was written."
            raise HallpassError(Kind.INVALID, text)


def _next(headers: httpx.Headers) -> dict[str, str] | None:
    """The query of the link to the next page; None where there is none.

    Only its query counts: the credentials go to no other address than the one that was given.
    """
    for link in httpx.Response(200, headers=headers).links.values():
        if link.get("rel") == "next":
            return dict(parse_qsl(urlsplit(link["url"]).query))
    return None
