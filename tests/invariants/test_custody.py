"""Invariants 6 and 7: only the custodian changes a record, and no recipient can grant itself anything by any write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import text

from app.consent import codes as c
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, entered, ledger, patient, set_scene
from tests.world import Member, World

SUD = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}]}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic may see the student and the referral, and is the owner of a Task. Of the visit it may see nothing."""
    found = await set_scene(world, "Patient", "ServiceRequest")
    await found.release("Task", provision={"securityLabel": SUD["security"]})
    found.records["shared"] = await found.district.create(
        build.task(
            found.student, found.records["ServiceRequest"], found.district.reference, found.clinic.reference, meta=SUD
        )
    )
    return found


@pytest_asyncio.fixture(autouse=True)
async def nothing_was_gained(scene: Scene) -> AsyncIterator[None]:
    """After each attempt the clinic and the stranger see what they saw before, and the records are as they were."""
    before = [await sight(scene, member) for member in (scene.clinic, scene.stranger)]
    yield
    assert [await sight(scene, member) for member in (scene.clinic, scene.stranger)] == before
    assert set((await sight(scene, scene.district)).values()) == {1}, "a record has another version"


async def sight(scene: Scene, member: Member) -> dict[str, int]:
    """Which of the scene's records a member sees behind the access service, with their current versions."""
    names = {UUID(record["id"]): name for name, record in scene.records.items()}
    async with entered(scene.world, member) as connection:
        rows = await connection.execute(text("SELECT id, version FROM hallpass.resource WHERE current"))
        return {names[r.id]: r.version for r in rows if r.id in names}


async def test_the_scene_is_what_the_attempts_are_made_on(scene: Scene) -> None:
    assert set(await sight(scene, scene.clinic)) == {"Patient", "ServiceRequest", "shared"}
    assert await sight(scene, scene.stranger) == {}


@pytest.mark.parametrize("name", ["Patient", "ServiceRequest", "shared"])
async def test_a_recipient_neither_updates_nor_deletes_what_it_may_read(scene: Scene, name: str) -> None:
    record = scene.records[name]
    path = f"/{record['resourceType']}/{record['id']}"
    assert name == "shared" or (await scene.clinic.put(path, record)).status_code == 403, "though nothing is changed"
    for changed in (
        {"language": "en"},
        {"implicitRules": "urn:x"},
        {"extension": [{"url": "urn:x", "valueCode": "x"}]},
    ):
        response = await scene.clinic.put(path, {**record, **changed})
        assert response.status_code == 403, response.text
    assert (await scene.clinic.delete(path)).status_code == 403
    entries = [
        {"request": {"method": "DELETE", "url": path[1:]}},
        {"request": {"method": "PUT", "url": path[1:]}, "resource": {**record, "language": "en"}},
    ]
    for kind in ("batch", "transaction"):
        for entry in entries:
            answer = await scene.clinic.post("", {"resourceType": "Bundle", "type": kind, "entry": [entry]})
            assert answer.status_code == 403 or answer.json()["entry"][0]["response"]["status"] == "403"


async def test_a_release_that_was_ever_active_is_not_deleted_and_a_draft_is(scene: Scene) -> None:
    """Else what was disclosed under it would be on the ledger without its reason."""
    release = await scene.release("Encounter")
    path = f"/Consent/{release['id']}"
    for status in ("active", "inactive"):
        await scene.district.save({**release, "status": status})
        refused(await scene.district.delete(path), 409, "business-rule", "Consent.status")
    draft = await scene.release("Encounter", status="draft")
    assert (await scene.district.delete(f"/Consent/{draft['id']}")).status_code == 204


async def test_a_recipient_cannot_change_the_consent_it_reads(scene: Scene) -> None:
    for release in await scene.clinic.ids("/Consent"):
        held = (await scene.clinic.get(f"/Consent/{release}")).json()
        wider = {**held, "provision": {k: v for k, v in held["provision"].items() if k != "class"}}
        for body in (wider, {**held, "status": "inactive"}):
            assert (await scene.clinic.put(f"/Consent/{release}", body)).status_code == 403
        assert (await scene.clinic.delete(f"/Consent/{release}")).status_code == 403


@pytest_asyncio.fixture(scope="module")
async def forger(scene: Scene) -> dict[str, Any]:
    """A guardian whom the clinic has made up, so that its Consents lack nothing but the right."""
    return await scene.clinic.create(build.guardian(scene.student))


