"""What a Consent comes to: a release, with what the access index has to know of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from app.consent.model import Release
from app.consent.narrowing import narrows, only_sooner
from app.consent.parse import ParsedConsent
from app.consent.parse import read as read_consent
from app.db import projections, write
from app.db.caller import Write, lock_writes
from app.db.rows import Stored
from app.errors import HallpassError, Kind
from app.projections.consent_context import consent_context
from app.projections.projection import Projection, one_by_one
from app.session import Session


async def _compute(session: Session, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> ParsedConsent:
    """What a Consent comes to; nothing unless it is active."""
    if content.get("status") != "active" or row.deleted:
        return ParsedConsent(None, ())
    return read_consent(
        content, row.id, row.version, await consent_context(session, row.compartment, row.custodian, content, zone)
    )  # fmt: skip


async def _current(session: Session, row: Stored) -> Any:
    return await projections.release(session.connection, row.compartment, row.id)


async def _store(session: Session, row: Stored, reading: ParsedConsent) -> None:
    """Put the release in the place of the one before. Raises UNPROCESSABLE with every gap."""
    if reading.missing:
        raise HallpassError(Kind.UNPROCESSABLE, *reading.missing)
    before = await projections.release(session.connection, row.compartment, row.id)
    await put_release(session.connection, row.compartment, row.custodian, row.id, before, reading.release)


async def put_release(
    connection: AsyncConnection,
    compartment: UUID,
    custodian: UUID,
    consent: UUID,
    before: Release | None,
    now: Release | None,
) -> None:
    """Put a release in the place of the one before, with what the access index has to know.

    What opens more is indexed here. What only ends or narrows writes a row for each organization named, whatever it
    had opened: the index is brought up to date later, and until then what it precomputed is judged.
    """
    if before == now:
        return
    opens = now is not None and any(p.permit for p in now.provisions) and not (before and narrows(before, now))
    ends = now is None or (before is not None and only_sooner(before, now))
    if opens:
        await lock_writes(connection, [Write(compartment, custodian, consent, "index")])
    await write.put_release(connection, compartment, consent, now)
    await write.refresh_validity(connection, compartment, custodian)
    if opens:
        await write.index_student(connection, compartment, custodian)
    else:
        await write.defer_index(connection, compartment, custodian, distrust=not ends)


CONSENT = Projection(_compute, _current, one_by_one(_store))
