"""HL7 FAST Consent Management on the wire: filing, revoking, and a Consent in its shape."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest_asyncio

from app.consent.fast import CONTROLLER, GRANTEE
from app.db.engine import Database
from tests import build
from tests.scene import Scene, ledger, set_scene
from tests.world import open_world

Json = dict[str, Any]
NPI = "http://hl7.org/fhir/sid/us-npi"


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> Any:
    """A district whose mother signs."""
    async with open_world(db) as world:
        found = await set_scene(world)
        mother = {**found.records["RelatedPerson"], "identifier": [{"system": "urn:test:person", "value": "M-1"}]}
        found.records["RelatedPerson"] = await found.district.save(mother)
        yield found


def consent(scene: Scene, **more: Any) -> Json:
    """A Consent as FAST writes one: people by identifier, no organization, no attachment."""
    made = build.consent(
        scene.student, scene.records["RelatedPerson"], scene.district.reference, scene.clinic.reference,
        classes=("Encounter",),
    )  # fmt: skip
    del made["organization"], made["sourceAttachment"]
    made["identifier"] = [{"system": "http://example.org/consent", "value": "33445522"}]
    made["patient"] = {"identifier": scene.student["identifier"][0]}
    made["performer"] = [{"identifier": {"system": "urn:test:person", "value": "M-1"}}]
    return {**made, **more}


def document(title: str | None = None) -> Json:
    """A signed form: of its own, unless it is named."""
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "64292-6"}]},
        "content": [{"attachment": {"contentType": "application/pdf", "title": title or f"Form {uuid4().hex}"}}],
    }


def parameters(**given: Json) -> Json:
    """Parameters: resources, and references by `reference` or `identifier`."""
    listed = [
        {"name": n, **({"resource": v} if "resourceType" in v else {"valueReference": v})} for n, v in given.items()
    ]
    return {"resourceType": "Parameters", "parameter": listed}


async def filed(scene: Scene, **more: Any) -> Json:
    """A Consent that was filed, as it is stored."""
    asked = parameters(consent=consent(scene, **more), document=document())
    answer = await scene.district.post("/Consent/$fileConsent", asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    stored: Json = (await scene.district.get(answer.headers["Location"])).json()
    return stored


async def test_a_consent_is_filed_with_its_document_and_has_effect(scene: Scene) -> None:
    visit = f"/Encounter/{scene.records['Encounter']['id']}"
    assert (await scene.clinic.get(visit)).status_code == 404
    stored = await filed(scene)
    assert stored["status"] == "active"
    assert stored["organization"] == [scene.district.reference]
    assert stored["patient"]["reference"] == f"Patient/{scene.student['id']}"
    assert stored["performer"][0]["reference"] == f"RelatedPerson/{scene.records['RelatedPerson']['id']}"
    source = (await scene.district.get(f"/{stored['sourceReference']['reference']}")).json()
    assert source["subject"] == build.ref(scene.student)
    assert (await scene.clinic.get(visit)).status_code == 200

    revoked = parameters(consent=build.ref(stored), patient={"identifier": scene.student["identifier"][0]})
    assert (await scene.district.post("/Consent/$revokeConsent", revoked)).status_code == 200
    assert (await scene.clinic.get(visit)).status_code == 404
    assert (await scene.district.get(f"/Consent/{stored['id']}")).json()["status"] == "inactive"
    assert (await scene.district.post("/Consent/$revokeConsent", revoked)).status_code == 200


async def test_a_form_whose_consent_was_revoked_is_not_filed_again(scene: Scene) -> None:
    """The same call again, as a queue sends it, makes another document of the same form."""
    asked = parameters(consent=consent(scene), document=document("The form of September"))
    first = await scene.district.post("/Consent/$fileConsent", asked)
    stored = (await scene.district.get(first.headers["Location"])).json()
    revoked = parameters(consent=build.ref(stored), patient=build.ref(scene.student))
    assert (await scene.district.post("/Consent/$revokeConsent", revoked)).status_code == 200
    again = await scene.district.post("/Consent/$fileConsent", asked)
    assert again.status_code == 409, again.text
    assert again.json()["issue"][0]["expression"] == ["Consent.dateTime"]
    signed_again = parameters(consent=consent(scene, dateTime="2026-09-20"), document=document("The form of September"))
    assert (await scene.district.post("/Consent/$fileConsent", signed_again)).status_code == 200


async def test_a_consent_leaves_in_the_shape_of_fast_and_can_be_filed_again_elsewhere(scene: Scene) -> None:
    stored = await filed(scene)
    told = (await scene.district.get(f"/Consent/{stored['id']}/$fast-consent")).json()
    assert "organization" not in told
    controllers = [e["valueReference"] for e in told["extension"] if e["url"] == CONTROLLER]
    assert [c["reference"] for c in controllers] == [scene.district.reference["reference"]]
    assert told["patient"]["identifier"]["value"] == scene.student["identifier"][0]["value"]
    assert told["identifier"] == stored["identifier"]
    again = parameters(consent={k: v for k, v in told.items() if k not in ("id", "meta")}, document=document())
    assert (await scene.district.post("/Consent/$fileConsent", again)).status_code == 200
    for other in (scene.clinic, scene.stranger):
        assert (await other.get(f"/Consent/{stored['id']}/$fast-consent")).status_code == 404


async def test_what_has_no_place_here_is_refused_with_its_element(scene: Scene) -> None:
    elsewhere = {"url": CONTROLLER, "valueReference": scene.clinic.reference}
    unknown = {"identifier": {"system": "urn:test:person", "value": "nobody"}}
    faults: dict[str, Json] = {
        "Consent.organization": {"organization": [scene.district.reference]},
        "Consent.sourceAttachment": {"sourceAttachment": {"title": "x"}},
        "Consent.extension[0]": {"extension": [{"url": GRANTEE, "valueReference": scene.clinic.reference}]},
        "Consent.extension[0].valueReference": {"extension": [elsewhere]},
        "Consent.status": {"status": "proposed"},
        "Consent.performer[0].identifier": {"performer": [unknown]},
        "Consent.provision.purpose": {"provision": {**consent(scene)["provision"], "purpose": []}},
    }
    for expression, fault in faults.items():
        made = consent(scene, **fault)
        made["provision"] = {k: v for k, v in made["provision"].items() if v != []}
        refused = await scene.district.post("/Consent/$fileConsent", parameters(consent=made, document=document()))
        assert refused.status_code == 422, expression
        assert expression in [e for i in refused.json()["issue"] for e in i["expression"]]


async def test_nothing_is_stored_of_a_consent_that_is_refused(scene: Scene) -> None:
    before = await scene.district.ids("/DocumentReference")
    made = consent(scene, policy=[{"uri": "urn:unknown"}])
    refused = await scene.district.post("/Consent/$fileConsent", parameters(consent=made, document=document()))
    assert refused.status_code == 422
    assert await scene.district.ids("/DocumentReference") == before


async def test_a_person_whom_others_hold_is_nobody_here(scene: Scene) -> None:
    """To the stranger the student's identifier is that of nobody, like one that never was."""
    answers = []
    for value in (scene.student["identifier"][0]["value"], "never-was"):
        made = consent(scene, patient={"identifier": {"system": "urn:test:student", "value": value}})
        asked = parameters(consent=made, document=document())
        answers.append(await scene.stranger.post("/Consent/$fileConsent", asked))
    assert answers[0].status_code == 422
    assert answers[0].content == answers[1].content


