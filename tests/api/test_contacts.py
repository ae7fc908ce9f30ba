"""Families' contacts: what may not be used reaches nobody, and what a person said about contacts is not lost.

docs/guides/families.md
"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.consent import codes as c
from app.consent.contact import PROHIBITED
from app.db.engine import Database
from tests import build
from tests.api.bulk.exports import exported
from tests.scene import Scene, set_scene
from tests.world import World, open_world

PHONE, MAIL, STREET = "555-0142", "luz@example.org", "7 Hidden Street"
DATA: dict[str, Any] = {
    "telecom": [{"system": "phone", "value": PHONE, "rank": 1}, {"system": "email", "value": MAIL}],
    "address": [{"line": [STREET], "city": "Quietville"}],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}, "preferred": True}],
    "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">Luz, {PHONE}</div>'},
}
DETAIL = [{"coding": [{"system": "urn:test:detail", "code": PROHIBITED}]}]


def permission(*codes: str) -> list[dict[str, Any]]:
    """Marks of how a person may be contacted."""
    return [{"url": c.CONTACT_PERMISSION, "valueCode": code} for code in codes]


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> Any:
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """The clinic sees the student, the contacts and the referrals."""
    return await set_scene(world, "Patient", "RelatedPerson", "ServiceRequest", "Task")


async def mother(scene: Scene, *extensions: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A contact with every way of contact, and marks."""
    own = {"extension": list(extensions)} if extensions else {}
    return await scene.district.create(build.guardian(scene.student, **{**DATA, **own, **more}))


WAYS = [
    ((), {PHONE, MAIL, STREET}),
    (("call",), {PHONE}),
    (("write",), {MAIL, STREET}),
    (("call", "write"), {PHONE, MAIL, STREET}),
    (("none",), set()),
    (("none", "call"), set()),
    (("pigeon",), set()),
]


@pytest.mark.parametrize(("codes", "leaves"), WAYS, ids=[" ".join(codes) or "no mark" for codes, _ in WAYS])
async def test_only_contact_data_that_may_be_used_leaves_by_any_way(
    scene: Scene, codes: tuple[str, ...], leaves: set[str]
) -> None:
    person = await mother(scene, *permission(*codes))
    path, student = f"/RelatedPerson/{person['id']}", f"/Patient/{scene.student['id']}"
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": path[1:]}}]}
    texts = [
        (await scene.clinic.get(p)).text for p in (path, f"{path}/_history/1", "/RelatedPerson", f"{path}/_history")
    ]
    texts += [(await scene.clinic.get(f"{student}/$everything")).text, (await scene.clinic.post("", batch)).text]
    texts.append((await scene.clinic.get(f"{path}?_elements=telecom,address")).text)
    for text in texts:
        assert person["id"] in text
        assert {value for value in (PHONE, MAIL, STREET) if value in text} == leaves, text
    read = (await scene.clinic.get(path)).json()
    assert read["communication"] == DATA["communication"]
    assert ("SUBSETTED" in str(read["meta"])) is (len(leaves) < 3)
    own = (await scene.district.get(path)).json()
    assert own["telecom"] == DATA["telecom"]
    assert own["address"] == DATA["address"]


async def test_no_contact_data_leaves_in_xml_in_an_export_in_a_plan_or_beside_another_record(scene: Scene) -> None:
    person = await mother(scene, *permission("call"))
    student = scene.student["id"]
    texts = [
        (await scene.clinic.get(path, headers={"Accept": kind})).text
        for kind in ("application/fhir+xml", "application/fhir+json")
        for path in (
            f"/RelatedPerson/{person['id']}",
            f"/RelatedPerson/{person['id']}/_history",
            f"/Patient/{student}/$everything",
            f"/Patient/{student}/$support-plan",
            f"/Patient?_id={student}&_revinclude=RelatedPerson:patient",
            f"/RelatedPerson?_id={person['id']}",
        )
    ]
    texts.append(str((await exported(scene.world, scene.clinic)).resources))
    for text in texts:
        assert person["id"] in text
        assert {value for value in (PHONE, MAIL, STREET) if value in text} == {PHONE}, text


async def test_a_contact_under_a_restriction_is_told_without_contact_data(scene: Scene) -> None:
    person = await mother(scene, {"url": c.CONTACT_RESTRICTION, "valueBoolean": True})
    text = (await scene.clinic.get(f"/RelatedPerson/{person['id']}")).text
    assert not {v for v in (PHONE, MAIL, STREET) if v in text}


