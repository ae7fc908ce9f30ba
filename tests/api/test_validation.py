"""$validate. https://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, as_owner, set_scene
from tests.world import Member, World

ENCOUNTER = "http://hl7.org/fhir/StructureDefinition/Encounter"


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic sees the student's visits."""
    return await set_scene(world, "Encounter")


async def judged(member: Member, path: str, resource: dict[str, Any] | None, **parameters: str) -> list[dict[str, Any]]:
    """The issues of an outcome."""
    listed: list[dict[str, Any]] = [{"name": "resource", "resource": resource}] if resource else []
    keys = {"mode": "valueCode", "profile": "valueUri"}
    listed += [{"name": n, keys[n]: v} for n, v in parameters.items()]
    response = await member.post(f"{path}/$validate", {"resourceType": "Parameters", "parameter": listed})
    assert response.status_code == 200, response.text
    outcome = response.json()
    assert outcome["resourceType"] == "OperationOutcome"
    found: list[dict[str, Any]] = outcome["issue"]
    return found


def fine(issues: list[dict[str, Any]]) -> bool:
    """Whether nothing was found, but for a claim to a profile of others."""
    first, *more = [i["severity"] for i in issues]
    return first == "information" and set(more) <= {"warning"}


async def count(scene: Scene) -> int:
    """How many versions there are."""
    return int((await as_owner(scene.world, "SELECT count(*) FROM hallpass.resource"))[0][0])


async def test_what_is_valid_is_and_every_fault_is_named(scene: Scene) -> None:
    visit = build.encounter(scene.student)
    assert fine(await judged(scene.district, "/Encounter", visit))
    assert fine(await judged(scene.district, "/Encounter", visit, profile=ENCOUNTER))
    bare = await scene.district.post("/Encounter/$validate", visit)
    assert fine(bare.json()["issue"])
    faults = await judged(scene.district, "/Encounter", {**visit, "status": "over", "length": {"value": "x"}})
    assert {i["expression"][0] for i in faults} == {"Encounter.status", "Encounter.length.value"}
    wrong = await judged(scene.district, "/Encounter", build.patient())
    assert not fine(wrong)


async def test_an_unknown_profile_is_an_issue(scene: Scene) -> None:
    visit = build.encounter(scene.student)
    for parameters in ({"profile": "urn:x"}, {"mode": "profile"}, {"mode": "create", "profile": "urn:x"}):
        issues = await judged(scene.district, "/Encounter", visit, **parameters)
        assert [i["code"] for i in issues] == ["not-supported"]


SERVICE = "https://hallpass.example/fhir/StructureDefinition/service"


async def test_a_profile_is_judged_where_it_is_asked_for_or_claimed(scene: Scene) -> None:
    visit = build.encounter(scene.student)
    delivered = {**visit, "type": [{"text": "Counseling"}], "serviceProvider": scene.district.reference}
    claimed = {"meta": {"profile": [SERVICE]}}
    assert fine(await judged(scene.district, "/Encounter", delivered, profile=SERVICE))
    assert fine(await judged(scene.district, "/Encounter", delivered, profile=f"{SERVICE}|0.1.0", mode="profile"))
    assert fine(await judged(scene.district, "/Encounter", delivered | claimed, mode="create"))
    lacking = {"Encounter.type", "Encounter.serviceProvider"}
    for resource, asked in (
        (visit, {"profile": SERVICE}),
        (visit, {"profile": SERVICE, "mode": "create"}),
        (visit | claimed, {}),
        (visit | claimed, {"mode": "create"}),
        (visit | claimed, {"profile": ENCOUNTER}),
    ):
        assert {
            e for i in await judged(scene.district, "/Encounter", resource, **asked) for e in i["expression"]
        } == lacking


async def test_faults_of_the_type_and_of_the_profile_are_told_together(scene: Scene) -> None:
    visit = {**build.encounter(scene.student), "status": "over", "length": {"code": "min"}}
    found = await judged(scene.district, "/Encounter", visit, profile=SERVICE)
    assert {e for i in found for e in i["expression"]} >= {
        "Encounter.status",
        "Encounter.length",
        "Encounter.type",
        "Encounter.serviceProvider",
    }


async def test_a_claim_to_a_profile_of_others_is_a_warning(scene: Scene) -> None:
    visit = {**build.encounter(scene.student), "meta": {"profile": [ENCOUNTER, "urn:test:profile"]}}
    found = await judged(scene.district, "/Encounter", visit)
    assert [(i["severity"], i.get("expression")) for i in found] == [
        ("information", None),
        ("warning", ["Encounter.meta.profile[1]"]),
    ]


