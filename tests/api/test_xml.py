"""XML in and out, over every kind of route: https://hl7.org/fhir/R4/http.html#mime-type"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from app.api import formats
from app.api.formats import FHIR_JSON, FHIR_XML
from app.db.engine import Database
from app.fhir.json import dump, parse
from app.fhir.xml.read import json_of
from app.fhir.xml.write import dump_xml
from tests import build
from tests.scene import Scene, set_scene
from tests.world import World, open_world

XML = {"Accept": FHIR_XML}


def content(response: Any) -> dict[str, Any]:
    """The resource in an answer in XML."""
    assert response.headers["Content-Type"].startswith(FHIR_XML), response.headers
    return parse(json_of(response.content, 1_000_000))


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> Any:
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    return await set_scene(world, "Patient", "ServiceRequest", "Encounter", "Task")


READS = [
    "/Patient/{p}",
    "/Patient/{p}?_elements=name",
    "/Patient/{p}/_history",
    "/Patient/{p}/_history/1",
    "/Patient?_id={p}",
    "/ServiceRequest?subject=Patient/{p}&_include=*",
    "/Patient/{p}/$everything",
    "/Patient/{p}/$meta",
    "/metadata",
    "/StructureDefinition/student",
    "/ValueSet",
    "/Library/notice-ferpa",
    "/AuditEvent?_count=3",
]


@pytest.mark.parametrize("url", READS)
async def test_what_is_read_in_xml_is_what_is_read_in_json(scene: Scene, url: str) -> None:
    url = url.format(p=scene.student["id"])
    response = await scene.district.get(url, headers=XML)
    assert response.status_code == 200
    plain = (await scene.district.get(url)).json()
    told = parse(dump(content(response)))
    for volatile in ("id", "meta", "link", "timestamp") if plain["resourceType"] == "Bundle" else ():
        plain.pop(volatile, None), told.pop(volatile, None)
    assert told == parse(dump(plain))


async def test_what_is_written_in_xml_is_stored_as_json_would_be(scene: Scene) -> None:
    body = build.patient("S-xml-1", telecom=[{"system": "phone", "value": "555"}])
    headers = {"Content-Type": FHIR_XML, **XML}
    created = await scene.district.post("/Patient", content=dump_xml(body), headers=headers)
    assert created.status_code == 201, created.text
    stored = content(created)
    assert {k: stored[k] for k in body} == body
    again = await scene.district.put(f"/Patient/{stored['id']}", {**body, "id": stored["id"]})
    assert again.json()["meta"]["versionId"] == "1"
    changed = dump_xml({**body, "id": stored["id"], "gender": "female"})
    put = await scene.district._send("PUT", f"/Patient/{stored['id']}", content=changed, headers=headers)
    assert content(put)["gender"] == "female"


async def test_a_batch_in_xml_leaves_entry_by_entry_in_xml_and_a_transaction_does(scene: Scene) -> None:
    entries = [{"request": {"method": "GET", "url": u}} for u in (f"Patient/{scene.student['id']}", "Patient/none")]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    headers = {"Content-Type": FHIR_XML, **XML}
    response = await scene.district.post("", content=dump_xml(batch), headers=headers)
    found = content(response)
    assert [e["response"]["status"][:3] for e in found["entry"]] == ["200", "404"]
    assert found["entry"][0]["resource"] == scene.student
    create = {"request": {"method": "POST", "url": "Patient"}, "resource": build.patient("S-xml-2")}
    transaction = {"resourceType": "Bundle", "type": "transaction", "entry": [create]}
    response = await scene.district.post("", content=dump_xml(transaction), headers=headers)
    assert content(response)["entry"][0]["response"]["status"] == "201 Created"


async def test_a_patch_as_parameters_may_be_xml(scene: Scene) -> None:
    made = await scene.district.create(build.patient("S-xml-3"))
    parts = [("type", "valueCode", "add"), ("path", "valueString", "Patient"), ("name", "valueString", "gender")]
    parts += [("value", "valueCode", "male")]
    operation = {"name": "operation", "part": [{"name": n, k: v} for n, k, v in parts]}
    body = dump_xml({"resourceType": "Parameters", "parameter": [operation]})
    headers = {"Content-Type": FHIR_XML, **XML}
    response = await scene.district._send("PATCH", f"/Patient/{made['id']}", content=body, headers=headers)
    assert content(response)["gender"] == "male"


async def test_every_error_is_told_in_xml(scene: Scene) -> None:
    send, headers = scene.clinic._send, {"Content-Type": FHIR_XML, **XML}
    answers = [
        (await send("GET", "/Patient/none", headers=XML), 404),
        (await send("GET", "/Patient?nothing=x", headers=XML), 400),
        (await send("GET", "/nowhere", headers=XML), 404),
        (await send("GET", "/Patient?_format=xml&_pretty=maybe"), 400),
        (await send("PATCH", "/metadata", headers=XML), 405),
        (await send("POST", "/Patient", content=b"<Patient", headers=headers), 400),
        (
            await send("POST", "/Patient", content=dump_xml({"resourceType": "Patient", "id": "x y"}), headers=headers),
            422,
        ),
        (await scene.world.http.get("https://exchange.test/fhir/Patient", headers=XML), 401),
    ]
    for answer, status in answers:
        assert answer.status_code == status, answer.text
        assert content(answer)["resourceType"] == "OperationOutcome"


FORMATS = [
    ({}, "", FHIR_JSON),
    ({"Accept": "*/*"}, "", FHIR_JSON),
    ({"Accept": FHIR_XML}, "", FHIR_XML),
    ({"Accept": "application/xml"}, "", "application/xml"),
    ({"Accept": f"{FHIR_XML}, {FHIR_JSON}"}, "", FHIR_JSON),
    ({"Accept": f"{FHIR_XML}, {FHIR_JSON};q=0.9"}, "", FHIR_XML),
    ({"Accept": f"{FHIR_XML};q=0.1, */*"}, "", FHIR_JSON),
    ({"Accept": f"{FHIR_XML}, */*;q=0.1"}, "", FHIR_XML),
    ({"Accept": f"{FHIR_XML};q=0, */*"}, "", FHIR_JSON),
    ({"Accept": FHIR_JSON}, "?_format=xml", FHIR_XML),
    ({"Accept": FHIR_XML}, "?_format=json", FHIR_JSON),
    ({}, "?_format=application/fhir%2Bxml", FHIR_XML),
    ({}, "?_format=application/fhir+xml;fhirVersion=4.0", FHIR_XML),
]


@pytest.mark.parametrize(("headers", "query", "kind"), FORMATS)
async def test_the_format_is_the_one_that_is_preferred(
    scene: Scene, headers: dict[str, str], query: str, kind: str
) -> None:
    response = await scene.district.get(f"/Patient/{scene.student['id']}{query}", headers=headers)
    assert response.headers["Content-Type"].partition(";")[0] == kind


async def test_too_much_for_xml_is_refused_and_a_write_of_it_is_still_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "MOST_IN_XML", 12)
    refused = await scene.district.get(f"/Patient/{scene.student['id']}", headers=XML)
    assert refused.status_code == 422
    assert content(refused)["issue"][0]["code"] == "too-costly"
    headers = {"Content-Type": FHIR_XML, **XML}
    created = await scene.district.post("/Patient", content=dump_xml(build.patient("S-xml-4")), headers=headers)
    assert created.status_code == 201
    assert content(created)["resourceType"] == "OperationOutcome"
    entries = [{"request": {"method": "GET", "url": f"Patient/{scene.student['id']}"}}]
    batch = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = content(await scene.district.post("", content=dump_xml(batch), headers=headers))
    assert answer["entry"][0]["response"]["outcome"]["issue"][0]["code"] == "too-costly"
