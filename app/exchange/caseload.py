"""Whose students a person of the staff sees: those of groups, and of teams of care that name the person.

https://hl7.org/fhir/R4/careteam.html and https://hl7.org/fhir/R4/group.html — in the member's own custody alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.db import read as store
from app.db.rows import Stored
from app.errors import HallpassError, Kind
from app.exchange import reads
from app.fhir.dates import period
from app.fhir.json import parse
from app.resources.paths import values
from app.resources.refs import local_id, parse_local
from app.search.parse import parse as understand
from app.session import Session

MOST = 1000
"""Students of one caseload, and groups and teams that it is made of: as many values as a search may have."""
Json = dict[str, Any]


async def with_caseload(session: Session, references: Iterable[str] | None) -> Session:
    """The session of a person whose work is limited to these; None: it is not. Raises TOO_COSTLY for too many."""
    if references is None:
        return session
    now = await store.moment(session.connection)
    found: set[UUID] = set()
    for reference in references:
        kind, _, name = reference.partition("/")
        rows = await (_group(session, name) if kind == "Group" else _naming(session, reference))
        for row in rows:
            content = parse(row.body)
            if row.type == "Group":
                found.update(_members(content, session.zone, now))
            else:
                found.update(_cared(content, reference, session.zone, now))
    if len(found) > MOST:
        raise HallpassError(Kind.TOO_COSTLY, f"The caseload has more than {MOST} students. Ask for a smaller one.")
    return replace(session, caseload=frozenset(found))


async def _group(session: Session, group: str) -> list[Stored]:
    row = await store.current(session.connection, "Group", UUID(group))
    return [row] if row is not None and not row.deleted and await session.holds(row.custodian) else []


async def _naming(session: Session, reference: str) -> list[Stored]:
    """The teams that are active and have the person in them, and the groups that the person manages."""
    found: list[Stored] = []
    for kind, pairs in (
        ("CareTeam", [("participant", reference), ("status", "active")]),
        ("Group", [("managing-entity", reference)]),
    ):
        settings = session.settings
        wanted = understand(
            kind, pairs, zone=session.zone, base_url=settings.fhir_base, default_count=MOST, max_count=MOST
        )
        found += await reads.matches(session, wanted, MOST)
    return found


def _members(group: Json, zone: ZoneInfo, now: datetime) -> Iterator[UUID]:
    """The students who are in a group now."""
    if group.get("active") is False:
        return
    for member in group.get("member", []):
        student = local_id(member.get("entity"), "Patient")
        if student is not None and not member.get("inactive") and _holds(member.get("period"), zone, now):
            yield student


def _cared(team: Json, reference: str, zone: ZoneInfo, now: datetime) -> Iterator[UUID]:
    """The student of a team, if the person is in it now."""
    student = local_id(team.get("subject"), "Patient")
    if student is None or not _holds(team.get("period"), zone, now):
        return
    target = parse_local(reference)
    for participant in values(team, "participant"):
        same = parse_local(str(participant.get("member", {}).get("reference"))) == target
        if same and _holds(participant.get("period"), zone, now):
            yield student


def _holds(said: Json | None, zone: ZoneInfo, now: datetime) -> bool:
    """Whether a Period covers now; none at all covers any moment, and one that cannot be read covers none."""
    try:
        covered = period(said, zone) if said else None
    except ValueError:
        return False
    return covered is None or covered.lower <= now < covered.upper
