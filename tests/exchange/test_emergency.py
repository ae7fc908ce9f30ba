"""Breaking the glass opens one student's record for an hour, and the custodian reads why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.consent.codes import ACT_CODE
from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.world import EVERYTHING, Member, World, open_world

WHY = "Child unconscious after a fall, allergies needed."


def _value() -> str:
    """A student's number like no other."""
    return f"E-{uuid4().hex[:8]}"


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def _hospital(world: World) -> Member:
    hospital = await world.member("Hospital", purposes=("TREAT", "BTG"), emergency=True)
    await world.login(hospital, f"{EVERYTHING} hallpass/emergency", purpose_of_use="BTG")
    return hospital


def _glass(value: str, reason: str = WHY) -> dict[str, Any]:
    identifier = {"system": "urn:test:student", "value": value}
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "identifier", "valueIdentifier": identifier},
            {"name": "reason", "valueString": reason},
        ],
    }


async def _ledger(world: World, student: dict[str, Any]) -> list[tuple[str, str, str]]:
    engine = create_async_engine(world.db.owner)
    async with engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT type, basis, reason FROM hallpass.disclosure WHERE student = :s ORDER BY at, request, id"),
            {"s": student["id"]},
        )
        found = [tuple(r) for r in rows]
    await engine.dispose()
    return found


async def test_a_broken_glass_opens_the_students_record_and_is_flagged_with_its_reason(world: World) -> None:
    district, hospital = await world.member("District"), await _hospital(world)
    number = _value()
    student = await district.create(build.patient(number))
    visit = await district.create(build.encounter(student))
    other = await district.create(build.patient(_value()))
    label = [{"system": ACT_CODE, "code": "PSYTHPN"}]
    note = await district.create(build.encounter(student, meta={"security": label}))
    assert (await hospital.get(f"/Patient/{student['id']}")).status_code == 404

    opened = await hospital.post("/Patient/$break-glass", _glass(number))
    assert (opened.status_code, opened.json()["id"]) == (200, student["id"])
    assert await hospital.ids("/Encounter") == [visit["id"]]
    assert (await hospital.get(f"/Encounter/{note['id']}")).status_code == 404
    assert (await hospital.get(f"/Patient/{other['id']}")).status_code == 404
    assert await _ledger(world, student) == [("Patient", "emergency", WHY), ("Encounter", "emergency", WHY)]


async def test_what_belongs_to_a_record_that_stays_closed_stays_closed_as_well(world: World) -> None:
    """The Task of a referral under Part 2 bears no label of its own; nor is it there to be taken up."""
    district, hospital = await world.member("District"), await _hospital(world)
    number = _value()
    student = await district.create(build.patient(number))
    labels = {"security": [{"system": ACT_CODE, "code": "42CFRPart2"}]}
    referral = await district.create(build.referral(student, meta=labels))
    told = build.task(student, referral, district.reference, district.reference, description="Substance use")
    task = await district.create({k: v for k, v in told.items() if k != "owner"})
    assert (await hospital.post("/Patient/$break-glass", _glass(number))).status_code == 200
    for path in (f"/Task/{task['id']}", f"/Task/{task['id']}/_history/1"):
        assert (await hospital.get(path)).status_code == 404
    for path in (
        "/Task",
        f"/Patient/{student['id']}/$everything",
        "/_history",
        f"/Patient/{student['id']}/$support-plan",
    ):
        answer = await hospital.get(path)
        assert (answer.status_code, task["id"] in answer.text) == (200, False), path
    claim = await hospital.put(f"/Task/{task['id']}", {**task, "owner": hospital.reference, "status": "accepted"})
    assert claim.status_code == 404


async def test_without_the_emergency_purpose_a_broken_glass_opens_nothing(world: World) -> None:
    district, hospital = await world.member("District"), await _hospital(world)
    number = _value()
    student = await district.create(build.patient(number))
    assert (await hospital.post("/Patient/$break-glass", _glass(number))).status_code == 200
    await world.login(hospital, EVERYTHING)
    assert (await hospital.get(f"/Patient/{student['id']}")).status_code == 404


async def test_a_reason_a_scope_and_a_student_are_needed(world: World) -> None:
    district, hospital = await world.member("District"), await _hospital(world)
    number = _value()
    await district.create(build.patient(number))
    for short in ("urgent", 9 * " " + 19 * "x" + 9 * " "):
        answer = await hospital.post("/Patient/$break-glass", _glass(number, short))
        refused(answer, 422, "required", "Parameters.parameter")
    assert (await hospital.post("/Patient/$break-glass", _glass("nobody"))).status_code == 404
    clinic = await world.member("Clinic")
    refused(await clinic.post("/Patient/$break-glass", _glass(number)), 403, "forbidden")
    await world.login(hospital, EVERYTHING, purpose_of_use="BTG")
    refused(await hospital.post("/Patient/$break-glass", _glass(number)), 403, "forbidden")
    await world.login(hospital, "system/Encounter.r hallpass/emergency", purpose_of_use="BTG")
    refused(await hospital.post("/Patient/$break-glass", _glass(number)), 403, "forbidden")
    await world.login(hospital, "system/Patient.r hallpass/emergency", purpose_of_use="BTG")
    assert (await hospital.post("/Patient/$break-glass", _glass(number, 20 * "x"))).status_code == 200


