"""Invariant 2, its cost: what is hidden takes as many statements as what there is not, and the same ones.

Another number would show in the time that an answer takes.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, set_scene
from tests.statements import Statements
from tests.world import Member, World

Told = tuple[int, tuple[str, ...]]
HIDDEN = ("Encounter", "labeled", "RelatedPerson")
READS = ("*", "*/_history", "*/_history/1", "*/$meta", "?_id=*")
WRITES = ("PUT", "PATCH", "DELETE", "POST")
PATCH = {"Content-Type": "application/json-patch+json"}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """The clinic may see the student and the referral, and nothing of HIDDEN."""
    found = await set_scene(world, "Patient", "ServiceRequest")
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "SUD"}]}
    found.records["labeled"] = await found.district.create(build.referral(found.student, meta=label))
    return found


@pytest_asyncio.fixture(scope="module")
async def sent(world: World, scene: Scene) -> Statements:
    """The statements of the application, to which both callers are known already."""
    found = Statements(world.db)
    await world.db.dispose()  # so that it hears every connection
    for member in (scene.clinic, scene.stranger):
        await member.get(f"/Patient/{uuid4()}")
    return found


async def asked(sent: Statements, who: Member, method: str, path: str, body: Any = None, **headers: str) -> Told:
    """The status of a request, and the statements that it took."""
    sent.clear()
    answer = await who._send(method, path, json=body, headers=headers)
    return answer.status_code, sent.sent


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("path", READS)
async def test_a_read_of_something_hidden_takes_what_a_read_of_nothing_takes(
    scene: Scene, sent: Statements, name: str, path: str
) -> None:
    record = scene.records[name]
    at = f"/{record['resourceType']}{'' if path[0] == '?' else '/'}{path}"
    hidden, absent = [await asked(sent, scene.clinic, "GET", at.replace("*", i)) for i in (record["id"], str(uuid4()))]
    assert hidden == absent
    assert hidden[1] != ()


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("method", WRITES)
async def test_a_write_to_something_hidden_takes_what_a_write_to_nothing_takes(
    scene: Scene, sent: Statements, name: str, method: str
) -> None:
    """By its id; and (POST) a reference to it."""
    record, answers = scene.records[name], []
    for i in (record["id"], str(uuid4())):
        path, body, headers = f"/{record['resourceType']}/{i}", {**record, "id": i}, {}
        if method == "PATCH":
            body, headers = [{"op": "add", "path": "/language", "value": "en"}], PATCH
        if method == "POST":
            path, body = "/Encounter", build.encounter(scene.student, partOf={"reference": f"Encounter/{i}"})
        content = None if method == "DELETE" else body
        answers.append(await asked(sent, scene.clinic, method, path, content, **headers))
    assert answers[0] == answers[1]
    assert answers[0][0] in (404, 422)
    assert answers[0][1] != ()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/Patient/*"),
        ("GET", "/Patient/*/$everything"),
        ("POST", "/Patient/*/$everything"),
        ("GET", "/Patient/*/$disclosures"),
        ("GET", "/Patient/*/Encounter"),
        ("GET", "/Encounter?subject=Patient/*"),
        ("GET", "/Encounter?subject:Patient.birthdate=ge2000&subject=Patient/*"),
        ("POST", "/Patient/*/$explain-access"),
        ("POST", "/Patient/*/$validate"),
        ("GET", "/AuditEvent?patient=Patient/*"),
        ("DELETE", "/Patient?_id=*"),
    ],
)
async def test_a_student_whom_one_may_not_see_costs_what_no_student_costs(
    scene: Scene, sent: Statements, method: str, path: str
) -> None:
    """In operations, compartments and conditions: for a stranger's client there is no such child."""
    body = None
    if "$explain" in path:
        recipient = {"name": "recipient", "valueReference": scene.clinic.reference}
        body = _parameters(recipient, _code("purpose", "TREAT"), _code("type", "Encounter"))
    if "$validate" in path:
        body = _parameters(_code("mode", "delete"))
    ids = (scene.student["id"], str(uuid4()))
    answers = [await asked(sent, scene.stranger, method, path.replace("*", i), body) for i in ids]
    assert answers[0] == answers[1]
    assert answers[0][1] != ()


def _code(name: str, value: str) -> dict[str, str]:
    return {"name": name, "valueCode": value}


def _parameters(*found: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(found)}
