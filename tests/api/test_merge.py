"""Patient/$merge: two Patients that are one student. https://build.fhir.org/patient-operation-merge.html"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, set_scene
from tests.statements import Statements
from tests.world import Member, World

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A student whose referrals and visits are released to the clinic."""
    return await set_scene(world, "ServiceRequest", "Encounter")


def given(source: Json, target: Json, **more: Json) -> Json:
    """The operation's parameters."""
    parts = [
        {"name": name, "valueReference": build.ref(resource)}
        for name, resource in (("source-patient", source), ("target-patient", target))
    ]
    return {"resourceType": "Parameters", "parameter": [*parts, *({"name": k, **v} for k, v in more.items())]}


async def merged(scene: Scene) -> Json:
    """A new Patient with a visit, which replaces the scene's student; once for the module."""
    if "survivor" not in scene.records:
        survivor = scene.records["survivor"] = await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}"))
        scene.records["later"] = await scene.district.create(build.encounter(survivor))
        answer = await scene.district.post("/Patient/$merge", given(scene.student, survivor))
        assert answer.status_code == 200, answer.text
        scene.records["answer"] = {**answer.json(), "id": "none"}
    return scene.records["survivor"]


async def read(member: Member, resource: Json) -> Json:
    """The resource as it is now."""
    return dict((await member.get(f"/{resource['resourceType']}/{resource['id']}")).json())


async def test_the_patients_are_linked_both_ways_and_the_replaced_one_is_inactive(scene: Scene) -> None:
    survivor = await merged(scene)
    old, new = await read(scene.district, scene.student), await read(scene.district, survivor)
    assert old["active"] is False
    assert old["link"] == [{"other": build.ref(survivor), "type": "replaced-by"}]
    assert new["link"] == [{"other": build.ref(scene.student), "type": "replaces"}]


async def test_the_answer_names_the_releases_that_wait_for_a_new_signature(scene: Scene) -> None:
    await merged(scene)
    waiting = [p["valueReference"] for p in scene.records["answer"]["parameter"] if p["name"] == "waiting"]
    assert build.ref(scene.records["Consent"]) in waiting
    signed = await scene.district.ids(f"/Consent?patient={scene.student['id']}&status=active")
    assert sorted(w["reference"] for w in waiting) == sorted(f"Consent/{i}" for i in signed)


async def test_everything_and_search_find_the_records_of_both_under_either(scene: Scene) -> None:
    survivor = await merged(scene)
    both = {scene.records["Encounter"]["id"], scene.records["later"]["id"]}
    for patient in (survivor, scene.student):
        own = f"Patient/{patient['id']}"
        whole = (await scene.district.get(f"/{own}/$everything")).json()
        assert both <= {e["resource"]["id"] for e in whole["entry"]}
        assert set(await scene.district.ids(f"/Encounter?patient={patient['id']}")) == both
        assert set(await scene.district.ids(f"/Encounter?subject={own}")) == both
        assert set(await scene.district.ids(f"/{own}/Encounter")) == both


async def test_a_release_of_one_opens_nothing_of_the_other(scene: Scene) -> None:
    survivor = await merged(scene)
    visit = scene.records["Encounter"]["id"]
    assert await scene.clinic.ids(f"/Encounter?patient={scene.student['id']}") == [visit]
    assert await scene.clinic.ids(f"/Encounter?patient={survivor['id']}") == []
    assert (await scene.clinic.get(f"/Patient/{survivor['id']}/$everything")).status_code == 404


async def test_a_push_from_a_source_system_does_not_undo_a_merge(scene: Scene) -> None:
    await merged(scene)
    pushed = {k: v for k, v in scene.student.items() if k not in ("meta", "link")}
    before = await read(scene.district, scene.student)
    answer = await scene.district.put(f"/Patient/{scene.student['id']}", {**pushed, "active": True})
    assert answer.status_code == 200
    assert (answer.json()["active"], answer.json()["link"]) == (False, before["link"])
    assert answer.json()["meta"]["versionId"] == before["meta"]["versionId"]


async def test_a_merge_that_was_done_can_be_asked_again_and_no_other(scene: Scene) -> None:
    survivor = await merged(scene)
    again = await scene.district.post("/Patient/$merge", given(scene.student, survivor))
    assert again.status_code == 200
    third = await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}"))
    assert (await scene.district.post("/Patient/$merge", given(scene.student, third))).status_code == 409
    assert (await scene.district.post("/Patient/$merge", given(third, scene.student))).status_code == 409


async def test_a_preview_changes_nothing(scene: Scene) -> None:
    one, two = [await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}")) for _ in "ab"]
    answer = await scene.district.post("/Patient/$merge", given(one, two, preview={"valueBoolean": True}))
    assert answer.status_code == 200
    assert "link" not in await read(scene.district, one)


@pytest.mark.parametrize("end", [0, 1])
async def test_only_the_custodian_of_both_merges(scene: Scene, end: int) -> None:
    """To whom one is invisible, it is absent."""
    own = await scene.stranger.create(build.patient(f"S-{uuid4().hex[:8]}"))
    pair = [own, scene.student] if end else [scene.student, own]
    hidden = await scene.stranger.post("/Patient/$merge", given(*pair))
    absent = [p if p is own else {**p, "id": str(uuid4())} for p in pair]
    assert (hidden.status_code, hidden.json()) == (
        422,
        (await scene.stranger.post("/Patient/$merge", given(*absent))).json(),
    )