async def test_contacts_within_a_patient_and_within_another_record_are_honored_too(scene: Scene) -> None:
    contact = {"name": {"family": "Rivera"}, "extension": permission("none"), "telecom": DATA["telecom"]}
    body = {**scene.student, "contact": [contact], "extension": permission("call"), **DATA}
    assert (await scene.district.put(f"/Patient/{body['id']}", body)).status_code == 200
    read = (await scene.clinic.get(f"/Patient/{body['id']}")).json()
    assert read["telecom"] == [DATA["telecom"][0]]
    assert "address" not in read
    assert "telecom" not in read["contact"][0]
    contained = {**build.guardian(scene.student, **DATA), "id": "m", "extension": permission("none")}
    referral = await scene.district.create(
        build.referral(scene.student, contained=[contained], supportingInfo=[{"reference": "#m"}])
    )
    text = (await scene.clinic.get(f"/ServiceRequest/{referral['id']}")).text
    assert "#m" in text
    assert not {v for v in (PHONE, MAIL, STREET) if v in text}


async def test_what_is_withheld_is_found_by_no_search_and_no_match(scene: Scene) -> None:
    open_, closed = await mother(scene), await mother(scene, *permission("none"))
    for criterion in (f"phone={PHONE}", f"telecom={MAIL}", "address-city=Quietville"):
        found = await scene.clinic.ids(f"/RelatedPerson?{criterion}&patient={scene.student['id']}")
        assert open_["id"] in found
        assert closed["id"] not in found
    body = {**scene.student, "extension": permission("none"), **DATA}
    assert (await scene.district.put(f"/Patient/{body['id']}", body)).status_code == 200

    async def score(phone: str) -> float:
        asked = {k: body[k] for k in ("resourceType", "name", "birthDate")} | {
            "telecom": [{"system": "phone", "value": phone}]
        }
        parameters = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": asked}]}
        bundle = (await scene.clinic.post("/Patient/$match", parameters)).json()
        return next(float(e["search"]["score"]) for e in bundle["entry"] if e["resource"]["id"] == body["id"])

    assert await score(PHONE) == await score("555-9999")


async def test_an_earlier_version_tells_no_contact_data_once_the_family_said_no(scene: Scene) -> None:
    person = await mother(scene)
    path = f"/RelatedPerson/{person['id']}"
    closed = await scene.district.put(path, {**person, "extension": permission("none")})
    assert closed.status_code == 200
    for text in [
        (await scene.clinic.get(f"{path}/_history/1")).text,
        (await scene.clinic.get(f"{path}/_history")).text,
    ]:
        assert person["id"] in text
        assert not {v for v in (PHONE, MAIL, STREET) if v in text}


async def test_a_push_that_is_silent_keeps_what_the_family_said_and_another_mark_lifts_it(scene: Scene) -> None:
    person = await mother(scene, *permission("none"))
    path = f"/RelatedPerson/{person['id']}"
    silent = {k: v for k, v in person.items() if k != "extension"}
    kept = (await scene.district.put(path, silent)).json()
    assert kept["extension"] == permission("none")
    assert kept["meta"]["versionId"] == "1"
    lifted = (await scene.district.put(path, {**silent, "extension": permission("call")})).json()
    assert lifted["extension"] == permission("call")


async def test_a_push_that_is_silent_lifts_no_restriction_and_one_that_says_so_does(scene: Scene) -> None:
    """Else a roster that knows nothing of a court's order would give the number out, and the authority back."""
    mark = {"url": c.CONTACT_RESTRICTION, "valueBoolean": True}
    person = await mother(scene, mark)
    path = f"/RelatedPerson/{person['id']}"
    silent = {k: v for k, v in person.items() if k != "extension"}
    other = [{"url": "urn:test:other", "valueString": "x"}]
    kept = (await scene.district.put(path, {**silent, "extension": other})).json()
    assert kept["extension"] == [*other, mark]
    lifted = (await scene.district.put(path, {**silent, "extension": [{**mark, "valueBoolean": False}]})).json()
    assert lifted["extension"] == [{**mark, "valueBoolean": False}]
    assert PHONE in (await scene.clinic.get(path)).text


