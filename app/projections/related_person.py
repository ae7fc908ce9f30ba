"""What releases need of a RelatedPerson: the window of its authority to sign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from app.consent.signing import guards_an_adult
from app.db import projections, write
from app.db.rows import Stored
from app.projections.consent_context import standing_authority
from app.projections.projection import Change, Projection
from app.session import Session


async def _compute(session: Session, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> Any:
    window = await standing_authority(session, row, zone)
    return (window, guards_an_adult(content)) if window else None


async def _current(session: Session, row: Stored) -> Any:
    return await projections.authority(session.connection, row.compartment, row.id)


async def _store(session: Session, changes: Sequence[Change]) -> None:
    await write.put_authorities(session.connection, changes)


RELATED_PERSON = Projection(_compute, _current, _store, at_once=False)
