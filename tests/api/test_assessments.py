"""Assessments over the wire: judged when written, extracted to Observations, and begun with what is known.

https://hl7.org/fhir/uv/sdc/
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.assessments.form import POPULATED
from app.assessments.shipped import SHIPPED
from tests import build
from tests.scene import Scene, set_scene
from tests.world import World

Json = dict[str, Any]
DATA = Path(__file__).parents[2] / ".." / "shared" / "data"
SCREENING = next(f for f in SHIPPED if f["name"] == "AhcHrsnCore")
LOINC = "http://loinc.org"
SENSITIVE = {
    "url": "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label",
    "valueCoding": {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"},
}


def coding(code: str) -> Json:
    return {"valueCoding": {"system": LOINC, "code": code}}


def screening(student: Json, **more: Any) -> Json:
    """A screening with two answers."""
    items = [
        {"linkId": "/71802-3", "answer": [coding("LA31994-9")]},
        {"linkId": "/88122-7", "answer": [coding("LA28397-0")]},
    ]
    own = {"questionnaire": f"{SCREENING['url']}|1.0", "status": "completed", "authored": "2026-10-05"}
    return {"resourceType": "QuestionnaireResponse", **own, "subject": build.ref(student), "item": items, **more}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A student whose answers are released to the clinic."""
    scene = await set_scene(world, "Patient", "QuestionnaireResponse", "Observation")
    scene.records["answers"] = await scene.district.create(screening(scene.student))
    return scene


FAULTY: list[tuple[int, Json, str]] = [
    (0, {"answer": [coding("LA1-1")]}, "item[0].answer[0].value"),
    (0, {"answer": [{"valueString": "a place"}]}, "item[0].answer[0].value"),
    (0, {"answer": [coding("LA31994-9"), coding("LA31993-1")]}, "item[0].answer"),
    (0, {"linkId": "/0-0"}, "item[0].linkId"),
    (1, {"linkId": "/71802-3"}, "item"),
    (1, {"answer": [{"valueInteger": 3}]}, "item[1].answer[0].value"),
    (1, {"answer": [{"valueBoolean": True}]}, "item[1].answer[0].value"),
    (1, {"linkId": "/95614-4"}, "item[1].answer[0].value"),
    (1, {"linkId": "/96778-6"}, "item[1].answer[0].value"),
    (1, {"item": [{"linkId": "/88123-5", "answer": [coding("LA28397-0")]}]}, "item[1]"),
    (0, {"linkId": "/95618-5", "answer": [{"valueQuantity": {"value": 2}}]}, "item[0].answer[0].value"),
    (0, {"answer": [{**coding("LA31994-9"), "item": [{"linkId": "x"}]}]}, "item[0].answer[0].item[0].linkId"),
]


@pytest.mark.parametrize(("at", "change", "where"), FAULTY)
async def test_a_faulty_response_is_refused_at_its_item(scene: Scene, at: int, change: Json, where: str) -> None:
    faulty = deepcopy(screening(scene.student))
    faulty["item"][at] |= change
    answer = await scene.district.post("/QuestionnaireResponse", faulty)
    assert answer.status_code == 422
    assert [f"QuestionnaireResponse.{where}"] in [i["expression"] for i in answer.json()["issue"]]


async def test_a_change_to_a_faulty_answer_is_refused_as_well(scene: Scene) -> None:
    stored = await scene.district.create(screening(scene.student))
    stored["item"][0]["answer"] = [coding("LA1-1")]
    assert (await scene.district.put(f"/QuestionnaireResponse/{stored['id']}", stored)).status_code == 422


async def test_a_form_of_another_organization_judges_nothing(scene: Scene) -> None:
    """Nobody's form refuses another's record."""
    url = f"https://forms.example.org/{uuid4().hex}"
    item = {"linkId": "1", "type": "boolean"}
    form = {"resourceType": "Questionnaire", "url": url, "status": "active", "item": [item]}
    await scene.stranger.create(form)
    body = screening(scene.student, questionnaire=url)
    assert (await scene.district.post("/QuestionnaireResponse", body)).status_code == 201
    await scene.district.create(form)
    assert (await scene.district.post("/QuestionnaireResponse", body)).status_code == 422


async def test_a_response_takes_the_labels_of_its_answers_and_a_release_must_name_them(scene: Scene) -> None:
    url = f"https://forms.example.org/{uuid4().hex}"
    item = {"linkId": "1", "type": "boolean", "extension": [SENSITIVE]}
    await scene.district.create({"resourceType": "Questionnaire", "url": url, "status": "active", "item": [item]})
    answers = [{"linkId": "1", "answer": [{"valueBoolean": True}]}]
    stored = await scene.district.create(screening(scene.student, questionnaire=url, item=answers))
    assert [c["code"] for c in stored["meta"]["security"]] == ["R"]
    assert (await scene.clinic.get(f"/QuestionnaireResponse/{stored['id']}")).status_code == 404
    assert (await scene.clinic.get(f"/QuestionnaireResponse/{scene.records['answers']['id']}")).status_code == 200