async def test_the_same_number_at_another_organization_hides_no_student(world: World) -> None:
    """Whoever files a Patient by it neither stops the emergency nor stays off the ledger."""
    district, planter, hospital = await world.member("District"), await world.member("Other"), await _hospital(world)
    number = _value()
    students = [await member.create(build.patient(number)) for member in (district, planter)]
    visit = await district.create(build.encounter(students[0]))
    opened = await hospital.post("/Patient/$break-glass", _glass(number))
    assert opened.status_code == 200
    assert {e["resource"]["id"] for e in opened.json()["entry"]} == {s["id"] for s in students}
    assert await hospital.ids("/Encounter?patient=" + students[0]["id"]) == [visit["id"]]
    for student in students:
        assert (await _ledger(world, student))[0] == ("Patient", "emergency", WHY)


async def test_what_was_opened_is_read_with_the_scope_as_well_as_the_purpose(world: World) -> None:
    district, hospital = await world.member("District"), await _hospital(world)
    number = _value()
    student = await district.create(build.patient(number))
    assert (await hospital.post("/Patient/$break-glass", _glass(number))).status_code == 200
    await world.login(hospital, EVERYTHING, purpose_of_use="BTG")
    assert (await hospital.get(f"/Patient/{student['id']}")).status_code == 404
    assert student["id"] not in await hospital.ids("/Patient")
    await world.login(hospital, f"{EVERYTHING} hallpass/emergency", purpose_of_use="BTG")
    assert (await hospital.get(f"/Patient/{student['id']}")).status_code == 200


async def test_a_broken_glass_is_told_to_who_broke_it_and_to_no_stranger(world: World) -> None:
    district, hospital, clinic = await world.member("District"), await _hospital(world), await world.member("Clinic")
    number = _value()
    await district.create(build.patient(number))
    assert (await hospital.post("/Patient/$break-glass", _glass(number))).status_code == 200
    told = (await hospital.get("/AuditEvent?subtype=emergency")).json().get("entry", [])
    assert "the glass was broken" in [e["resource"].get("outcomeDesc") for e in told]
    assert "entry" not in (await clinic.get("/AuditEvent?subtype=emergency")).json()


async def test_the_glass_closes_after_an_hour(world: World) -> None:
    district, hospital = await world.member("District"), await _hospital(world)
    number = _value()
    student = await district.create(build.patient(number))
    assert (await hospital.post("/Patient/$break-glass", _glass(number))).status_code == 200
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await connection.execute(
            text("UPDATE hallpass.emergency SET opens = opens - interval '61 min', closes = closes - interval '61 min'")
        )
    await engine.dispose()
    assert (await hospital.get(f"/Patient/{student['id']}")).status_code == 404


async def test_the_students_custodian_reviews_broken_glass(world: World) -> None:
    district, hospital = (
        await world.member("District"),
        await world.member("Hospital", purposes=("TREAT", "BTG"), emergency=True),
    )
    student = await district.create(build.patient(f"S-{uuid4().hex[:8]}"))
    await world.login(hospital, f"{EVERYTHING} hallpass/emergency", purpose_of_use="BTG")
    given = [
        {"name": "identifier", "valueIdentifier": student["identifier"][0]},
        {"name": "reason", "valueString": WHY},
    ]
    await hospital.post("/Patient/$break-glass", {"resourceType": "Parameters", "parameter": given})
    await hospital.get(f"/Patient/{student['id']}")
    (listed,) = (await district.get("/Patient/$broken-glass?reviewed=false")).json()["parameter"]
    told = {p["name"]: p for p in listed["part"]}
    assert told["patient"]["valueReference"] == build.ref(student)
    assert told["organization"]["valueReference"]["reference"] == hospital.reference["reference"]
    assert told["reason"]["valueString"] == WHY
    assert told["versions"]["valueInteger"] >= 1

    review = [{"name": "glass", "valueId": told["id"]["valueId"]}, {"name": "note", "valueString": "It was needed."}]
    asked = {"resourceType": "Parameters", "parameter": review}
    stranger = await world.member("Stranger")
    for other in (stranger, hospital):
        assert "parameter" not in (await other.get("/Patient/$broken-glass")).json()
        assert (await other.post("/Patient/$broken-glass", asked)).status_code in (403, 404)
    done = await district.post("/Patient/$broken-glass", asked)
    assert done.status_code == 200, done.text
    assert done.json()["parameter"][0]["part"][-1]["valueString"] == "It was needed."
    assert (await district.post("/Patient/$broken-glass", asked)).status_code == 409
    assert "parameter" not in (await district.get("/Patient/$broken-glass?reviewed=false")).json()