async def test_the_profile_of_another_type_is_none_of_this_one(scene: Scene) -> None:
    student = "https://hallpass.example/fhir/StructureDefinition/student"
    issues = await judged(scene.district, "/Encounter", build.encounter(scene.student), profile=student)
    assert [i["code"] for i in issues] == ["not-supported"]


async def test_create_is_judged_by_every_rule_and_leaves_nothing(scene: Scene) -> None:
    before = await count(scene)
    visit = build.encounter(scene.student)
    assert fine(await judged(scene.district, "/Encounter", visit, mode="create"))
    nowhere = build.encounter({"resourceType": "Patient", "id": str(uuid4())})
    assert fine(await judged(scene.district, "/Encounter", nowhere))
    issues = await judged(scene.district, "/Encounter", nowhere, mode="create")
    assert [i["expression"] for i in issues] == [["Encounter.subject.reference"]]
    mother = scene.records["RelatedPerson"]
    release = build.consent(scene.student, mother, scene.district.reference, scene.clinic.reference)
    assert fine(await judged(scene.district, "/Consent", release, mode="create"))
    del release["performer"], release["dateTime"]
    gaps = {e for i in await judged(scene.district, "/Consent", release, mode="create") for e in i["expression"]}
    assert gaps >= {"Consent.performer", "Consent.dateTime"}
    assert await count(scene) == before


async def test_a_reference_to_what_is_hidden_is_judged_as_one_to_nothing(scene: Scene) -> None:
    hidden = await judged(scene.stranger, "/Encounter", build.encounter(scene.student), mode="create")
    nobody = {"resourceType": "Patient", "id": str(uuid4())}
    assert hidden == await judged(scene.stranger, "/Encounter", build.encounter(nobody), mode="create")


async def test_update_and_delete_are_judged_for_the_resource_that_is_there(scene: Scene) -> None:
    before = await count(scene)
    visit, referral = scene.records["Encounter"], scene.records["ServiceRequest"]
    path = f"/Encounter/{visit['id']}"
    assert fine(await judged(scene.district, path, {**visit, "status": "cancelled"}, mode="update"))
    assert not fine(await judged(scene.district, path, {**visit, "id": str(uuid4())}, mode="update"))
    assert fine(await judged(scene.district, path, None, mode="delete"))
    referred = await judged(scene.district, f"/ServiceRequest/{referral['id']}", None, mode="delete")
    assert [i["code"] for i in referred] == ["conflict"]
    foreign = await judged(scene.clinic, path, visit, mode="update")
    assert [i["code"] for i in foreign if i["severity"] == "error"] == ["forbidden"]
    assert await count(scene) == before


REFUSED: list[tuple[str, dict[str, str], int]] = [
    ("/Encounter", {"mode": "update"}, 400),
    ("/Encounter", {"mode": "delete"}, 400),
    ("/Encounter", {"mode": "guess"}, 400),
    ("/Encounter/{id}", {"mode": "create"}, 400),
    ("/Encounter/00000000-0000-4000-8000-000000000000", {"mode": "update"}, 404),
]


@pytest.mark.parametrize(("path", "parameters", "status"), REFUSED)
async def test_a_question_that_makes_no_sense_is_refused(
    scene: Scene, path: str, parameters: dict[str, str], status: int
) -> None:
    url = path.replace("{id}", scene.records["Encounter"]["id"])
    body = build.encounter(scene.student)
    listed = [{"name": "resource", "resource": body}, *({"name": n, "valueCode": v} for n, v in parameters.items())]
    response = await scene.district.post(f"{url}/$validate", {"resourceType": "Parameters", "parameter": listed})
    assert response.status_code == status
    query = await scene.district.post(f"{url}/$validate?mode={parameters['mode']}", body)
    assert query.status_code == status


async def test_a_mode_needs_the_scope_of_its_write(scene: Scene) -> None:
    reader = await scene.world.client_of(scene.district.organization, scopes="system/Encounter.rs", purposes=("TREAT",))
    visit = scene.records["Encounter"]
    response = await reader.post("/Encounter/$validate?mode=create", build.encounter(scene.student))
    assert response.status_code == 403
    assert fine(await judged(reader, f"/Encounter/{visit['id']}", visit))
