"""Kick-offs, manifests and deletions in the shapes of Bulk Data STU2 and STU3, member by member.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status
"""

from __future__ import annotations

from typing import Any

from tests.api.bulk.exports import STARTED, exported, fetched, work
from tests.scene import Scene, set_scene
from tests.world import BASE, World

STU2: dict[str, Any] = {
    "transactionTime": "2021-01-01T00:00:00Z",
    "request": "https://example.org/fhir/Patient/$export?_type=Patient,Observation",
    "requiresAccessToken": True,
    "output": [{"type": "Patient", "url": "https://example.org/output/patient_file_1.ndjson"}],
    "deleted": [{"type": "Bundle", "url": "https://example.org/output/del_file_1.ndjson"}],
    "error": [{"type": "OperationOutcome", "url": "https://example.org/output/err_file_1.ndjson"}],
    "extension": {"https://example.org/extra-property": True},
}
"""The specification's example, without the count that may be left out."""
DELETED = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [{"request": {"method": "DELETE", "url": "Patient/1"}}],
}


def kick_off(student: str) -> dict[str, Any]:
    """Every parameter of STU3, as a client posts it."""
    given: list[dict[str, Any]] = [
        {"name": "_outputFormat", "valueString": "application/fhir+ndjson"},
        {"name": "_since", "valueInstant": "2021-01-01T00:00:00Z"},
        {"name": "_until", "valueInstant": "2999-02-01T00:00:00Z"},
        {"name": "_type", "valueString": "Patient"},
        {"name": "_type", "valueString": "ServiceRequest"},
        {"name": "_typeFilter", "valueString": "ServiceRequest?status=active"},
        {"name": "_elements", "valueString": "Patient.name"},
        {"name": "patient", "valueReference": {"reference": f"Patient/{student}"}},
        {"name": "organizeOutputBy", "valueString": "Patient"},
        {"name": "allowPartialManifests", "valueBoolean": True},
    ]
    return {"resourceType": "Parameters", "parameter": given}


def shape(content: Any) -> Any:
    """Names and kinds, of a list its first."""
    if isinstance(content, dict):
        return {name: shape(value) for name, value in content.items()}
    return [shape(content[0])] if isinstance(content, list) and content else type(content)


async def start(scene: Scene, body: dict[str, Any]) -> str:
    """Post a kick-off as the district; answer where its status is, below the service's root."""
    answer = await scene.district.post("/Patient/$export", body, headers=STARTED)
    assert answer.status_code == 202, answer.text
    return answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir")


async def test_every_parameter_of_stu3_is_taken_from_a_body(world: World) -> None:
    scene = await set_scene(world)
    status = await start(scene, kick_off(scene.student["id"]))
    await work(world)
    found = await fetched(scene.district, status)
    assert found.manifest["outputOrganizedBy"] == "Patient"
    [file] = found.manifest["output"]
    assert [line["resourceType"] for line in found.files[file["url"]]] == ["Parameters", "Patient", "ServiceRequest"]


async def test_a_manifest_and_what_is_deleted_have_the_shapes_of_stu2(world: World) -> None:
    scene = await set_scene(world, "Patient", "Encounter")
    first = await exported(world, scene.clinic)
    visit = scene.records["Encounter"]
    await scene.district.save({**scene.records["RelatedPerson"], "gender": "female"})
    await scene.release("RelatedPerson")
    assert (await scene.district.delete(f"/Encounter/{visit['id']}")).status_code == 204
    path = f"/Patient/$export?_since={first.manifest['transactionTime']}&shade=red"
    answer = await scene.clinic.get(path, headers={**STARTED, "Prefer": "respond-async, handling=lenient"})
    await work(world)
    found = await fetched(scene.clinic, answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir"))
    assert shape({**found.manifest, "extension": 0}) == shape({**STU2, "extension": 0})
    assert isinstance(found.manifest["extension"], dict)
    assert found.deleted == {f"Encounter/{visit['id']}"}
    [deleted] = [line for part in found.manifest["deleted"] for line in found.files[part["url"]]]
    assert shape(deleted) == shape(DELETED)