async def test_answers_are_extracted_to_observations_for_whoever_may_read_them(scene: Scene) -> None:
    path = f"/QuestionnaireResponse/{scene.records['answers']['id']}/$extract"
    for member in (scene.district, scene.clinic):
        answer = await member.get(path)
        assert answer.status_code == 200, answer.text
        found = [e["resource"] for e in answer.json()["entry"]]
        assert [o["code"]["coding"][0]["code"] for o in found] == ["71802-3", "88122-7"]
        assert found[0]["derivedFrom"] == [{"reference": f"QuestionnaireResponse/{scene.records['answers']['id']}"}]
    assert (await scene.stranger.get(path)).status_code == 404
    stored = await scene.district.post("", (await scene.district.get(path)).json())
    assert [e["response"]["status"][:3] for e in stored.json()["entry"]] == ["201", "201"]


def parameters(**given: Json) -> Json:
    """Parameters: resources, references and texts by name."""
    listed = []
    for name, value in given.items():
        key = "resource" if "resourceType" in value else "valueReference" if "reference" in value else "valueUri"
        listed.append({"name": name.replace("_", "-"), key: value["uri"] if key == "valueUri" else value})
    return {"resourceType": "Parameters", "parameter": listed}


async def test_answers_that_are_sent_are_extracted_and_nothing_is_stored(scene: Scene) -> None:
    """By a form that is shipped, or that is sent with them."""
    before = await scene.district.ids("/Observation?_count=200")
    sent = screening(scene.student)
    for given in ({"questionnaire_response": sent}, {"questionnaire_response": sent, "questionnaire": SCREENING}):
        answer = await scene.district.post("/QuestionnaireResponse/$extract", parameters(**given))
        assert answer.status_code == 200, answer.text
        found = [e["resource"] for e in answer.json()["entry"]]
        assert [o["code"]["coding"][0]["code"] for o in found] == ["71802-3", "88122-7"]
        assert not any("derivedFrom" in o for o in found)
    assert await scene.district.ids("/Observation?_count=200") == before
    stored = f"/QuestionnaireResponse/{scene.records['answers']['id']}/$extract"
    assert (await scene.clinic.post(stored)).json() == (await scene.clinic.get(stored)).json()


async def test_answers_that_are_sent_are_judged_and_a_form_of_others_is_not_known(scene: Scene) -> None:
    async def asked(response: Json) -> Any:
        return await scene.district.post("/QuestionnaireResponse/$extract", parameters(questionnaire_response=response))

    faulty = screening(scene.student)
    faulty["item"][0] |= {"answer": [coding("LA1-1")]}
    answer = await asked(faulty)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["QuestionnaireResponse.item[0].answer[0].value"]
    nobody = {k: v for k, v in screening(scene.student).items() if k != "subject"}
    assert (await asked(nobody)).json()["issue"][0]["expression"] == ["QuestionnaireResponse.subject"]
    url = f"https://forms.example.org/{uuid4().hex}"
    item = {"linkId": "1", "type": "boolean"}
    await scene.stranger.create({"resourceType": "Questionnaire", "url": url, "status": "active", "item": [item]})
    answer = await asked(screening(scene.student, questionnaire=url))
    assert answer.json()["issue"][0]["expression"] == ["QuestionnaireResponse.questionnaire"]


async def test_extraction_is_a_disclosure(scene: Scene) -> None:
    stored = await scene.district.create(screening(scene.student))
    path = f"/AuditEvent?entity=QuestionnaireResponse/{stored['id']}"
    assert await scene.district.ids(path) == []
    await scene.clinic.get(f"/QuestionnaireResponse/{stored['id']}/$extract")
    assert len(await scene.district.ids(path)) == 1


async def test_a_form_is_begun_with_what_the_caller_sees(scene: Scene) -> None:
    review = next(f for f in SHIPPED if f["name"] == "StrengthsAndNeeds")
    form = await scene.district.create(review)
    student = await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}"))
    question = review["item"][0]["item"][0]
    need = question["answerOption"][2]["valueCoding"]
    seen = {"resourceType": "Observation", "status": "final", "code": {"coding": question["code"]}}
    seen |= {"effectiveDateTime": "2026-09-01", "valueCodeableConcept": {"coding": [need]}}
    await scene.district.create({**seen, "subject": build.ref(student)})
    given = {"resourceType": "Parameters", "parameter": [{"name": "subject", "valueReference": build.ref(student)}]}
    begun = await scene.district.post(f"/Questionnaire/{form['id']}/$populate", given)
    assert begun.status_code == 200, begun.text
    assert begun.json()["item"][0]["item"][0]["answer"] == [{"valueCoding": need}]
    assert (await scene.stranger.post(f"/Questionnaire/{form['id']}/$populate", given)).status_code == 404