@pytest.mark.parametrize("same", ["name", "telecom"])
async def test_a_push_that_is_silent_keeps_the_marks_of_those_within_a_patient(scene: Scene, same: str) -> None:
    """They have no ids: one of the same name, or with the same number, is the same person."""
    student = await scene.district.create(build.patient("S-contacts"))
    known = {"name": {"family": "Rivera"}, "telecom": DATA["telecom"]}
    other = {"name": {"family": "Okafor"}, "telecom": [{"system": "phone", "value": "555-0199"}]}
    path = f"/Patient/{student['id']}"
    marked = [{**known, "extension": permission("none")}, other]
    assert (await scene.district.put(path, {**student, "contact": marked})).status_code == 200
    silent = {**known, **({"telecom": other["telecom"][:0]} if same == "name" else {"name": {"family": "R."}})}
    pushed = (
        await scene.district.put(path, {**student, "contact": [other, {k: v for k, v in silent.items() if v}]})
    ).json()
    assert "extension" not in pushed["contact"][0]
    assert pushed["contact"][1]["extension"] == permission("none")


async def test_who_shares_a_number_with_somebody_marked_is_not_marked(scene: Scene) -> None:
    """The father has the telephone of the house as well. Of one with another name since, the number says who it was."""
    student = await scene.district.create(build.patient("S-house"))
    mother, father = ({"name": {"given": [n]}, "telecom": DATA["telecom"]} for n in ("Ana", "Luis"))
    path = f"/Patient/{student['id']}"
    await scene.district.put(path, {**student, "contact": [{**mother, "extension": permission("none")}, father]})
    pushed = (await scene.district.put(path, {**student, "contact": [mother, father]})).json()
    assert ["extension" in c for c in pushed["contact"]] == [True, False]
    renamed = {**mother, "name": {"given": ["Anna"]}}
    pushed = (await scene.district.put(path, {**student, "contact": [renamed, father]})).json()
    assert [c.get("extension") for c in pushed["contact"]] == [permission("none"), None]


async def test_contact_data_in_an_extension_is_withheld_as_well(scene: Scene) -> None:
    point = {"url": "urn:test:point", "valueContactPoint": {"system": "phone", "value": PHONE}}
    within = {"url": "urn:test:within", "extension": [{"url": "at", "valueAddress": {"line": [STREET]}}]}
    person = await mother(scene, *permission("call"), point, within)
    path = f"/RelatedPerson/{person['id']}"
    told = (await scene.clinic.get(path)).json()
    assert [e["url"] for e in told["extension"]] == [c.CONTACT_PERMISSION]
    assert len((await scene.district.get(path)).json()["extension"]) == 3


async def test_a_referral_keeps_that_the_subject_must_not_be_contacted(scene: Scene) -> None:
    referral = await scene.district.create(build.referral(scene.student, orderDetail=DETAIL))
    path = f"/ServiceRequest/{referral['id']}"
    silent = {k: v for k, v in referral.items() if k != "orderDetail"}
    pushed = (await scene.district.put(path, {**silent, "priority": "urgent"})).json()
    assert pushed["orderDetail"] == DETAIL
    for part in ("_elements=status", "_summary=true", "_summary=text"):
        assert PROHIBITED in (await scene.clinic.get(f"{path}?{part}")).text
    patch = {"content": b'[{"op": "remove", "path": "/orderDetail"}]'}
    headers = {"Content-Type": "application/json-patch+json"}
    lifted = await scene.district._send("PATCH", path, headers=headers, **patch)
    assert lifted.status_code == 200, lifted.text
    assert "orderDetail" not in lifted.json()


async def test_a_referral_that_builds_on_another_carries_that_the_subject_must_not_be_contacted(scene: Scene) -> None:
    referral = await scene.district.create(build.referral(scene.student, orderDetail=DETAIL))
    for element in ("basedOn", "replaces"):
        body = build.referral(scene.student, **{element: [build.ref(referral)]})
        refused = await scene.district.post("/ServiceRequest", body)
        assert refused.status_code == 422
        assert refused.json()["issue"][0]["expression"] == ["ServiceRequest.orderDetail"]
        await scene.district.create({**body, "orderDetail": DETAIL})


async def test_the_page_of_a_light_partner_says_that_the_family_must_not_be_contacted() -> None:
    from app.partner import page

    task = {"status": "requested", "meta": {"versionId": "1"}}
    assert "Do not contact" in page.referral("x", task, {"orderDetail": DETAIL}, None, "A school")
    assert "Do not contact" not in page.referral("x", task, {}, None, "A school")
