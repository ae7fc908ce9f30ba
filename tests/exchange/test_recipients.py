"""Whom a release names otherwise than by an id: a class of recipients, or an identifier alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.consent.codes import RECIPIENT_CLASS
from app.db.engine import Database
from app.errors import HallpassError, Kind
from app.exchange.verify import Verifier
from tests import build
from tests.world import Member, World, open_world

NPI = "http://hl7.org/fhir/sid/us-npi"
MRN = "urn:test:student"


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


Two = tuple[Member, Member]


@pytest_asyncio.fixture
async def two(world: World) -> Two:
    """A district, and a clinic that it has an agreement with."""
    district, clinic = await world.member("District"), await world.member("Clinic")
    await world.agree(district, clinic)
    return district, clinic


def _by(system: str, value: str) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": value}}


async def _student(district: Member, value: str) -> tuple[dict[str, Any], dict[str, Any]]:
    student = await district.create(build.patient(value))
    mother = await district.create(build.guardian(student, identifier=[{"system": "urn:test:person", "value": value}]))
    return student, mother


def _parameters(references: dict[str, Any]) -> dict[str, Any]:
    parts = [{"name": k, "valueReference": v} for k, v in references.items()]
    return {"resourceType": "Parameters", "parameter": [*parts, {"name": "purpose", "valueCode": "TREAT"}]}


async def test_who_is_of_a_class_no_more_sees_nothing_from_that_moment(world: World, two: Two) -> None:
    district, clinic = two
    student, mother = await _student(district, "C-1")
    recipient = _by(RECIPIENT_CLASS, "health-care-provider")
    await district.create(build.consent(student, mother, district.reference, recipient))
    path = f"/Patient/{student['id']}"
    seen = []
    for classes in ([], ["food", "health-care-provider"], ["food"], []):
        await world.operator.edit_organization(clinic.organization, classes=classes)
        seen.append((await clinic.get(path)).status_code)
    assert seen == [404, 200, 404, 404]


async def test_who_received_under_a_class_sees_the_consent_from_then_on_and_keeps_it(world: World, two: Two) -> None:
    """RELEASES.md: a recipient can hold a copy of what it received under; the rest of the class learns nothing."""
    district, clinic = two
    other = await world.member("Pantry")
    await world.agree(district, other)
    for member in (clinic, other):
        await world.operator.edit_organization(member.organization, classes=["food"])
    student, mother = await _student(district, "C-3")
    release = await district.create(build.consent(student, mother, district.reference, _by(RECIPIENT_CLASS, "food")))
    path, mine = f"/Consent/{release['id']}", f"/Consent?patient=Patient/{student['id']}"
    before = (await clinic.get(path)).status_code, (await clinic.get(mine)).json()["total"]
    assert (await clinic.get(f"/Patient/{student['id']}")).status_code == 200
    assert (before, (await clinic.get(path)).status_code) == ((404, 0), 200)
    found = [await clinic.ids(url) for url in (mine, f"/Consent?_id={release['id']}", "/Consent/_history")]
    assert found == [[release["id"]]] * 3
    assert (await other.get(path)).status_code == 404
    await district.save({**release, "status": "inactive"})
    await world.operator.edit_organization(clinic.organization, classes=[])
    assert (await clinic.get(f"/Patient/{student['id']}")).status_code == 404
    assert [(await clinic.get(f"{path}/_history/{n}")).json()["status"] for n in (1, 2)] == ["active", "inactive"]
    assert await clinic.ids(mine) == [release["id"]]
    asked = {"recipient": clinic.reference, "resource": {"reference": path.removeprefix("/")}}
    told = await district.post(f"/Patient/{student['id']}/$explain-access", _parameters(asked))
    assert '"permit"' in told.text, told.text
    assert [f.what async for f in Verifier(world.db, world.settings).run()] == []


async def test_no_member_says_of_which_class_an_organization_is(two: Two) -> None:
    _, clinic = two
    own = (await clinic.get(f"/Organization/{clinic.organization}")).json()
    own["type"] = [{"coding": [{"system": RECIPIENT_CLASS, "code": "food"}]}]
    response = await clinic.put(f"/Organization/{clinic.organization}", own)
    assert (response.status_code, response.json()["issue"][0]["expression"]) == (403, ["Organization.type"])


async def test_a_preview_tells_what_a_class_would_see(two: Two) -> None:
    district, _ = two
    student, mother = await _student(district, "C-2")
    draft = build.consent(student, mother, district.reference, _by(RECIPIENT_CLASS, "food"))
    (recipient,) = (await district.post("/Consent/$preview", draft)).json()["parameter"]
    assert recipient["part"][0] == {"name": "class", "valueCode": "food"}
    assert [p["name"] for p in recipient["part"][1:]] == ["opens", "keeps"]


async def test_a_consent_may_name_everyone_by_an_identifier(world: World, two: Two) -> None:
    district, clinic = two
    await world.operator.verify_identifier(clinic.organization, NPI, "1234567893")
    await world.operator.verify_identifier(district.organization, NPI, "1888888882")
    student, mother = await _student(district, "I-1")
    consent = build.consent(student, mother, _by(NPI, "1888888882"), _by(NPI, "1234567893"))
    consent |= {"patient": _by(MRN, "I-1"), "performer": [_by("urn:test:person", "I-1")]}
    stored = await district.create(consent)
    assert stored["patient"] == {"reference": f"Patient/{student['id']}", **_by(MRN, "I-1")}
    assert stored["performer"] == [{"reference": f"RelatedPerson/{mother['id']}", **_by("urn:test:person", "I-1")}]
    assert (await clinic.get(f"/Patient/{student['id']}")).status_code == 200
    again = await district.put(f"/Consent/{stored['id']}", {**consent, "id": stored["id"]})
    assert again.status_code == 200, again.text
    assert again.json()["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    ("element", "at"),
    [
        ("recipient", ["Consent.provision.actor[0].reference", "Consent.provision.actor"]),
        ("discloser", ["Consent.organization[0]"]),
        ("performer", ["Consent.performer[0]"]),
        ("patient", ["Consent.patient"]),
    ],
)
async def test_an_identifier_that_leads_to_none_is_a_gap_that_names_the_element(
    two: Two, element: str, at: list[str]
) -> None:
    """Also one that the organization itself claims, but that nobody verified."""
    district, clinic = two
    for member in two:
        own = (await member.get(f"/Organization/{member.organization}")).json()
        await member.save({**own, "identifier": [{"system": NPI, "value": str(member.organization)}]})
    student, mother = await _student(district, element)
    recipient = _by(NPI, str(clinic.organization)) if element == "recipient" else clinic.reference
    discloser = _by(NPI, str(district.organization)) if element == "discloser" else district.reference
    consent = build.consent(student, mother, discloser, recipient)
    consent |= {"performer": [_by("urn:test:person", "nobody")]} if element == "performer" else {}
    consent |= {"patient": _by(MRN, "nobody")} if element == "patient" else {}
    response = await district.post("/Consent", consent)
    assert response.status_code == 422
    assert [e for i in response.json()["issue"] for e in i["expression"]] == at


async def test_what_another_holds_by_the_same_identifier_changes_nothing(two: Two) -> None:
    """Neither is it found, nor does it make one's own ambiguous; two of one's own are."""
    district, clinic = two
    student, mother = await _student(district, "S-7")
    await _student(clinic, "S-7")
    consent = build.consent(student, mother, district.reference, clinic.reference)
    assert (await district.post("/Consent", consent | {"patient": _by(MRN, "S-7")})).status_code == 201
    await district.create(build.patient("S-7"))
    response = await district.post("/Consent", consent | {"patient": _by(MRN, "S-7")})
    assert response.json()["issue"][0]["expression"] == ["Consent.patient"]


async def test_an_identifier_is_verified_for_one_organization(world: World, two: Two) -> None:
    district, clinic = two
    await world.operator.verify_identifier(clinic.organization, NPI, "one")
    await world.operator.verify_identifier(clinic.organization, NPI, "one")
    with pytest.raises(HallpassError) as refused:
        await world.operator.verify_identifier(district.organization, NPI, "one")
    assert refused.value.kind is Kind.CONFLICT
