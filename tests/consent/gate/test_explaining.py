"""A custodian is told why, and before signing what; nobody else learns anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from app.store.engine import Database
from tests import build
from tests.world import Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def _three(world: World) -> tuple[Member, Member, Member]:
    district, clinic, stranger = [await world.member(n) for n in ("District", "Clinic", "Stranger")]
    await world.agree(district, clinic)
    return district, clinic, stranger


def _ask(recipient: Member, purpose: str = "TREAT", **what: Any) -> dict[str, Any]:
    name, value = next(iter(what.items()))
    part = {"name": name, "valueCode": value} if name == "type" else {"name": name, "valueReference": value}
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "recipient", "valueReference": recipient.reference},
            {"name": "purpose", "valueCode": purpose},
            part,
        ],
    }


def _parts(parameters: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The named parameters, each as a plain dict of its parts."""
    return [
        {p["name"]: next(v for k, v in p.items() if k != "name") for p in x["part"]}
        for x in parameters.get("parameter", [])
        if x["name"] == name
    ]


async def test_explain_says_which_consent_and_provision_decided(world: World) -> None:
    district, clinic, stranger = await _three(world)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    referral = await district.create(build.referral(student))
    release = await district.create(build.consent(student, mother, district.reference, clinic.reference))

    asked = _ask(clinic, resource=build.ref(referral))
    path = f"/Patient/{student['id']}/$explain-access"
    (record,) = _parts((await district.post(path, asked)).json(), "record")
    assert record["decision"] == "permit"
    assert record["consent"]["reference"] == f"Consent/{release['id']}/_history/1"

    (record,) = _parts(
        (await district.post(path, _ask(clinic, "HPAYMT", resource=build.ref(referral)))).json(), "record"
    )
    assert (record["decision"], record["why"]) == ("deny", "no release in force permits it")
    (record,) = _parts((await district.post(path, _ask(stranger, type="Encounter"))).json(), "record")
    assert record["decision"] == "deny"


async def test_explain_tells_nobody_but_the_custodian(world: World) -> None:
    district, clinic, stranger = await _three(world)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    await district.create(build.consent(student, mother, district.reference, clinic.reference))
    absent = "/Patient/00000000-0000-4000-8000-000000000000/$explain-access"
    for other in (clinic, stranger):
        refused = await other.post(f"/Patient/{student['id']}/$explain-access", _ask(clinic, type="Encounter"))
        assert refused.status_code == 404
        assert refused.content == (await other.post(absent, _ask(clinic, type="Encounter"))).content


async def test_preview_counts_what_a_draft_would_open_and_says_what_is_missing(world: World) -> None:
    district, clinic, _ = await _three(world)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    for _n in range(2):
        await district.create(build.referral(student))
    await district.create(build.encounter(student))
    draft = build.consent(student, mother, district.reference, clinic.reference)
    del draft["sourceAttachment"]
    response = await district.post("/Consent/$preview", draft)
    assert response.status_code == 200, response.text
    assert [m["expression"] for m in _parts(response.json(), "missing")] == ["Consent.source"]
    (recipient,) = [p for p in response.json()["parameter"] if p["name"] == "recipient"]
    opens = {p["part"][0]["valueCode"]: p["part"][1]["valueInteger"] for p in recipient["part"] if p["name"] == "opens"}
    keeps = {p["part"][0]["valueCode"]: p["part"][2]["valueString"] for p in recipient["part"] if p["name"] == "keeps"}
    assert opens == {"Patient": 1, "ServiceRequest": 2}
    assert keeps["Encounter"] == "class: another type"
    assert await clinic.ids("/ServiceRequest") == []


async def test_preview_of_somebody_elses_student_is_a_reference_to_nothing(world: World) -> None:
    district, clinic, stranger = await _three(world)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    draft = build.consent(student, mother, stranger.reference, clinic.reference)
    hidden = await stranger.post("/Consent/$preview", draft)
    absent = {"reference": "Patient/00000000-0000-4000-8000-000000000000"}
    nothing = await stranger.post("/Consent/$preview", {**draft, "patient": absent})
    assert (hidden.status_code, hidden.content) == (422, nothing.content)
