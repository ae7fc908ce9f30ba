"""History: the visible versions of one resource, of a type, or of all, newest first.

https://hl7.org/fhir/R4/http.html#history — each version is judged by its own facts: one that was labeled is hidden
although those before and after it are not, and the total counts without it.

The history of types is a feed: a reader that asks again since the moment that its last answer handed out gets what was
written or became visible since, and what it was given and no longer sees. docs/decisions/0031-feed.md

The Consent that goes along with records under 42 CFR Part 2 is none of the versions: no total, token or feed has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.db import feed
from app.db import history as store
from app.db.bodies import sizes
from app.db.history import Position, Span
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind, not_found
from app.exchange.release import PendingResult, PendingRow
from app.limits.results import fitting
from app.resources import ResourceType
from app.resources.refs import as_uuid
from app.session import Session


@dataclass(frozen=True, slots=True)
class Page:
    """Which page of a history: how many versions, from when on, current at what time, and behind which token."""

    count: int
    since: datetime | None = None
    at: tuple[datetime, datetime] | None = None
    after: str | None = None


async def of_one(session: Session, declared: ResourceType, resource_id: str, page: Page) -> PendingResult:
    """A page of one resource's versions. Raises NOT_FOUND where the caller sees none of them, whatever was asked."""
    session.require(declared.name, "r")
    found = as_uuid(resource_id)
    if found is None or not await store.page(session.connection, Span((declared.name,), found), None, 1):
        raise not_found()
    horizon = await feed.horizon(session.connection) if page.since is not None else None
    span = Span((declared.name,), found, page.since, page.at, horizon=horizon)
    return await _page(session, span, page, "")


async def of_types(session: Session, types: tuple[str, ...], page: Page, *, follows: bool = True) -> PendingResult:
    """A page of the versions of all resources of some types. Each type needs the scope to search it.

    `follows`: the reader may go on from this answer. It cannot within a transaction, or from what was current once.
    """
    for name in types:
        session.require(name, "s")
    if page.at is not None or not follows:
        return await _page(session, Span(types, None, page.since, page.at), page, "")
    answer, token = await _answer(session, types, page)
    span = Span(types, None, page.since, feed=answer.feed, told=answer.told, horizon=answer.horizon)
    found = await _page(session, span, replace(page, after=token), _walk(answer))
    withdrawn = [] if page.after else await feed.withdraw(session.connection, answer)
    since = _milliseconds(min(answer.at, answer.horizon))
    others = [c.row for c in found.pending if not c.row.directory]
    tracked = [row for row in others if not await session.holds(row.custodian)]
    if tracked:
        await feed.give(session.connection, answer, tracked)
    if not page.after:
        gives = bool(tracked or withdrawn or found.cursors)
        await feed.answered(session.connection, since, answer, gives=gives)
    return replace(found, withdrawn=tuple(withdrawn), since=since)


async def _answer(session: Session, types: tuple[str, ...], page: Page) -> tuple[feed.Answer, str | None]:
    """The feed's answer that a page belongs to, and the rest of its token: a new answer, or that of its first page."""
    begun = await feed.begin(session.connection, types, page.since)
    if page.after is None:
        return begun, None
    try:
        at, horizon, token = page.after.split(" ", 2)
        return feed.Answer(begun.feed, datetime.fromisoformat(at), datetime.fromisoformat(horizon), begun.told), token
    except ValueError:
        raise _strange() from None


def _walk(answer: feed.Answer) -> str:
    return f"{answer.at.isoformat()} {answer.horizon.isoformat()} "


def _milliseconds(moment: datetime) -> datetime:
    """The moment as an instant has it, which is not later."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


async def _page(session: Session, span: Span, page: Page, walk: str) -> PendingResult:
    """A page of a span; `walk` goes before its tokens."""
    position, back = _position(page.after) if page.after is not None else (None, False)
    most_bytes = session.settings.max_result_bytes
    rows = await store.page(session.connection, span, position, page.count + 1, back=back, most_bytes=most_bytes)
    total = await store.total(session.connection, span)
    most = fitting(sizes(rows[: page.count]), most_bytes)
    more = len(rows) > most
    shown = rows[:most][::-1] if back else rows[:most]
    cursors = {}
    if shown and (more or back):
        cursors["next"] = f"{walk}{_cursor(shown[-1])}"
    if shown and (more if back else position is not None):
        cursors["previous"] = f"{walk}{_cursor(shown[0])} back"
    return PendingResult(tuple(PendingRow(r) for r in shown), total=total, cursors=cursors, bundled=True)


def _cursor(row: Stored) -> str:
    return f"{row.updated.isoformat()} {row.id} {row.version}"


def _position(text: str) -> tuple[Position, bool]:
    """The position in a page token, and whether it points back."""
    try:
        at, resource_id, version, *back = text.split(" ")
        return (datetime.fromisoformat(at), UUID(resource_id), int(version)), bool(back)
    except ValueError:
        raise _strange() from None


def _strange() -> HallpassError:
    text = "The page token is not from this history. Follow the links of a page as they are."
    return HallpassError(Kind.INVALID, Issue(text))