def forged(scene: Scene, forger: dict[str, Any], recipient: Member, **more: Any) -> dict[str, Any]:
    """A Consent of the clinic's that would open everything of the district's."""
    everything = ("Patient", "Encounter", "RelatedPerson", "Task", "Consent")
    found = build.consent(scene.student, forger, scene.district.reference, recipient.reference, classes=everything)
    return {**found, **more}


@pytest.mark.parametrize("status", ["active", "draft", "proposed"])
async def test_a_consent_that_names_another_as_its_discloser_opens_nothing(
    scene: Scene, forger: dict[str, Any], status: str
) -> None:
    made = await scene.clinic.post("/Consent", forged(scene, forger, scene.clinic, status=status))
    if status != "active":
        assert made.status_code == 201, made.text
        drafted = made.json()
        made = await scene.clinic.put(f"/Consent/{drafted['id']}", {**drafted, "status": "active"})
        assert (await scene.clinic.delete(f"/Consent/{drafted['id']}")).status_code == 204
    assert made.status_code == 422
    assert [i["expression"] for i in made.json()["issue"]] == [["Consent.organization[0]"]]


async def test_a_discloser_named_as_an_actor_is_refused_as_well(scene: Scene, forger: dict[str, Any]) -> None:
    body = forged(scene, forger, scene.clinic, organization=[scene.clinic.reference])
    body["provision"]["actor"].append(build.actor("CST", scene.district.reference))
    made = await scene.clinic.post("/Consent", body)
    assert made.status_code == 422
    assert all(i["expression"][0].startswith("Consent.provision.actor[1]") for i in made.json()["issue"])


async def test_a_consent_of_the_recipients_own_opens_its_own_data_only(scene: Scene, forger: dict[str, Any]) -> None:
    """Complete, active, under agreements of its own making: it opens nothing of the district's, to nobody."""
    for recipient in (scene.clinic, scene.stranger):
        await scene.clinic.create(
            {
                "resourceType": "OrganizationAffiliation",
                "active": True,
                "organization": scene.clinic.reference,
                "participatingOrganization": recipient.reference,
                "code": [{"coding": [{"system": c.PARTICIPATION, "code": "IRCP"}]}],
            }
        )
        body = forged(scene, forger, recipient, organization=[scene.clinic.reference])
        made = await scene.clinic.create(body)
        own = await scene.clinic.create(build.encounter(scene.student))
        assert await recipient.ids("/Encounter") == [own["id"]], "what the clinic holds, and no more"
        assert (await recipient.get(f"/Encounter/{scene.records['Encounter']['id']}")).status_code == 404
        await scene.clinic.save({**made, "status": "inactive"})
        assert (await scene.clinic.delete(f"/Encounter/{own['id']}")).status_code == 204
    assert (await scene.clinic.delete(f"/RelatedPerson/{forger['id']}")).status_code == 409


async def test_a_guardian_is_not_planted_on_a_student_that_is_hidden(scene: Scene) -> None:
    response = await scene.stranger.post("/RelatedPerson", build.guardian(scene.student))
    assert (response.status_code, response.json()["issue"][0]["expression"]) == (
        422,
        ["RelatedPerson.patient.reference"],
    )


async def test_an_agreement_that_the_recipient_writes_is_none(scene: Scene) -> None:
    """The district has released to the stranger, with whom it has no agreement; the stranger makes one up."""
    release = await scene.district.create(
        build.consent(
            scene.student,
            scene.records["RelatedPerson"],
            scene.district.reference,
            scene.stranger.reference,
            classes=("Encounter",),
        )
    )
    for one, other, code in (
        (scene.district, scene.stranger, "IRCP"),
        (scene.stranger, scene.district, "CST"),
        (scene.district, scene.stranger, "CST"),
    ):
        response = await scene.stranger.post(
            "/OrganizationAffiliation",
            {
                "resourceType": "OrganizationAffiliation",
                "active": True,
                "organization": one.reference,
                "participatingOrganization": other.reference,
                "code": [{"coding": [{"system": c.PARTICIPATION, "code": code}]}],
            },
        )
        assert response.status_code in (201, 403, 422)
        assert await scene.stranger.ids("/Encounter") == []
    await scene.district.save({**release, "status": "inactive"})


