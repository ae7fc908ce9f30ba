"""Reads back what follows from resources (app/projections/steps.py), one resource's at a time."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.consent.model import AdultFrom, Agreement, Release, Window
from app.db import policies, tables


class OrganizationPlace(NamedTuple):
    """What releases need of an organization; `honor`: a parent's old release stands past the 18th birthday."""

    parent: UUID | None
    zone: str
    honor: bool
    state: str | None
    classes: frozenset[UUID]


async def born(connection: AsyncConnection, compartment: UUID) -> tuple[tuple[date, date], AdultFrom] | None:
    """The first and last possible day of a student's birth, and from when it signs as an adult before 18."""
    t = tables.student.c
    row = (
        await connection.execute(
            select(t.born_from, t.born_to, t.emancipated, t.enrolled).where(t.compartment == compartment)
        )
    ).one_or_none()
    return ((row.born_from, row.born_to), AdultFrom(row.emancipated, row.enrolled)) if row else None


async def authority(connection: AsyncConnection, compartment: UUID, person: UUID) -> tuple[Window, bool] | None:
    """The window of a RelatedPerson's authority, and whether it is over an adult; None: it has none."""
    t = tables.authority.c
    row = (
        await connection.execute(select(t.opens, t.closes, t.adult).where(t.compartment == compartment, t.id == person))
    ).one_or_none()
    return ((row.opens, row.closes), row.adult) if row else None


async def agreements(connection: AsyncConnection, affiliation: UUID) -> frozenset[Agreement]:
    """Who may disclose to whom by an OrganizationAffiliation."""
    rows = await connection.execute(select(tables.agreement).where(tables.agreement.c.id == affiliation))
    return frozenset(Agreement(r.custodian, r.discloser, r.recipient, (r.opens, r.closes)) for r in rows)


async def place(connection: AsyncConnection, organization: UUID) -> OrganizationPlace | None:
    """What there is to know of an organization; None where it is none of the network."""
    row = (
        await connection.execute(select(tables.organization).where(tables.organization.c.id == organization))
    ).one_or_none()
    if row is None:
        return None
    parent = row.ancestors[1] if len(row.ancestors) > 1 else None
    return OrganizationPlace(parent, row.zone, row.honor, row.state, frozenset(row.classes))


async def release(connection: AsyncConnection, compartment: UUID, consent: UUID) -> Release | None:
    """What a Consent compiled to; None: it grants nothing."""
    return next((r for r in await policies.releases(connection, compartment) if r.consent == consent), None)
