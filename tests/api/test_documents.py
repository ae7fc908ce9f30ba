"""Documents, forms, answers and bytes over HTTP. https://hl7.org/fhir/R4/binary.html#rest"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest_asyncio

from app.api.binary import CONTEXT, LABEL
from app.db.engine import Database
from tests import build
from tests.scene import Scene, ledger, set_scene
from tests.world import World, open_world

BYTES = b"<script>alert('plan')</script>"
FHIR = {"Accept": "application/fhir+json"}
Json = dict[str, Any]


def scan(student: Json, **more: Any) -> Json:
    """A page as a Binary."""
    return {
        "resourceType": "Binary",
        "contentType": "text/html",
        "securityContext": build.ref(student),
        "data": b64encode(BYTES).decode(),
        **more,
    }


def document(student: Json, bytes_: Json, **more: Any) -> Json:
    """A document whose bytes are a Binary."""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": build.ref(student),
        "content": [{"attachment": {"contentType": "text/html", "url": f"Binary/{bytes_['id']}"}}],
        **more,
    }


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> Any:
    """A district whose documents a clinic may see."""
    async with open_world(db) as world:
        yield await set_scene(world, "DocumentReference", "QuestionnaireResponse")


async def test_a_binary_is_served_as_its_bytes_with_the_label_in_headers(scene: Scene) -> None:
    binary = await scene.district.create(scan(scene.student))
    await scene.district.create(document(scene.student, binary))
    raw = await scene.clinic.get(f"/Binary/{binary['id']}")
    assert (raw.status_code, raw.content) == (200, BYTES)
    assert raw.headers["content-type"].startswith("text/html")
    assert "NORDSCLCD" in raw.headers[LABEL]
    assert raw.headers[CONTEXT] == f"Patient/{scene.student['id']}"
    assert raw.headers["etag"].startswith('W/"1-')
    fhir = await scene.clinic.get(f"/Binary/{binary['id']}", headers=FHIR)
    assert "Consent/" in raw.headers["link"] == fhir.headers["link"]
    own = await scene.district.get(f"/Binary/{binary['id']}")
    assert LABEL not in own.headers


async def test_stored_bytes_do_not_run_in_a_browser(scene: Scene) -> None:
    binary = await scene.district.create(scan(scene.student))
    raw = await scene.district.get(f"/Binary/{binary['id']}")
    assert raw.headers["content-disposition"] == "attachment"
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in raw.headers["content-security-policy"]
    odd = await scene.district.create(scan(scene.student, contentType="t\u00e9xt/html"))
    assert (await scene.district.get(f"/Binary/{odd['id']}")).headers["content-type"] == "application/octet-stream"


async def test_a_binary_is_served_as_fhir_to_who_asks_for_it(scene: Scene) -> None:
    binary = await scene.district.create(scan(scene.student))
    for found in (
        await scene.district.get(f"/Binary/{binary['id']}", headers=FHIR),
        await scene.district.get(f"/Binary/{binary['id']}?_format=json"),
    ):
        assert found.json() == binary
    known = {"If-None-Match": 'W/"1"'}
    assert (await scene.district.get(f"/Binary/{binary['id']}", headers=known)).status_code == 304


async def test_bytes_that_leave_are_on_the_ledger_and_end_with_the_document(world_scene: Scene) -> None:
    scene = world_scene
    binary = await scene.district.create(scan(scene.student))
    filed = await scene.district.create(document(scene.student, binary))
    assert (await scene.clinic.get(f"/Binary/{binary['id']}")).content == BYTES
    entries = [e for e in await ledger(scene.world, scene.clinic) if str(e[1]) == binary["id"]]
    assert [(e[0], e[3], e[4] is not None) for e in entries] == [("Binary", "read", True)]
    assert await scene.clinic.ids("/Binary") == [binary["id"]]
    await scene.district.save({**filed, "content": [{"attachment": {"title": "elsewhere"}}]})
    hidden = await scene.clinic.get(f"/Binary/{binary['id']}")
    absent = await scene.stranger.get(f"/Binary/{binary['id']}")
    assert (hidden.status_code, hidden.content) == (404, absent.content)
    assert await scene.clinic.ids("/Binary") == []


async def test_a_binary_that_a_document_refers_to_is_not_deleted(scene: Scene) -> None:
    binary = await scene.district.create(scan(scene.student))
    await scene.district.create(document(scene.student, binary))
    assert (await scene.district.delete(f"/Binary/{binary['id']}")).status_code == 409


async def test_a_binary_names_its_student(scene: Scene) -> None:
    elsewhere = scan(scene.student, securityContext=scene.district.reference)
    refused = await scene.district.post("/Binary", elsewhere)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Binary.securityContext"]


async def test_an_attachment_leads_to_a_binary_that_its_writer_sees(scene: Scene) -> None:
    other = {"id": "00000000-0000-4000-8000-000000000000"}
    refused = await scene.district.post("/DocumentReference", document(scene.student, other))
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["DocumentReference.content[0].attachment.url"]
    theirs = await scene.stranger.post("/DocumentReference", document(scene.student, other))
    assert theirs.status_code == 422


async def test_a_form_of_the_directory_says_nothing_of_a_student(scene: Scene) -> None:
    about = {"linkId": "1", "type": "reference", "initial": [{"valueReference": build.ref(scene.student)}]}
    form = {"resourceType": "Questionnaire", "status": "active", "item": [about]}
    refused = await scene.district.post("/Questionnaire", form)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["code"] == "business-rule"


async def test_a_consent_rests_on_a_document_or_on_the_answers_to_a_form(scene: Scene) -> None:
    binary = await scene.district.create(scan(scene.student))
    signed = await scene.district.create(document(scene.student, binary))
    answers = await scene.district.create(
        {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": build.ref(scene.student)}
    )
    for source in (signed, answers):
        made = build.consent(
            scene.student,
            scene.records["RelatedPerson"],
            scene.district.reference,
            scene.clinic.reference,
            classes=("Encounter",),
            sourceReference=build.ref(source),
        )
        del made["sourceAttachment"]
        filed = await scene.district.create(made)
        await scene.district.save({**filed, "status": "inactive"})
        again = await scene.district.post("/Consent", made)
        assert again.status_code == 409


async def test_a_form_that_is_stored_again_is_the_same_evidence(scene: Scene) -> None:
    """Bytes, document and Consent in one transaction, sent again after the Consent was ended."""

    def added(name: str, resource: Json) -> Json:
        request = {"method": "POST", "url": resource["resourceType"]}
        return {"fullUrl": f"urn:uuid:{name}", "resource": resource, "request": request}

    bytes_, form = "0c9f4d3e-0000-4000-8000-000000000001", "0c9f4d3e-0000-4000-8000-000000000002"
    signed = document(scene.student, {"id": "x"})
    signed["content"][0]["attachment"]["url"] = f"urn:uuid:{bytes_}"
    made = build.consent(
        scene.student,
        scene.records["RelatedPerson"],
        scene.district.reference,
        scene.clinic.reference,
        classes=("Encounter",),
        sourceReference={"reference": f"urn:uuid:{form}"},
    )
    del made["sourceAttachment"]
    scanned = scan(scene.student, data=b64encode(b"The form of October").decode())
    entries = [added("0c9f4d3e-0000-4000-8000-000000000003", made), added(form, signed), added(bytes_, scanned)]
    sent = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    first = await scene.district.post("", sent)
    assert first.status_code == 200, first.text
    place = first.json()["entry"][0]["response"]["location"].rpartition("/fhir")[2].partition("/_history")[0]
    filed = (await scene.district.get(f"/{place.lstrip('/')}")).json()
    await scene.district.save({**filed, "status": "inactive"})
    again = await scene.district.post("", sent)
    assert again.status_code == 409, again.text


async def test_a_release_does_not_name_bytes_but_the_record_that_refers_to_them(scene: Scene) -> None:
    binary = await scene.district.create(scan(scene.student))
    data = [{"meaning": "instance", "reference": build.ref(binary)}]
    refused = await scene.district.post(
        "/Consent",
        build.consent(
            scene.student,
            scene.records["RelatedPerson"],
            scene.district.reference,
            scene.clinic.reference,
            provision={"data": data},
        ),
    )
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"] == ["Consent.provision.data[0].reference"]


@pytest_asyncio.fixture
async def world_scene(scene: Scene) -> Scene:
    """A scene of its own in the same world."""
    world: World = scene.world
    return await set_scene(world, "DocumentReference")
