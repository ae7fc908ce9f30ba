"""Follows the Encounters that the district's own client sees, by the feed. docs/decisions/0031-feed.md

All is asked over the API, as that client: so what no release opens is not there, and what is read is on the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx

from app.extract.server import Server, document
from app.resources.paths import first, values
from app.write_back import delivered as d
from app.write_back.delivered import Delivered

Json = dict[str, Any]
SCOPE = "system/Encounter.rs system/ServiceRequest.rs system/Patient.rs system/Organization.rs"
PAGE = 50


@dataclass(slots=True)
class Change:
    """What is new since a moment: sessions that stand, Encounters that do not or no longer, and why others stay."""

    mark: str = ""
    stand: list[Delivered] = field(default_factory=list)
    gone: list[UUID] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def leave(self, why: str) -> None:
        """Count one that is not written."""
        self.left[why] = self.left.get(why, 0) + 1


@dataclass(slots=True)
class Feed:
    """The exchange as the district's client sees it. `own` is the district, `system` that of its students' numbers."""

    server: Server
    own: str
    system: str
    _read: dict[str, Json | None] = field(default_factory=dict)

    async def since(self, mark: str | None) -> Change:
        """What changed since a mark; all there is without one. Raises HallpassError."""
        entries, found = await self._entries(mark), Change()
        newest: dict[str, Json] = {}
        for entry in entries["entry"]:
            url = str(first(entry, "fullUrl") or "")
            if url not in newest or _version(entry) > _version(newest[url]):
                newest[url] = entry
        for url, entry in reversed(newest.items()):  # the oldest first
            await self._take(url, entry, found)
        found.mark = entries["mark"]
        return found

    async def _take(self, url: str, entry: Json, found: Change) -> None:
        encounter = entry.get("resource")
        if encounter is None:
            # What is withdrawn was rightly written when it was: only what was deleted is taken back.
            if "outcome" not in entry["response"]:
                found.gone.append(UUID(url.rpartition("/")[2]))
            return
        own = UUID(encounter["id"])
        if not d.stands(encounter):
            found.gone.append(own)
        elif d.held_back(encounter):
            found.gone.append(own)
            found.leave("labels restrict it")
        elif (student := await self._student(encounter)) is None:
            found.gone.append(own)
            found.leave("it is of no student of the district")
        else:
            provider = await self._get(f"Organization/{d.provider_of(encounter)}") or {}
            found.stand.append(d.delivered(encounter, student, str(provider.get("name", ""))))

    async def _student(self, encounter: Json) -> str | None:
        named = [str(r) for r in values(encounter, "basedOn.reference") if str(r).startswith("ServiceRequest/")]
        referrals = [r for n in named if (r := await self._get(n)) is not None]
        for subject in d.subjects(encounter, referrals):
            number = d.number_of(await self._get(subject), self.system, self.own)
            if number is not None:
                return number
        return None

    async def _entries(self, mark: str | None) -> Json:
        """All entries of one answer, with the moment from which to go on."""
        since = f"&_since={quote(mark)}" if mark else ""
        url, entries, handed = f"{self.server.base}/Encounter/_history?_count={PAGE}{since}", list[Json](), ""
        while url:
            page = document(await self.server.ask("GET", url))
            handed = str(first(page, "meta.lastUpdated") or handed)
            entries += page.get("entry", [])
            url = next((str(x["url"]) for x in page.get("link", []) if x.get("relation") == "next"), "")
        return {"entry": entries, "mark": handed}

    async def _get(self, reference: str) -> Json | None:
        """A record by its reference; None where the district does not see it."""
        if reference not in self._read:
            response = await self.server.ask("GET", f"{self.server.base}/{reference}")
            gone = response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE, httpx.codes.BAD_REQUEST)
            self._read[reference] = None if gone else document(response)
        return self._read[reference]


def _version(entry: Json) -> int:
    """The number of the version in an entry; what is withdrawn is later than any."""
    tag = str(first(entry, "response.etag") or "")
    return int(tag.removeprefix('W/"').removesuffix('"')) if tag else 1 << 62
