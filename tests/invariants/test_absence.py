"""Invariant 2: to who may not see it, a resource is absent: in each interaction, and in each way to ask."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from app.db.caller import Write, lock_writes
from tests import build
from tests.scene import FAMILY, Scene, as_owner, entered, patient, set_scene
from tests.world import Member, World


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic may see the student and the referral. Encounter, Task, RelatedPerson and Group are hidden from it.

    The visit is based on the referral, and the referral has a twin that is labeled and so not released.
    """
    found = await set_scene(world, "Patient", "ServiceRequest")
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}]}
    found.records["labeled"] = await found.district.create(build.referral(found.student, meta=label, priority="stat"))
    return found


HIDDEN = ("RelatedPerson", "Encounter", "Task", "Group", "labeled")


def told(response: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All of an answer but the clock."""
    return (
        response.status_code,
        {k: v for k, v in response.headers.items() if k not in ("last-modified", "x-request-id")},
        response.content,
    )


async def same(member: Member, path: str, hidden: str) -> tuple[int, dict[str, str], bytes]:
    """The answer to a GET about a hidden id, which is that about an id of none, the id itself aside."""
    absent = str(uuid4())
    one, other = [told(await member.get(path.replace("*", i))) for i in (hidden, absent)]
    assert (one[0], one[1], one[2].replace(hidden.encode(), absent.encode())) == other
    return one


@pytest.mark.parametrize("who", ["clinic", "stranger"])
@pytest.mark.parametrize("name", HIDDEN)
async def test_read_vread_and_history_answer_404_byte_for_byte_as_for_no_resource(
    scene: Scene, name: str, who: str
) -> None:
    record = scene.records[name]
    for descendants in ("", "/_history", "/_history/1"):
        answer = await same(getattr(scene, who), f"/{record['resourceType']}/*{descendants}", record["id"])
        assert answer[0] == 404, descendants


async def test_an_old_version_under_a_label_stays_hidden_when_the_current_one_is_released(scene: Scene) -> None:
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
    made = await scene.district.create(build.referral(scene.student, meta=label))
    await scene.district.save({k: v for k, v in made.items() if k != "meta"})
    path = f"/ServiceRequest/{made['id']}"
    assert (await scene.clinic.get(f"{path}/_history/1")).status_code == 404
    assert (await scene.clinic.get(f"{path}/_history/2")).status_code == 200
    history = (await scene.clinic.get(f"{path}/_history")).json()
    assert (history["total"], len(history["entry"])) == (1, 1)


@pytest.mark.parametrize(
    "query",
    [
        "Encounter?_id=*",
        "Encounter",
        "Encounter?status=finished",
        "Encounter?patient={student}",
        "Encounter?_total=accurate",
        "Encounter?_summary=count",
        "Encounter?_count=0",
        "Encounter?_sort=date",
        "Encounter?_sort=-_lastUpdated&_count=1",
        "Encounter?status:not=planned",
        "Encounter?length=45",
        "Encounter?_profile=urn:test:visit",
        "Task",
        "Group",
        "RelatedPerson?name=Luz",
        "ServiceRequest?priority=stat",
    ],
)
async def test_search_neither_finds_nor_counts_what_is_hidden(scene: Scene, query: str) -> None:
    await mislead(scene)
    query = query.replace("{student}", scene.student["id"]).replace("*", scene.records["Encounter"]["id"])
    type_name, _, rest = query.partition("?")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for response in (
        await scene.clinic.get(f"/{query}"),
        await scene.clinic.post(f"/{type_name}/_search", content=rest, headers=form),
    ):
        assert response.status_code == 200, response.text
        bundle = response.json()
        assert bundle["total"] == 0
        assert "entry" not in bundle
        assert {x["relation"] for x in bundle["link"]} == {"self", "first"}


async def mislead(scene: Scene) -> None:
    """Put the hidden records into the clinic's access index: if it were ever wrong, the wall behind it still stands."""
    for name in HIDDEN:
        await as_owner(
            scene.world,
            "INSERT INTO hallpass.access (compartment, org, id, consent, type, updated, custodian, precomputed)"
            " SELECT r.compartment, :org, r.id, k.consent, r.type, r.updated, r.custodian, false"
            " FROM hallpass.resource r CROSS JOIN ("
            "   SELECT consent FROM hallpass.validity WHERE org = :org UNION SELECT NULL) k"
            " WHERE r.id = :id AND r.current ON CONFLICT DO NOTHING",
            org=scene.clinic.organization,
            id=scene.records[name]["id"],
        )


@pytest.mark.parametrize(
    ("query", "custodian_finds"),
    [
        ("ServiceRequest?_has:Encounter:based-on:status=finished", 1),
        ("ServiceRequest?_has:Task:focus:status=requested", 1),
        ("Patient?_has:Encounter:patient:status=finished", 1),
        ("Patient?_has:RelatedPerson:patient:name=Luz", 1),
        ("Patient?_has:Encounter:patient:_has:Task:encounter:status=requested", 0),
        ("Patient?_has:Group:member:_id:missing=false", None),
    ],
)
async def test_has_does_not_let_a_recipient_infer_what_is_hidden(
    scene: Scene, query: str, custodian_finds: int | None
) -> None:
    await mislead(scene)
    if custodian_finds is not None:
        assert (await scene.district.get(f"/{query}")).json()["total"] == custodian_finds
    response = await scene.clinic.get(f"/{query}")
    assert response.status_code == (400 if custodian_finds is None else 200)
    assert response.json().get("total", 0) == 0


async def test_a_chain_does_not_let_a_recipient_infer_what_is_hidden(scene: Scene) -> None:
    visit = await scene.clinic.create(build.encounter(scene.student))
    assert await scene.clinic.ids(f"/Encounter?patient.family={FAMILY}") == [visit["id"]]
    release = await scene.clinic.ids("/Consent?status=active")
    ended = (await scene.district.get(f"/Consent/{release[0]}")).json()
    await scene.district.save({**ended, "status": "inactive"})
    try:
        for query in (f"patient.family={FAMILY}", "patient.birthdate=2014", "patient:Patient.family:missing=false"):
            response = await scene.clinic.get(f"/Encounter?{query}")
            assert response.json().get("total", 0) == 0, response.text
    finally:
        await scene.release("Patient", "ServiceRequest")
        await scene.clinic.delete(f"/Encounter/{visit['id']}")


async def test_include_and_revinclude_bring_nothing_hidden(scene: Scene) -> None:
    await mislead(scene)
    asked = (
        "_revinclude=Encounter:based-on&_revinclude=Task:focus&_revinclude:iterate=*&_include=ServiceRequest:patient"
    )
    bundle = (await scene.clinic.get(f"/ServiceRequest?{asked}")).json()
    brought = {e["resource"]["id"] for e in bundle["entry"]}
    assert brought & {scene.records["ServiceRequest"]["id"], scene.student["id"]}
    assert not brought & {scene.records[n]["id"] for n in HIDDEN}
    there = (await scene.district.get(f"/ServiceRequest?{asked}")).json()
    assert scene.records["Encounter"]["id"] in {e["resource"]["id"] for e in there["entry"]}


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_gets_in_a_bundle_see_no_more_than_gets_alone(scene: Scene, kind: str) -> None:
    hidden, absent = scene.records["Encounter"]["id"], str(uuid4())
    for descendants in ("", "/_history", "/_history/1"):
        one, other = [
            await scene.clinic.post("", bundle(kind, get(f"Encounter/{i}{descendants}"))) for i in (hidden, absent)
        ]
        assert told(one) == told(other)
        assert "404" in one.text if kind == "batch" else one.status_code == 404
    found = (await scene.clinic.post("", bundle(kind, get(f"Encounter?_id={hidden}")))).json()
    assert found["entry"][0]["resource"]["total"] == 0


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """A Bundle to process."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def get(url: str) -> dict[str, Any]:
    """An entry that reads."""
    return {"request": {"method": "GET", "url": url}}


async def test_conditions_match_inside_the_callers_own_custody_only(scene: Scene) -> None:
    """Neither what is hidden nor what is released to the caller counts: both would be another organization's."""
    value = scene.student["identifier"][0]["value"]
    condition = f"identifier=urn:test:student|{value}"
    for member in (scene.clinic, scene.stranger):
        gone = await member.delete(f"/Patient?{condition}")
        assert gone.status_code == 204
        made = await member.post("/Patient", patient(value), headers={"If-None-Exist": condition})
        assert made.status_code == 201
        put = await member.put(f"/Patient?{condition}", {**patient(value), "active": True})
        assert (put.status_code, put.json()["id"]) == (200, made.json()["id"])
        again = await member.post("/Patient", patient(value), headers={"If-None-Exist": condition})
        assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
        one = bundle(
            "transaction",
            {
                "resource": build.encounter(scene.student, subject={"reference": f"Patient?{condition}"}),
                "request": {"method": "POST", "url": "Encounter"},
            },
        )
        stored = (await member.post("", one)).json()["entry"][0]["response"]["location"].split("/_history")[0]
        visit = (await member.get(stored)).json()
        assert visit["subject"]["reference"] == f"Patient/{made.json()['id']}"
        await member.delete(stored)
        assert (await member.delete(f"/Patient?{condition}")).status_code == 204
    assert (await scene.district.get(f"/Patient/{scene.student['id']}")).headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize("name", ["Encounter", "labeled", "RelatedPerson"])
async def test_writes_to_a_hidden_resource_are_writes_to_none(scene: Scene, name: str) -> None:
    record, absent = scene.records[name], str(uuid4())
    path = f"/{record['resourceType']}"
    for headers in ({}, {"If-Match": 'W/"1"'}, {"If-Match": 'W/"99"'}):
        assert told(await scene.clinic.delete(f"{path}/{record['id']}", headers=headers)) == told(
            await scene.clinic.delete(f"{path}/{absent}", headers=headers)
        )
        one = await scene.clinic.put(f"{path}/{record['id']}", record, headers=headers)
        other = await scene.clinic.put(f"{path}/{absent}", {**record, "id": absent}, headers=headers)
        assert told(one) == told(other)
        assert one.status_code == 404


def elements(target: str) -> list[dict[str, Any]]:
    """Encounters of the released student that point at an Encounter or ServiceRequest in all the ways there are."""
    return [
        {"partOf": {"reference": f"Encounter/{target}"}},
        {"partOf": {"reference": f"Encounter/{target}/_history/1"}},
        {"partOf": {"reference": f"http://127.0.0.1:8000/fhir/Encounter/{target}"}},
        {"basedOn": [{"reference": f"ServiceRequest/{target}"}]},
        {"extension": [{"url": "urn:x", "valueReference": {"reference": f"Encounter/{target}"}}]},
        {"diagnosis": [{"condition": {"reference": f"Procedure/{target}"}}]},
        {
            "contained": [build.referral({"resourceType": "Patient", "id": target}, id="one")],
            "basedOn": [{"reference": "#one"}],
        },
    ]


@pytest.mark.parametrize("n", range(7))
@pytest.mark.parametrize("name", ["Encounter", "labeled"])
async def test_a_reference_to_what_is_hidden_is_refused_as_one_to_nothing(scene: Scene, n: int, name: str) -> None:
    answers = []
    for target in (scene.records[name]["id"], str(uuid4())):
        made = build.encounter(scene.student, **elements(target)[n])
        answers.append(told(await scene.clinic.post("/Encounter", made)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422
    assert b"Encounter." in answers[0][2]


async def test_a_write_about_a_hidden_student_waits_for_nobody_who_writes_about_it(scene: Scene) -> None:
    """The time it takes would tell that somebody does."""
    async with entered(scene.world, scene.district) as connection:
        student, district = UUID(scene.student["id"]), scene.district.organization
        await lock_writes(connection, [Write(student, district, student, "index")])
        for made in (
            build.encounter(scene.student),
            build.guardian(scene.student),
            build.encounter(scene.student, partOf=build.ref(scene.records["Encounter"])),
        ):
            answer = await asyncio.wait_for(scene.stranger.post(f"/{made['resourceType']}", made), 30)
            assert answer.status_code == 422
        for method in (scene.stranger.get, scene.stranger.delete):
            answer = await asyncio.wait_for(method(f"/Patient/{scene.student['id']}"), 30)
            assert answer.status_code == 404


async def test_a_reference_may_stay_when_what_it_points_at_disappears_from_sight(scene: Scene) -> None:
    visit = await scene.clinic.create(
        build.encounter(scene.student, basedOn=[build.ref(scene.records["ServiceRequest"])])
    )
    release = await scene.clinic.ids("/Consent?status=active")
    for one in release:
        ended = (await scene.district.get(f"/Consent/{one}")).json()
        await scene.district.save({**ended, "status": "inactive"})
    saved = await scene.clinic.save({**visit, "status": "cancelled"})
    assert saved["basedOn"] == visit["basedOn"]
    await scene.release("Patient", "ServiceRequest")
