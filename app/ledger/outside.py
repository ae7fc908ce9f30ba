"""Disclosures outside the exchange (telephone, paper, subpoena), as their custodian entered them: asserted, not proved.

34 CFR 99.31, 99.32. They stand in the record of disclosures beside the ledger's entries. Row-level security keeps what
others disclosed out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, insert, or_, select, true, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.tables import outside_disclosure, resource
from app.ledger.entries import Entry, Filter, Position

ASSERTED = "asserted"
"""The basis of such an entry."""
_c = outside_disclosure.c


async def add(
    connection: AsyncConnection,
    *,
    student: UUID,
    id: UUID,
    at: datetime,
    parties: tuple[UUID, UUID | None],
    client: str,
    consent: UUID | None,
    event: dict[str, Any],
) -> None:
    """Enter one. `parties`: who disclosed, and who received where that is an organization of the network."""
    await connection.execute(
        insert(outside_disclosure).values(
            compartment=student,
            id=id,
            at=at,
            entered=func.hallpass.instant(),
            custodian=parties[0],
            client=client,
            recipient=parties[1],
            consent=consent,
            body=event,
        )
    )


async def page(connection: AsyncConnection, wanted: Filter, after: Position | None, limit: int) -> list[Entry]:
    """Those that a filter leaves, in its order, from behind a position."""
    order = [_c.at, _c.id]
    chosen = _chosen(wanted)
    if after is not None:
        here, place = tuple_(_c.at, _c.id, _c.id), after[:3]
        chosen.append(here < place if wanted.newest_first else here > place)
    statement = select(outside_disclosure).where(*chosen)
    ordered = statement.order_by(*(c.desc() if wanted.newest_first else c for c in order)).limit(limit)
    return [_entry(row) for row in await connection.execute(ordered)]


async def count(connection: AsyncConnection, wanted: Filter) -> int:
    """How many a filter leaves."""
    found = select(func.count()).select_from(outside_disclosure).where(*_chosen(wanted))
    return int(await connection.scalar(found) or 0)


async def one(connection: AsyncConnection, event_id: UUID) -> Entry | None:
    """One by its id."""
    row = (await connection.execute(select(outside_disclosure).where(_c.id == event_id))).one_or_none()
    return _entry(row) if row is not None else None


def recipient_name(entry: Entry) -> str:
    """Who received outside the exchange, in words; empty for an organization of the network."""
    if entry.asserted is None or entry.recipient != entry.id:
        return ""
    for agent in entry.asserted.get("agent", []):
        if agent.get("requestor") is True:
            who = agent.get("who", {})
            identifier = who.get("identifier", {})
            return str(who.get("display") or agent.get("name") or identifier.get("value") or who.get("reference", ""))
    return ""


def _chosen(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [true()]
    if wanted.basis not in (None, ASSERTED) or wanted.client is not None:
        return [~true()]
    found += [_c.compartment == wanted.student] if wanted.student else []
    found += [_c.recipient == wanted.recipient] if wanted.recipient else []
    found += [_c.at >= wanted.start] if wanted.start else []
    found += [_c.at < wanted.end] if wanted.end else []
    for named in (wanted.entity, wanted.consent):
        if named is not None:
            own = select(resource.c.compartment).where(resource.c.id == named).limit(1).scalar_subquery()
            found.append(_c.compartment == own)
    if wanted.consent is not None:
        found.append(_c.consent == wanted.consent)
    if wanted.entity is not None:
        found.append(or_(_c.compartment == wanted.entity, _c.consent == wanted.entity))
    if wanted.purpose is not None:
        found.append(_c.body.contains({"purposeOfEvent": [{"coding": [{"code": wanted.purpose}]}]}))
    return found


def _entry(row: Row[Any]) -> Entry:
    purposes = [x.get("code", "") for p in row.body.get("purposeOfEvent", []) for x in p.get("coding", [])]
    return Entry(
        at=row.at,
        request=row.id,
        interaction="outside",
        type="AuditEvent",
        id=row.id,
        version=0,
        student=row.compartment,
        custodian=row.custodian,
        recipient=row.recipient or row.id,
        client=row.client,
        purposes=tuple(purposes),
        basis=ASSERTED,
        consent=row.consent,
        consent_version=None,
        reason=row.body.get("outcomeDesc"),
        asserted=row.body,
    )