async def test_no_organization_moves_itself_or_another_to_where_it_would_see_more(scene: Scene) -> None:
    for mover, moved, parent in (
        (scene.stranger, scene.stranger, scene.district),  # below who holds it
        (scene.stranger, scene.stranger, scene.clinic),  # below who may see it
        (scene.stranger, scene.district, scene.stranger),  # who holds it, below itself
        (scene.clinic, scene.district, scene.clinic),
        (scene.clinic, scene.stranger, scene.clinic),  # an accomplice's help
    ):
        body = (await moved.get(f"/Organization/{moved.organization}")).json()
        response = await mover.put(f"/Organization/{moved.organization}", {**body, "partOf": parent.reference})
        assert response.status_code == 403, response.text
    school = await scene.district.create(
        {"resourceType": "Organization", "name": "School", "active": True, "partOf": scene.district.reference}
    )
    annex = await scene.district.create(
        {**{k: v for k, v in school.items() if k not in ("id", "meta")}, "name": "Annex"}
    )
    moved = await scene.district.put(f"/Organization/{school['id']}", {**school, "partOf": build.ref(annex)})
    assert moved.status_code == 200, moved.text
    await scene.world.client_of(UUID(school["id"]), scopes="system/*.rs", purposes=("TREAT",))
    back = await scene.district.put(f"/Organization/{school['id']}", school)
    assert back.status_code == 403, "one that calls for itself is moved by the operator alone"
    for parent in (scene.district, scene.clinic):
        new = {"resourceType": "Organization", "name": "Annex", "active": True, "partOf": parent.reference}
        assert (await scene.stranger.post("/Organization", new)).status_code == 403


async def test_a_patient_with_the_same_identifier_or_id_is_another_patient(scene: Scene) -> None:
    twin = await scene.clinic.create(patient(scene.student["identifier"][0]["value"]))
    assert twin["id"] != scene.student["id"]
    parent = await scene.clinic.create(build.guardian(twin))
    classes = ("Patient", "Encounter", "RelatedPerson")
    release = await scene.clinic.create(
        build.consent(twin, parent, scene.clinic.reference, scene.clinic.reference, classes=classes)
    )
    await scene.clinic.save({**release, "status": "inactive"})
    sent = await scene.clinic.post("/Patient", {**patient("S-9"), "id": scene.student["id"]})
    assert sent.status_code == 422 or sent.json()["id"] != scene.student["id"]


