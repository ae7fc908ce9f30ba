"""What releases need of an OrganizationAffiliation: who may disclose to whom, and when."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from app.consent import codes as c
from app.consent.model import Agreement
from app.db import projections, write
from app.db.rows import Stored
from app.fhir.dates import BEGINNING, END, period
from app.projections.projection import Projection, one_by_one
from app.resources.paths import values
from app.resources.refs import local_id
from app.session import Session


async def _compute(_session: Session, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> frozenset[Agreement]:
    """Who may disclose to whom by an OrganizationAffiliation.

    `code` says the part of the participating organization: recipient (IRCP), discloser (CST), or both. Without a
    direction it agrees to nothing.
    """
    one, other = local_id(content.get("organization")), local_id(content.get("participatingOrganization"))
    if row.deleted or content.get("active") is not True or one is None or other is None:
        return frozenset()
    stated = period(content["period"], zone) if content.get("period") else None
    window = (stated.lower, stated.upper) if stated else (BEGINNING, END)
    roles = {x.get("code") for x in values(content, "code.coding") if x.get("system") == c.PARTICIPATION}
    ways = {"IRCP": (one, other), "CST": (other, one)}
    return frozenset(Agreement(row.custodian, *ways[role], window) for role in roles & set(ways))


async def _current(session: Session, row: Stored) -> Any:
    return await projections.agreements(session.connection, row.id)


async def _store(session: Session, row: Stored, found: frozenset[Agreement]) -> None:
    if ended := await projections.agreements(session.connection, row.id) - found:
        await write.lock_agreements(session.connection, ended)
    await write.put_agreements(session.connection, row.id, found)


AFFILIATION = Projection(_compute, _current, one_by_one(_store))
