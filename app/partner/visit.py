"""What a light partner does behind its link, by the access service: see the referral, and answer it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from app.caller import Caller
from app.errors import HallpassError, Issue, Kind
from app.exchange import reads, writes
from app.exchange.service import AccessService, PendingResult, Result, Session
from app.exchange.validated import validate_body
from app.fhir.json import parse
from app.partner import page
from app.referral.answers import answered
from app.referral.table import REQUESTED
from app.resources import TYPES
from app.resources.paths import first
from app.resources.refs import parse_local
from app.search.cursor import unpack
from app.search.parse import parse as read_search
from app.settings import Settings

Json = dict[str, Any]
MOST_NEW = 100
"""Tasks of one page."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One partner at one referral's Task."""

    access_service: AccessService
    settings: Settings
    caller: Caller
    task: str

    async def show(self, link: str, wrong: str = "") -> str:
        """The page with the referral. Raises NOT_FOUND or GONE where it is no longer open to the partner."""

        async def unit_of_work(session: Session) -> list[PendingResult]:
            task = await reads.read(session, TYPES["Task"], self.task)
            content = parse(task.pending[0].row.body)
            asked = [
                first(content, "focus.reference"),
                first(content, "for.reference"),
                first(content, "requester.reference"),
            ]
            return [task, *[f for reference in asked if (f := await _seen(session, reference))]]

        results = await self.access_service.perform(self.caller, "read", unit_of_work)
        found = {r.one.type: parse(r.one.body) for r in results}
        school = found.get("Organization", {}).get("name", "A school")
        return page.referral(link, found["Task"], found.get("ServiceRequest"), found.get("Patient"), school, wrong)

    async def answer(self, form: dict[str, str]) -> None:
        """Store what the partner answered. Raises what an update does, and INVALID for no form of the page's."""

        async def unit_of_work(session: Session) -> list[PendingResult]:
            current = await reads.current(session, TYPES["Task"], self.task)
            if current is None or current.deleted:
                raise HallpassError(Kind.NOT_FOUND, "There is no such resource.")
            changed = answered(parse(current.body), form)
            if changed is None:
                raise HallpassError(Kind.INVALID, Issue("Choose one of the page's answers."))
            validated = await validate_body(self.caller.client, TYPES["Task"], changed, self.settings)
            if_match = f'W/"{form.get("version", "")}"'
            return [await writes.update(session, TYPES["Task"], validated, self.task, if_match)]

        await self.access_service.perform(self.caller, "update", unit_of_work)


async def _seen(session: Session, reference: str | None) -> PendingResult | None:
    """What a reference leads to, if the partner sees it."""
    target = parse_local(reference)
    if target is None or target[0] not in ("ServiceRequest", "Patient", "Organization"):
        return None
    try:
        return await reads.read(session, TYPES[target[0]], str(target[1]))
    except HallpassError as e:
        if e.kind in (Kind.NOT_FOUND, Kind.GONE):
            return None
        raise


async def new_tasks(access_service: AccessService, caller: Caller) -> AsyncIterator[str]:
    """The ids of the requested Tasks that a partner owns and sees, oldest first; nothing else is told of them."""
    after: str | None = None
    while True:
        found = await _page_of_new(access_service, caller, after)
        for task in found["ids"]:
            yield task
        after = found["next"]
        if after is None:
            return


async def _page_of_new(access_service: AccessService, caller: Caller, after: str | None) -> Json:
    async def unit_of_work(session: Session) -> list[PendingResult]:
        pairs = [("status", REQUESTED), ("owner", f"Organization/{caller.organization}"), ("_sort", "_lastUpdated")]
        wanted = read_search(
            "Task",
            pairs,
            zone=session.zone,
            base_url=session.settings.fhir_base,
            default_count=MOST_NEW,
            max_count=MOST_NEW,
        )
        page = await reads.search(session, wanted, unpack(after, wanted) if after else None)
        ids = [str(p.row.id) for p in page.pending]
        return [PendingResult(document={"ids": ids, "next": page.cursors.get("next")})]

    results: list[Result] = await access_service.perform(caller, "search", unit_of_work)
    return results[0].document or {}