async def test_a_full_url_in_a_bundle_does_not_stand_for_somebody_elses_resource(scene: Scene) -> None:
    hidden = scene.records["Encounter"]["id"]
    for full_url in (f"Encounter/{hidden}", f"http://127.0.0.1:8000/fhir/Encounter/{hidden}", f"urn:uuid:{hidden}"):
        entries = [
            {
                "fullUrl": full_url,
                "resource": build.encounter(scene.student),
                "request": {"method": "PUT", "url": f"Encounter?_id={hidden}"},
            },
            {
                "resource": build.encounter(scene.student, partOf={"reference": full_url}),
                "request": {"method": "POST", "url": "Encounter"},
            },
        ]
        answer = await scene.clinic.post("", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert answer.status_code == 200, answer.text
        assert hidden not in answer.text


# A Task is the one resource that another organization writes to -----------------------------------------------------


@pytest_asyncio.fixture
async def task(scene: Scene) -> dict[str, Any]:
    """A labeled Task of the district's that the clinic owns."""
    return await scene.district.create(
        build.task(
            scene.student, scene.records["ServiceRequest"], scene.district.reference, scene.clinic.reference, meta=SUD
        )
    )


async def test_a_party_sets_its_elements_and_the_rest_stays_the_custodians(scene: Scene, task: dict[str, Any]) -> None:
    sent = {
        **task,
        "status": "accepted",
        "meta": {"security": [{"system": c.CONFIDENTIALITY_SYSTEM, "code": "U"}], "profile": ["urn:p"]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">another story</div>'},
    }
    response = await scene.clinic.put(f"/Task/{task['id']}", sent)
    assert response.status_code == 200, response.text
    held = (await scene.district.get(f"/Task/{task['id']}")).json()
    assert (held["status"], held["meta"]["versionId"]) == ("accepted", "2")
    assert (held["meta"]["security"], "profile" in held["meta"], "text" in held) == (SUD["security"], False, False)


@pytest.mark.parametrize("element", ["for", "focus", "owner", "requester", "code", "intent", "basedOn", "contained"])
async def test_a_party_changes_nothing_that_says_whose_the_task_is(
    scene: Scene, task: dict[str, Any], element: str
) -> None:
    values = {
        "owner": scene.stranger.reference,
        "code": {"text": "else"},
        "intent": "plan",
        "basedOn": [build.ref(scene.records["ServiceRequest"])],
        "contained": [{"resourceType": "Patient", "id": "p"}],
    }
    response = await scene.clinic.put(
        f"/Task/{task['id']}", {**task, element: values.get(element, scene.clinic.reference)}
    )
    assert response.status_code in (403, 422), response.text
    without = {k: v for k, v in task.items() if k != element}
    if without != task:
        assert (await scene.clinic.put(f"/Task/{task['id']}", without)).status_code in (403, 422)
    assert (await scene.district.get(f"/Task/{task['id']}")).headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize("status", ["draft", "requested", "entered-in-error", "ready", "received"])
async def test_a_party_does_not_set_the_statuses_of_the_custodian(
    scene: Scene, task: dict[str, Any], status: str
) -> None:
    response = await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": status, "priority": "urgent"})
    assert response.status_code == 403
    if status != "requested":
        response = await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": status})
        assert (response.status_code, response.json()["issue"][0]["expression"]) == (409, ["Task.status"])


async def test_the_output_of_a_task_points_at_nothing_that_its_writer_cannot_see(
    scene: Scene, task: dict[str, Any]
) -> None:
    """Else the Task's custodian would open a record by it, or the party would learn that there is one."""
    answers = []
    for target in (scene.records["Encounter"]["id"], "00000000-0000-4000-8000-000000000000"):
        output = [{"type": {"text": "result"}, "valueReference": {"reference": f"Encounter/{target}"}}]
        response = await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": "accepted", "output": output})
        answers.append((response.status_code, response.content))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422


async def test_what_a_party_writes_into_a_task_widens_no_release_that_follows_references(scene: Scene) -> None:
    """A release of what a Task refers to covers what its custodian's elements refer to, and not what a party adds.

    Else the clinic, which may see the visit, could open it to a third organization.
    """
    third = await scene.world.member("Third")
    await scene.world.agree(scene.district, third)
    visit = await scene.district.create(build.encounter(scene.student))
    task = await scene.district.create(
        build.task(scene.student, scene.records["ServiceRequest"], scene.district.reference, scene.clinic.reference)
    )
    instance = {"data": [{"meaning": "instance", "reference": build.ref(visit)}]}
    related = {"data": [{"meaning": "related", "reference": build.ref(task)}]}
    own = await scene.release("Encounter", provision=instance)
    other = await scene.district.create(
        build.consent(
            scene.student,
            scene.records["RelatedPerson"],
            scene.district.reference,
            third.reference,
            classes=("Encounter", "ServiceRequest"),
            provision=related,
        )
    )
    assert await third.ids("/ServiceRequest") == [scene.records["ServiceRequest"]["id"]]
    output = [{"type": {"text": "result"}, "valueReference": build.ref(visit)}]
    response = await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": "accepted", "output": output})
    assert response.status_code == 200, response.text
    assert await third.ids("/Encounter") == []
    assert (await third.get(f"/Encounter/{visit['id']}")).status_code == 404
    for release in (own, other):
        await scene.district.save({**release, "status": "inactive"})


async def test_who_is_released_a_task_is_no_party_of_it(scene: Scene) -> None:
    task = await scene.district.create(
        build.task(scene.student, scene.records["ServiceRequest"], scene.district.reference, scene.district.reference)
    )
    release = await scene.release("Task")
    assert (await scene.clinic.get(f"/Task/{task['id']}")).status_code == 200
    refused(await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": "accepted"}), 403, "forbidden")
    await scene.district.save({**release, "status": "inactive"})


async def test_a_party_does_not_bring_back_a_task_that_was_deleted(scene: Scene, task: dict[str, Any]) -> None:
    assert (await scene.district.delete(f"/Task/{task['id']}")).status_code == 204
    for status in ("requested", "accepted"):
        assert (await scene.clinic.put(f"/Task/{task['id']}", {**task, "status": status})).status_code == 403


async def test_who_is_no_party_does_not_see_the_task_it_writes_to(scene: Scene, task: dict[str, Any]) -> None:
    response = await scene.stranger.put(f"/Task/{task['id']}", {**task, "status": "accepted"})
    assert response.status_code == 404


async def test_all_these_attempts_disclosed_nothing_of_the_districts_to_the_stranger(scene: Scene) -> None:
    held = {r["id"] for r in scene.records.values()}
    assert not [e for e in await ledger(scene.world, scene.stranger) if str(e[1]) in held]
