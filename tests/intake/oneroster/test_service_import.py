"""A OneRoster service is imported as its package is, and the next import goes on from where the last one ended."""

from __future__ import annotations

from pathlib import Path

from app.db.engine import Database
from app.intake.oneroster.service import OneRosterService
from app.intake.pull.credentials import Bearer
from tests.intake.importing import importing_into
from tests.intake.oneroster.service import serving
from tests.intake.oneroster.support import needs_shared
from tests.intake.oneroster.test_service import modified


@needs_shared
async def test_a_service_is_imported_and_then_only_what_changed_is_asked_for(db: Database, tmp_path: Path) -> None:
    with serving("1.2") as service:
        source = OneRosterService(service.url, Bearer("t"), backoff=0.001)
        async with importing_into(db, tmp_path) as importing:
            await importing.run(source, accept_shrink=True)
            assert importing.counts("Student") == {"created": 6}
            modified(service, "users", "STU-604822", givenName="Lise")
            service.http.asked.clear()
            await importing.run(source)
            assert importing.counts("Student") == {"changed": 1}
            assert importing.counts("Contact") == {"unchanged": 2}
            assert {a.query.get("filter", "")[:16] for a in service.http.asked if "/users/" not in a.path} == {
                "dateLastModified"
            }
            student = await importing.one("/Patient?identifier=urn:oneroster:255901:student|604822")
            assert student["name"][0]["given"][0] == "Lise"
