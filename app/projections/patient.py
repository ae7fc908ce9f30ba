"""What releases need of a Patient: the first and last possible day of birth, and from when it signs as an adult."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from app.db import projections, write
from app.db.rows import Stored
from app.fhir.dates import born
from app.projections.consent_context import adult_by
from app.projections.projection import Change, Projection
from app.session import Session


async def _compute(session: Session, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> Any:
    day = content.get("birthDate")
    return (born(day), await adult_by(session, row, content, zone)) if day and not row.deleted else None


async def _current(session: Session, row: Stored) -> Any:
    return await projections.born(session.connection, row.compartment)


async def _store(session: Session, changes: Sequence[Change]) -> None:
    await write.put_students(session.connection, changes)


PATIENT = Projection(_compute, _current, _store, at_once=False)