async def test_a_consent_is_revoked_for_its_own_student_by_its_holder(scene: Scene) -> None:
    stored = await filed(scene)
    twin = await scene.district.create(build.patient("S-other"))
    wrong = parameters(consent=build.ref(stored), patient=build.ref(twin))
    assert (await scene.district.post("/Consent/$revokeConsent", wrong)).status_code == 422
    asked = parameters(consent=build.ref(stored), patient=build.ref(scene.student), document=document())
    for other in (scene.clinic, scene.stranger):
        assert (await other.post("/Consent/$revokeConsent", asked)).status_code == 404
    assert (await scene.district.post("/Consent/$revokeConsent", asked)).status_code == 200


async def test_consents_are_found_by_controller_and_manager(scene: Scene) -> None:
    stored = await filed(scene)
    for name in ("controller", "manager"):
        found = await scene.district.ids(
            f"/Consent?{name}=Organization/{scene.district.organization}&scope=patient-privacy"
        )
        assert stored["id"] in found
        assert await scene.district.ids(f"/Consent?{name}=Organization/{scene.clinic.organization}") == []


async def test_a_draft_is_compared_with_what_is_filed(scene: Scene) -> None:
    stored = await filed(scene)
    wider = build.consent(
        scene.student, scene.records["RelatedPerson"], scene.district.reference, scene.clinic.reference,
        classes=("Encounter", "ServiceRequest"),
    )  # fmt: skip
    asked = {"name": "consent", "resource": wider}, {"name": "with", "valueReference": build.ref(stored)}
    answer = await scene.district.post("/Consent/$compare", {"resourceType": "Parameters", "parameter": list(asked)})
    assert answer.status_code == 200, answer.text
    told = {p["name"]: p for p in answer.json()["parameter"]}
    assert told["opensMore"]["valueBoolean"] is True
    assert told["opensMoreExample"]["part"][0] == {"name": "type", "valueCode": "ServiceRequest"}
    assert told["opensLess"]["valueBoolean"] is False
    hidden = await scene.stranger.post("/Consent/$compare", {"resourceType": "Parameters", "parameter": list(asked)})
    assert hidden.status_code == 404


async def test_of_a_student_that_another_holds_no_identifier_is_given(scene: Scene) -> None:
    """A clinic writes a Consent about a student that it was let see: what the district knows of it does not leave."""
    await scene.release("Patient")
    own = build.consent(
        scene.student, scene.records["RelatedPerson"], scene.clinic.reference, scene.stranger.reference,
        classes=("Encounter",), status="draft",
    )  # fmt: skip
    del own["performer"]
    stored = await scene.clinic.create(own)
    before = await ledger(scene.world, scene.clinic)
    theirs = (await scene.clinic.get(f"/Consent/{stored['id']}/$fast-consent")).json()
    assert theirs["patient"] == build.ref(scene.student)
    assert await ledger(scene.world, scene.clinic) == before
