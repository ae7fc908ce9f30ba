"""Who follows a history as the guide for EHRs says. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.world import Member


@dataclass
class Follower:
    """A copy of what a member may see of some types, kept by the feed alone."""

    member: Member
    types: str
    by_entries: bool = False
    """Go on from the latest lastUpdated of the entries, and not from the moment that the answer hands out."""
    count: int = 7
    since: str = ""
    held: dict[str, int] = field(default_factory=dict)
    """The newest version of each resource that is there, by its reference."""
    given: set[tuple[str, int]] = field(default_factory=set)
    """Every version that came."""

    async def poll(self) -> None:
        """Take in one answer, with all its pages."""
        path = f"/_history?_type={self.types}&_count={self.count}"
        url = f"{path}&_since={quote(self.since)}" if self.since else path
        handed, entries = "", []
        while url:
            response = await self.member.get(url)
            assert response.status_code == 200, response.text
            page = response.json()
            handed = page["meta"]["lastUpdated"]
            entries += page.get("entry", [])
            url = next((x["url"] for x in page["link"] if x["relation"] == "next"), "")
        for entry in reversed(entries):  # the oldest first
            self._take(entry)
        latest = max([self.since, *(e["resource"]["meta"]["lastUpdated"] for e in entries if "resource" in e)])
        self.since = latest if self.by_entries else handed

    def _take(self, entry: dict[str, Any]) -> None:
        name = entry["request"]["url"] if entry["request"]["method"] != "POST" else _name(entry)
        if "resource" in entry:
            version = int(entry["resource"]["meta"]["versionId"])
            self.given.add((name, version))
            self.held[name] = max(version, self.held.get(name, 0))
        elif "etag" in entry["response"] or "outcome" in entry["response"]:
            self.held.pop(name, None)


def _name(entry: dict[str, Any]) -> str:
    return f"{entry['resource']['resourceType']}/{entry['resource']['id']}"


async def visible(member: Member, types: str) -> tuple[dict[str, int], set[tuple[str, int]]]:
    """What the member sees: the newest version of each resource by a search, and each version by the history."""
    current: dict[str, int] = {}
    for type_name in types.split(","):
        url = f"/{type_name}?_count=50"
        while url:
            page = (await member.get(url)).json()
            for entry in page.get("entry", []):
                current[_name(entry)] = int(entry["resource"]["meta"]["versionId"])
            url = next((x["url"] for x in page["link"] if x["relation"] == "next"), "")
    versions = Follower(member, types, count=50)
    await versions.poll()
    return current, versions.given