@pytest.mark.parametrize("named", ["canonical", "questionnaire", "questionnaireRef"])
async def test_a_form_is_begun_by_its_url_by_a_reference_or_as_it_is_sent(scene: Scene, named: str) -> None:
    review = next(f for f in SHIPPED if f["name"] == "StrengthsAndNeeds")
    given: Json = {"canonical": {"uri": review["url"]}, "questionnaire": review}
    if named == "questionnaireRef":
        given[named] = build.ref(await scene.district.create(review))
    student = await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}"))
    question = review["item"][0]["item"][0]
    need = question["answerOption"][2]["valueCoding"]
    seen = {"resourceType": "Observation", "status": "final", "code": {"coding": question["code"]}}
    await scene.district.create({**seen, "subject": build.ref(student), "valueCodeableConcept": {"coding": [need]}})
    asked = parameters(subject=build.ref(student), **{named: given[named]})
    begun = await scene.district.post("/Questionnaire/$populate", asked)
    assert begun.status_code == 200, begun.text
    assert begun.json()["questionnaire"] == f"{review['url']}|1.0"
    assert begun.json()["item"][0]["item"][0]["answer"] == [{"valueCoding": need}]
    assert (await scene.stranger.post("/Questionnaire/$populate", asked)).status_code == 404
    asked["parameter"].append({"name": "local", "valueBoolean": False})
    assert "item" not in (await scene.district.post("/Questionnaire/$populate", asked)).json()


async def test_a_form_is_named_once_and_known(scene: Scene) -> None:
    subject = build.ref(scene.student)
    for given, where in (
        ({}, "Parameters.parameter"),
        ({"canonical": {"uri": "urn:nothing"}}, "Parameters.parameter.where(name='canonical')"),
        ({"canonical": {"uri": "urn:nothing"}, "questionnaire": SCREENING}, "Parameters.parameter"),
        ({"questionnaireRef": subject}, "Parameters.parameter.where(name='questionnaireRef')"),
        ({"context": subject}, "Parameters.parameter[1].name"),
    ):
        answer = await scene.district.post("/Questionnaire/$populate", parameters(subject=subject, **given))
        assert answer.status_code == 422
        assert answer.json()["issue"][0]["expression"] == [where]


RESTRICTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


def tags(resource: Json) -> set[str]:
    """The codes of a resource's labels."""
    return {x["code"] for x in resource.get("meta", {}).get("security", [])}


async def test_what_is_extracted_has_the_labels_that_the_response_has_from_elsewhere(scene: Scene) -> None:
    labeled = await scene.district.create(screening(scene.student, meta={"security": [RESTRICTED]}))
    own = (await scene.district.get(f"/QuestionnaireResponse/{labeled['id']}/$extract")).json()
    assert [tags(e["resource"]) for e in own["entry"]] == [{"R"}, {"R"}]
    theirs = (await scene.clinic.get(f"/QuestionnaireResponse/{scene.records['answers']['id']}/$extract")).json()
    assert [tags(e["resource"]) for e in theirs["entry"]] == [{"NORDSCLCD"}, {"NORDSCLCD"}]
    stored = await scene.district.post("", own)
    assert stored.status_code == 200, stored.text


async def test_a_response_that_is_begun_has_the_labels_of_what_it_was_begun_with(scene: Scene) -> None:
    question = {"linkId": "1", "type": "string", "text": "Lives", "code": [{"system": "urn:test", "code": "lives"}]}
    period = {"value": 1, "unit": "year", "system": "http://unitsofmeasure.org", "code": "a"}
    question["extension"] = [{"url": POPULATED, "valueDuration": period}]
    form = {"resourceType": "Questionnaire", "status": "active", "url": f"urn:form:{uuid4()}", "item": [question]}
    form = await scene.district.create(form)
    told = {"code": {"coding": question["code"]}, "valueString": "by the river", "meta": {"security": [RESTRICTED]}}
    observation = {"resourceType": "Observation", "status": "final", "subject": build.ref(scene.student), **told}
    await scene.district.create(observation)
    given = {"name": "subject", "valueReference": build.ref(scene.student)}
    asked = {"resourceType": "Parameters", "parameter": [given]}
    begun = (await scene.district.post(f"/Questionnaire/{form['id']}/$populate", asked)).json()
    assert begun["item"][0]["answer"] == [{"valueString": "by the river"}]
    assert tags(begun) == {"R"}


