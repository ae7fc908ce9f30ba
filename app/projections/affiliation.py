"""What releases need of an OrganizationAffiliation: who may disclose to whom, and when."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent import codes as c
from app.consent.lapses import held
from app.consent.model import Agreement, Window
from app.db import projections, write
from app.db.rows import Stored
from app.fhir.dates import BEGINNING, END, period
from app.projections.consent_context import versions_of
from app.projections.projection import Projection, one_by_one
from app.resources.paths import values
from app.resources.refs import local_id
from app.session import Session


async def _compute(session: Session, row: Stored, _content: dict[str, Any], zone: ZoneInfo) -> frozenset[Agreement]:
    """Who may and might disclose to whom by an OrganizationAffiliation, each time that it was so without a break."""
    versions = [(at, _agreed(content, zone)) for at, content in await versions_of(session, row)]
    return frozenset(
        Agreement(row.custodian, *pair, window)
        for pair in {pair for _, agreed in versions for pair in agreed}
        for window in held([(at, agreed.get(pair)) for at, agreed in versions])
    )


def _agreed(content: dict[str, Any] | None, zone: ZoneInfo) -> dict[tuple[UUID, UUID], Window]:
    """Discloser and recipient, with the window, by one version of an OrganizationAffiliation; None: it was deleted.

    `code` says the part of the participating organization: recipient (IRCP), discloser (CST), or both. Without a
    direction it agrees to nothing.
    """
    one, other = (local_id((content or {}).get(x)) for x in ("organization", "participatingOrganization"))
    if content is None or content.get("active") is not True or one is None or other is None:
        return {}
    stated = period(content["period"], zone) if content.get("period") else None
    window = (stated.lower, stated.upper) if stated else (BEGINNING, END)
    roles = {x.get("code") for x in values(content, "code.coding") if x.get("system") == c.PARTICIPATION}
    ways = {"IRCP": (one, other), "CST": (other, one)}
    return {ways[role]: window for role in roles & set(ways)}


async def _current(session: Session, row: Stored) -> Any:
    return await projections.agreements(session.connection, row.id)


async def _store(session: Session, row: Stored, found: frozenset[Agreement]) -> None:
    if ended := await projections.agreements(session.connection, row.id) - found:
        await write.lock_agreements(session.connection, ended)
    await write.put_agreements(session.connection, row.id, found)


AFFILIATION = Projection(_compute, _current, one_by_one(_store))
