"""Who stands on the stage, and what there is by now that strangers must not see."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx

from app.demo.api import Api, Json, reference
from app.demo.stage import Stage
from app.demo.telling import Telling, alike

CHILD = ("QuestionnaireResponse", "Observation", "Condition", "Goal", "CarePlan", "CareTeam")
PRIVATE = ("Patient", "RelatedPerson", "ServiceRequest", "Task", "Consent", "Encounter", "Group", *CHILD)
"""The types that carry students."""


@dataclass(slots=True)
class Scene:
    """The members' ways to the server, and the references of all that belongs to one student."""

    stage: Stage
    telling: Telling
    district: Api
    clinic: Api
    strangers: tuple[Api, ...]
    roster: Path
    known: list[str] = field(default_factory=list)
    picture: Path | None = None
    """Where the report is drawn to, for who keeps it."""

    def remember(self, resource: Json) -> Json:
        """The resource, from now on one that strangers ask for after each step."""
        if reference(resource) not in self.known:
            self.known.append(reference(resource))
        return resource

    async def strangers_see_nothing(self) -> None:
        """Raise Difference unless the second district and the second clinic find nothing, and read what never was."""
        for stranger in self.strangers:
            for kind in PRIVATE:
                found = await stranger.send("GET", kind)
                self._silent(f"{stranger.member.name} finds a {kind}", found.json().get("total") == 0, found)
            for known in self.known:
                same = alike(await stranger.send("GET", known), await self.never(stranger, known))
                self._silent(f"{stranger.member.name} can tell that {known} is there", same)
        names = " and ".join(s.member.name for s in self.strangers)
        self.telling.hold(f"{names} see nothing: {len(PRIVATE)} searches and {len(self.known)} reads by id each.", True)

    async def hidden(self, api: Api, path: str) -> None:
        """Raise Difference unless the answer is the one for an id that never was, byte for byte."""
        found, absent = await api.send("GET", path), await self.never(api, path)
        self.telling.heard(api, "GET", path, found)
        self.telling.hold(
            "The same 404 as for an id that never was, byte for byte.",
            found.status_code == httpx.codes.NOT_FOUND and alike(found, absent),
            f"{found.status_code} {found.text}",
        )

    async def never(self, api: Api, path: str) -> httpx.Response:
        """The answer to the same request for an id that never was."""
        kind, _, *rest = path.split("/")
        return await api.send("GET", "/".join([kind, str(uuid4()), *rest]))

    async def search(self, api: Api, path: str) -> Json:
        """A page of a search. Raises Difference where it fails."""
        response = await api.send("GET", path)
        self.telling.heard(api, "GET", path, response)
        page: Json = response.json()
        if page["resourceType"] != "Bundle":
            self.telling.hold("The search is answered by a Bundle.", False, response.text)
        return page

    def _silent(self, text: str, well: bool, response: httpx.Response | None = None) -> None:
        if not well:
            self.telling.hold(f"Not so: {text}.", False, response.text if response else "")


def references(page: Json) -> list[str]:
    """What a page has, by reference, in its order."""
    return [reference(e["resource"]) for e in page.get("entry", [])]