async def test_labels_within_a_record_are_those_of_what_is_made_of_it(scene: Scene) -> None:
    """What is marked on an element of the Observation or of the response leaves that context marked."""
    question = {"linkId": "1", "type": "string", "text": "Home", "code": [{"system": "urn:test", "code": "home"}]}
    period = {"value": 1, "unit": "year", "system": "http://unitsofmeasure.org", "code": "a"}
    question["extension"] = [{"url": POPULATED, "valueDuration": period}]
    form = {"resourceType": "Questionnaire", "status": "active", "url": f"urn:form:{uuid4()}", "item": [question]}
    form = await scene.district.create(form)
    said = {
        "code": {"coding": question["code"]},
        "valueString": "a shelter",
        "note": [{"text": "x", "extension": [SENSITIVE]}],
    }
    observation = {"resourceType": "Observation", "status": "final", "subject": build.ref(scene.student), **said}
    await scene.district.create(observation)
    given = {"name": "subject", "valueReference": build.ref(scene.student)}
    asked = {"resourceType": "Parameters", "parameter": [given]}
    begun = (await scene.district.post(f"/Questionnaire/{form['id']}/$populate", asked)).json()
    assert begun["item"][0]["answer"] == [{"valueString": "a shelter"}]
    assert tags(begun) == {"R"}
    marked = await scene.district.create(screening(scene.student, extension=[SENSITIVE]))
    extracted = (await scene.district.get(f"/QuestionnaireResponse/{marked['id']}/$extract")).json()
    assert [tags(e["resource"]) for e in extracted["entry"]] == [{"R"}, {"R"}]


async def test_a_review_of_a_whole_class_is_one_bundle_of_a_school(scene: Scene) -> None:
    """Each review is judged by its form; one that is not as it should be is named, and stops the Bundle."""
    review = next(f for f in SHIPPED if f["name"] == "StrengthsAndNeeds")
    students = [await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}")) for _ in range(5)]

    def reviewed(student: Json, times: int = 1) -> Json:
        asked = [(g["linkId"], g["item"][0]) for g in review["item"]]
        items: list[Json] = [
            {"linkId": g, "item": [{"linkId": q["linkId"], "answer": [q["answerOption"][1]]}]} for g, q in asked
        ]
        items[0]["item"] *= times
        own = {"questionnaire": f"{review['url']}|1.0", "status": "completed", "authored": "2026-10-05"}
        subject = {"subject": build.ref(student)}
        return {"resourceType": "QuestionnaireResponse", **own, **subject, "item": items}

    def bundle(*resources: Json) -> Json:
        post = {"method": "POST", "url": "QuestionnaireResponse"}
        entries = [{"resource": r, "request": post} for r in resources]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entries}

    stored = await scene.district.post("", bundle(*map(reviewed, students)))
    assert [e["response"]["status"][:3] for e in stored.json()["entry"]] == ["201"] * 5
    refused = await scene.district.post("", bundle(reviewed(students[0]), reviewed(students[1], times=2)))
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"][0].startswith("Bundle.entry[1].resource")
    for student in students:
        assert len(await scene.district.ids(f"/QuestionnaireResponse?patient={student['id']}")) == 1


COPIES = DATA / "assessments" / "us-core"


@pytest.mark.skipif(not COPIES.is_dir(), reason="forms of others are not part of the repository")
@pytest.mark.parametrize("name", ["prapare", "hunger-vital-sign", "phq-9"])
async def test_a_copy_of_a_form_that_is_anothers_judges_once_it_is_loaded(scene: Scene, name: str) -> None:
    """We ship none of them: a district loads the copy that it has a license for."""
    form, answers = (
        json.loads((COPIES / f"{kind}-{name}-example.json").read_text())
        for kind in ("Questionnaire", "QuestionnaireResponse")
    )
    assert form["url"] not in {f["url"] for f in SHIPPED}
    stored = await scene.district.create({k: v for k, v in form.items() if k != "id"})
    about = {"subject": build.ref(scene.student), "questionnaire": form["url"]}
    own = {k: v for k, v in answers.items() if k not in ("id", "author", "source", "encounter", "contained")} | about
    taken = await scene.district.post("/QuestionnaireResponse", own)
    assert taken.status_code == 201, taken.text
    answered = next(i for i in _leaves(own) if "answer" in i)
    answered["answer"] = [{"valueString": "neither of the options"}]
    refused = await scene.district.post("/QuestionnaireResponse", own)
    assert refused.status_code == 422
    assert refused.json()["issue"][0]["expression"][0].startswith("QuestionnaireResponse.item")
    assert (await scene.district.delete(f"/Questionnaire/{stored['id']}")).status_code == 204


def _leaves(holder: Json) -> Iterator[Json]:
    for item in holder.get("item", []):
        yield item
        yield from _leaves(item)