async def test_a_reference_that_is_no_patient_of_this_server_is_refused(scene: Scene) -> None:
    body = given(scene.records["Encounter"], scene.student)
    answer = await scene.district.post("/Patient/$merge", body)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Parameters.parameter.where(name='source-patient')"]


async def test_a_search_of_many_students_follows_the_merges_of_all_of_them_together(scene: Scene) -> None:
    survivor = await merged(scene)
    sent = Statements(scene.world.db)
    await scene.world.db.dispose()
    taken = []
    for others in (0, 40):
        asked = ",".join([survivor["id"], *(str(uuid4()) for _ in range(others))])
        await scene.district.get(f"/Encounter?patient={asked}")
        sent.clear()
        found = await scene.district.ids(f"/Encounter?patient={asked}")
        assert {scene.records["Encounter"]["id"], scene.records["later"]["id"]} <= set(found)
        taken.append(len(sent.sent))
    assert taken[0] == taken[1]


async def test_a_chain_that_names_either_patient_finds_the_records_of_both(scene: Scene) -> None:
    survivor = await merged(scene)
    expected = {scene.records["Encounter"]["id"], scene.records["later"]["id"]}
    for patient in (scene.student, survivor):
        value = patient["identifier"][0]["value"]
        for chain in (f"subject.identifier={value}", f"subject:Patient._id={patient['id']}"):
            assert expected <= set(await scene.district.ids(f"/Encounter?{chain}")), chain
    assert not await scene.stranger.ids(f"/Encounter?subject.identifier={value}")


async def test_a_chain_behind_another_reference_follows_a_merge_too(scene: Scene) -> None:
    survivor = await merged(scene)
    value = survivor["identifier"][0]["value"]
    for chain in (
        f"focus:ServiceRequest.subject:Patient.identifier={value}",
        f"focus:ServiceRequest.patient={survivor['id']}",
        f"focus:ServiceRequest.subject=Patient/{survivor['id']}",
    ):
        assert scene.records["Task"]["id"] in await scene.district.ids(f"/Task?{chain}"), chain


async def several(scene: Scene) -> tuple[list[Json], list[Json]]:
    """Three Patients, one merged into the next; each has a name of its own, and a visit."""
    names = [f"N{uuid4().hex[:8]}" for _ in "abc"]
    patients = [
        await scene.district.create(build.patient(n, name=[{"family": n}], birthDate=f"2011-0{k}-01"))
        for k, n in enumerate(names, 1)
    ]
    visits = [await scene.district.create(build.encounter(p)) for p in patients]
    for old, new in ((0, 1), (1, 2)):
        answer = await scene.district.post("/Patient/$merge", given(patients[old], patients[new]))
        assert answer.status_code == 200
    return patients, visits


async def test_a_chain_by_anything_finds_the_records_of_all_that_are_one_student(scene: Scene) -> None:
    """By a name or a birthday that only one of them has; both ways, and over a Patient between them."""
    patients, visits = await several(scene)
    expected = sorted(v["id"] for v in visits)
    for patient in patients:
        family = patient["name"][0]["family"]
        for chain in (
            f"subject:Patient.name={family}",
            f"patient.family={family}&patient.birthdate={patient['birthDate']}",
            f"patient.family:exact={family}&_sort=_lastUpdated",
        ):
            assert sorted(await scene.district.ids(f"/Encounter?{chain}")) == expected, chain
    assert (
        await scene.district.ids(f"/Encounter?patient.name={patients[0]['name'][0]['family']}&patient.gender=other")
        == []
    )


async def test_has_and_revinclude_follow_a_merge_both_ways(scene: Scene) -> None:
    patients, visits = await several(scene)
    for visit in visits:
        found = await scene.district.ids(f"/Patient?_has:Encounter:subject:_id={visit['id']}")
        assert sorted(found) == sorted(p["id"] for p in patients)
    for patient in patients:
        page = (await scene.district.get(f"/Patient?_id={patient['id']}&_revinclude=Encounter:subject")).json()
        assert {e["resource"]["id"] for e in page["entry"]} == {patient["id"], *(v["id"] for v in visits)}


async def test_links_that_say_see_also_are_not_followed(scene: Scene) -> None:
    """They may lead to another student: a brother's record that is easily taken for this one."""
    family = f"N{uuid4().hex[:8]}"
    other = await scene.district.create(build.patient(family, name=[{"family": family}]))
    link = [{"other": build.ref(other), "type": "seealso"}]
    patient = await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}", link=link))
    await scene.district.create(build.encounter(patient))
    assert await scene.district.ids(f"/Encounter?patient.family={family}") == []


async def test_a_merge_that_the_caller_does_not_see_is_not_followed(scene: Scene) -> None:
    """The clinic sees two of three Patients: it follows a merge between two that it sees, and never over a third."""
    for seen, expected in (((0, 1), (0, 1)), ((0, 2), (2,))):
        patients, visits = await several(scene)
        for n in seen:
            signer = await scene.district.create(build.guardian(patients[n]))
            parties = (patients[n], signer, scene.district.reference, scene.clinic.reference)
            await scene.district.create(build.consent(*parties, classes=("Patient", "Encounter")))
        last = patients[seen[-1]]
        family = last["name"][0]["family"]
        found = await scene.clinic.ids(f"/Encounter?patient.family={family}")
        assert sorted(found) == sorted(visits[n]["id"] for n in expected)
        brought = await scene.clinic.get(f"/Patient?_id={last['id']}&_revinclude=Encounter:subject")
        assert {e["resource"]["id"] for e in brought.json()["entry"]} == {last["id"], *found}
