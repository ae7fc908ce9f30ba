"""A custodian is told why, and before signing what; nobody else learns anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.world import Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


Three = tuple[Member, Member, Member]


@pytest_asyncio.fixture(scope="module")
async def three(world: World) -> Three:
    """A district, a clinic that it has an agreement with, and a stranger."""
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


async def test_explain_says_which_consent_and_provision_decided(three: Three) -> None:
    district, clinic, stranger = three
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


async def _decided(member: Member, student: dict[str, Any], recipient: Member, **what: Any) -> list[str]:
    response = await member.post(f"/Patient/{student['id']}/$explain-access", _ask(recipient, **what))
    assert response.status_code == 200, response.text
    return [p["decision"] for p in _parts(response.json(), "record")]


async def test_explain_weighs_a_record_that_is_yet_to_be_written(three: Three) -> None:
    """One that would be plain: demographics are about no time, and so inside a dataPeriod, and a visit has none yet."""
    district, clinic, _ = three
    student = await district.create(build.patient(birthDate="2000-05-02"))
    about = {"dataPeriod": {"start": "2026-01-01", "end": "2027-01-01"}}
    both = {"classes": ("RelatedPerson", "Encounter"), "provision": about}
    await district.create(build.consent(student, student, district.reference, clinic.reference, **both))
    asked = [await _decided(district, student, clinic, type=name) for name in ("RelatedPerson", "Encounter")]
    assert asked == [["permit"], ["deny"]]


async def test_explain_follows_a_reference_that_a_release_names(three: Three) -> None:
    district, clinic, _ = three
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    referral = await district.create(build.referral(student))
    task = await district.create(build.task(student, referral, district.reference, district.reference))
    related = {"data": [{"meaning": "related", "reference": build.ref(task)}]}
    await district.create(build.consent(student, mother, district.reference, clinic.reference, provision=related))
    assert await _decided(district, student, clinic, resource=build.ref(referral)) == ["permit"]


async def test_explain_goes_by_the_place_of_the_organizations(world: World, three: Three) -> None:
    """What a school below holds is the district's to ask about, and the district's to see."""
    district, clinic, _ = three
    school = await world.member("School", part_of=district.organization)
    student = await school.create(build.patient())
    mother = await school.create(build.guardian(student))
    await school.create(build.consent(student, mother, school.reference, clinic.reference))
    for recipient in (clinic, district):
        assert await _decided(district, student, recipient, type="Patient") == ["permit"]
    assert await _decided(school, student, district, type="Patient") == ["permit"]


async def test_explain_asks_for_no_agreement_where_the_network_does_not(db: Database) -> None:
    async with open_world(db, require_agreement=False) as world:
        district, clinic = await world.member("District"), await world.member("Clinic")
        student = await district.create(build.patient())
        mother = await district.create(build.guardian(student))
        await district.create(build.consent(student, mother, district.reference, clinic.reference))
        assert await _decided(district, student, clinic, type="Patient") == ["permit"]


@pytest.mark.parametrize(("scopes", "explained", "previewed"), [
    ("system/Patient.r system/Consent.r", 200, 200),
    ("system/Consent.r", 403, 200),
    ("system/Patient.r", 403, 403),
])  # fmt: skip
async def test_who_asks_needs_the_scopes_to_read_the_student_and_the_consents(
    world: World, three: Three, scopes: str, explained: int, previewed: int
) -> None:
    district, clinic, _ = three
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    limited = await world.client_of(district.organization, scopes=scopes, purposes=("TREAT",))
    asked = await limited.post(f"/Patient/{student['id']}/$explain-access", _ask(clinic, type="Patient"))
    draft = build.consent(student, mother, district.reference, clinic.reference)
    assert asked.status_code == explained
    unread = await limited.post(f"/Patient/{student['id']}/$explain-access", _ask(clinic, type="Encounter"))
    assert unread.status_code == 403, "nor is a record told of that it may not read"
    assert (await limited.post("/Consent/$preview", draft)).status_code == previewed


async def test_explain_is_asked_for_a_purpose_that_there_is(three: Three) -> None:
    district, clinic, _ = three
    student = await district.create(build.patient())
    path = f"/Patient/{student['id']}/$explain-access"
    refused(await district.post(path, _ask(clinic, "CURIOSITY", type="Patient")), 422, "processing", "purpose")


async def test_explain_tells_nobody_but_the_custodian(three: Three) -> None:
    district, clinic, stranger = three
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    await district.create(build.consent(student, mother, district.reference, clinic.reference))
    absent = "/Patient/00000000-0000-4000-8000-000000000000/$explain-access"
    for other in (clinic, stranger):
        refused = await other.post(f"/Patient/{student['id']}/$explain-access", _ask(clinic, type="Encounter"))
        assert refused.status_code == 404
        assert refused.content == (await other.post(absent, _ask(clinic, type="Encounter"))).content


async def test_preview_counts_what_a_draft_would_open_and_says_what_is_missing(three: Three) -> None:
    district, clinic, _ = three
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
    assert await clinic.ids(f"/ServiceRequest?patient={student['id']}") == []


async def _kept(member: Member, draft: dict[str, Any]) -> tuple[set[str], dict[str, str]]:
    """The types that a draft opens, and those that it keeps with why."""
    response = await member.post("/Consent/$preview", draft)
    assert response.status_code == 200, response.text
    (recipient,) = [p for p in response.json()["parameter"] if p["name"] == "recipient"]
    opens = {p["part"][0]["valueCode"] for p in recipient["part"] if p["name"] == "opens"}
    return opens, {
        p["part"][0]["valueCode"]: p["part"][2]["valueString"] for p in recipient["part"] if p["name"] == "keeps"
    }


async def test_preview_weighs_a_draft_by_itself_and_with_the_releases_that_there_are(three: Three) -> None:
    district, clinic, stranger = three
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    await district.create(build.referral(student))
    await district.create(build.encounter(student))
    both = (student, mother, district.reference, clinic.reference)
    await district.create(build.consent(*both, classes=("ServiceRequest",), provision={"type": "deny"}))
    await district.create(build.consent(*both, classes=("Encounter",)))
    opens, keeps = await _kept(district, build.consent(*both, status="draft"))
    opens.remove("Consent")  # those that name the clinic are open to it anyhow
    assert (opens, keeps["ServiceRequest"]) == ({"Patient"}, "another release denies it")
    assert keeps["Encounter"] == "class: another type"
    opens, keeps = await _kept(district, build.consent(*both[:3], stranger.reference))
    assert (opens, set(keeps.values())) == (set(), {"no agreement between the organizations is in force"})


async def test_preview_of_a_draft_that_opens_later_tells_of_that_day(three: Three) -> None:
    district, clinic, _ = three
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    today = datetime.now(UTC).date()
    period = {"start": str(today + timedelta(days=30)), "end": str(today + timedelta(days=60))}
    draft = build.consent(student, mother, district.reference, clinic.reference, provision={"period": period})
    assert (await _kept(district, draft))[0] == {"Patient"}


async def test_preview_of_somebody_elses_student_is_a_reference_to_nothing(three: Three) -> None:
    district, clinic, stranger = three
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    draft = build.consent(student, mother, stranger.reference, clinic.reference)
    hidden = await stranger.post("/Consent/$preview", draft)
    absent = {"reference": "Patient/00000000-0000-4000-8000-000000000000"}
    nothing = await stranger.post("/Consent/$preview", {**draft, "patient": absent})
    refused(hidden, 422, "not-found", "Consent.patient.reference")
    assert hidden.content == nothing.content


async def test_explain_says_that_a_what_a_signer_who_lost_authority_signed_waits_for_a_confirmation(
    three: Three,
) -> None:
    district, clinic, _ = three
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    await district.create(build.consent(student, mother, district.reference, clinic.reference))
    assert await _decided(district, student, clinic, type="Patient") == ["permit"]
    for active in (False, True):
        await district.save({**build.guardian(student, active=active), "id": mother["id"]})
    asked = await district.post(f"/Patient/{student['id']}/$explain-access", _ask(clinic, type="Patient"))
    (record,) = _parts(asked.json(), "record")
    assert record["decision"] == "deny"
    assert "the custodian confirms it, or it is signed again" in asked.text


async def test_a_preview_warns_of_a_purpose_that_no_client_of_the_recipient_asserts(world: World, three: Three) -> None:
    """The release would be complete, and the recipient see nothing."""
    district, *_ = three
    other = await world.member("Other", purposes=("CAREMGT",))
    await world.agree(district, other)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    for purposes, warned in ((("TREAT",), 1), (("CAREMGT",), 0), (("HOPERAT",), 0)):
        draft = build.consent(student, mother, district.reference, other.reference, purposes=purposes)
        (told,) = (await district.post("/Consent/$preview", draft)).json()["parameter"]
        warnings = [p["valueString"] for p in told["part"] if p["name"] == "warning"]
        assert [purposes[0] in w for w in warnings] == [True] * warned


async def test_explain_without_a_purpose_answers_for_those_of_the_recipients_clients(
    world: World, three: Three
) -> None:
    district, *_ = three
    other = await world.member("Another", purposes=("CAREMGT",))
    await world.agree(district, other)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    for purpose, decision in (("TREAT", "deny"), ("CAREMGT", "permit")):
        release = await district.create(
            build.consent(student, mother, district.reference, other.reference, purposes=(purpose,))
        )
        asked = _ask(other, type="Patient")
        asked["parameter"] = [p for p in asked["parameter"] if p["name"] != "purpose"]
        response = await district.post(f"/Patient/{student['id']}/$explain-access", asked)
        assert [p["decision"] for p in _parts(response.json(), "record")] == [decision]
        await district.save({**release, "status": "inactive"})
