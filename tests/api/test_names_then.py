"""Who renames itself does not rename its past: entries of the ledger have the names of then, with the ids."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.world import Member, open_world


async def _rename(member: Member, path: str, **changes: Any) -> None:
    stored = (await member.get(path)).json()
    await member.save({**stored, **changes})


@pytest_asyncio.fixture(scope="module")
async def members(db: Database) -> Any:
    """A clinic that is given a record, and renames itself; so do the district and the mother who signed."""
    async with open_world(db) as world:
        district, clinic = await world.member("District of Then"), await world.member("Clinic of Then")
        await world.agree(district, clinic)
        student = await district.create(build.patient())
        mother = await district.create(build.guardian(student, name=[{"given": ["Rosa"], "family": "Then"}]))
        await district.create(build.consent(student, mother, district.reference, clinic.reference))
        assert (await clinic.get(f"/Patient/{student['id']}?_summary=text")).status_code == 200
        assert (await clinic.get("/Patient?birthdate=gt2000")).status_code == 200
        await _rename(clinic, f"/Organization/{clinic.organization}", name="Clinic of Now")
        await _rename(district, f"/Organization/{district.organization}", name="District of Now")
        await _rename(district, f"/RelatedPerson/{mother['id']}", name=[{"given": ["Rosa"], "family": "Now"}])
        assert (await clinic.get(f"/Patient/{student['id']}")).status_code == 200
        yield district, clinic, student, mother


@pytest.mark.parametrize("of", ["Patient", "Organization"])
async def test_the_record_of_disclosures_keeps_the_names(members: Any, of: str) -> None:
    district, clinic, student, mother = members
    path = f"Patient/{student['id']}" if of == "Patient" else f"Organization/{clinic.organization}"
    text = (await district.get(f"/{path}/$disclosures?_format=csv&basis=release")).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(r["from"], r["to"], r["signer"]) for r in rows] == [
        (
            f"District of {when} ({district.organization})",
            f"Clinic of {when} ({clinic.organization})",
            f"RelatedPerson/{mother['id']} Rosa {when}",
        )
        for when in ("Then", "Then", "Now")
    ]


async def test_audit_events_keep_the_names(members: Any) -> None:
    """Of disclosures, of queries, and of the client's own events; by a search, by id and in the record."""
    district, clinic, student, _ = members
    for query in ("subtype=release", "subtype=query", f"patient=Patient/{student['id']}"):
        first = (await district.get(f"/AuditEvent?{query}&_sort=date&_count=1")).json()["entry"][0]["resource"]
        names = [a["who"].get("display") for a in first["agent"]]
        assert names == ["Hallpass", "Clinic of Then", "District of Then"]
        assert first["source"]["observer"]["display"] == "District of Then"
        assert (await district.get(f"/AuditEvent/{first['id']}")).json() == first
    record = (await district.get(f"/Patient/{student['id']}/$disclosures")).json()
    signed = [
        [d["valueString"].rpartition(" ")[2] for d in e["resource"]["entity"][-1]["detail"] if d["type"] == "signer"]
        for e in record["entry"]
    ]
    assert signed == [["Then"], ["Then"], ["Now"]]
    login = (await clinic.get("/AuditEvent?subtype=login&_count=1&_sort=date")).json()["entry"][0]["resource"]
    assert login["agent"][0]["who"]["display"] == "Clinic of Then"
