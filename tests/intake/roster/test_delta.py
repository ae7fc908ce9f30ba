"""A source that tells of changes alone takes away again what it gave back. docs/whose-word-counts.md"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from app.consent import codes as c
from app.db.engine import Database
from app.intake.oneroster.reader import OneRoster
from tests.intake.importing import Importing, importing_into
from tests.intake.oneroster.support import enrollment, family, package

BORN = [{"sourcedId": "S1", "birthDate": "2014-03-09"}]
YES, NO = ([{"url": c.GUARDIAN_AUTHORITY, "valueBoolean": value}] for value in (True, False))


@pytest_asyncio.fixture
async def importing(db: Database, tmp_path: Path) -> AsyncIterator[Importing]:
    async with importing_into(db, tmp_path) as found:
        yield found


async def bulk(importing: Importing) -> None:
    path = package(importing.folder / "bulk.zip", users=family(1), demographics=BORN, enrollments=[enrollment(1)])
    await importing.run(OneRoster(path))


async def delta(importing: Importing, parent: str) -> None:
    """The family changed, and the parent is as `parent` says: `active` or `tobedeleted`."""
    changed = [
        {**row, "status": parent if row["role"] == "parent" else "active", "dateLastModified": "2026-01-10T00:00:00Z"}
        for row in family(1)
    ]
    path = package(importing.folder / "delta.zip", mode="delta", users=changed, orgs=[], academicSessions=[])
    await importing.run(OneRoster(path, "77"))


async def test_a_contact_that_a_delta_took_away_and_gave_back_is_taken_away_again(importing: Importing) -> None:
    await bulk(importing)
    for _ in range(2):
        await delta(importing, "active")
        guardian = await importing.one("/RelatedPerson")
        assert guardian["active"]
        await importing.change(guardian, extension=YES)
        await delta(importing, "tobedeleted")
        guardian = await importing.one("/RelatedPerson")
        assert (guardian["active"], guardian["extension"]) == (False, NO)
