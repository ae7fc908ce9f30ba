"""Observations out of answers, and answers out of Observations. Pure.

https://hl7.org/fhir/uv/sdc/extraction.html#observation-based-extraction
https://hl7.org/fhir/uv/sdc/populate.html#observation-based-population
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.assessments.form import EXTRACTED, POPULATED, answered, labels, questions, takes
from app.consent.attributes import labels_within
from app.fhir.json import dump

Json = dict[str, Any]
SURVEY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "survey"}]}
_OBSERVED = {
    "valueCoding": "valueCodeableConcept",
    "valueDecimal": "valueQuantity",
    "valueDate": "valueDateTime",
    "valueUri": "valueString",
    **{v: v for v in ("valueBoolean", "valueInteger", "valueString", "valueDateTime", "valueTime", "valueQuantity")},
}
"""An answer's element to the Observation's."""


def extracted(form: Json, response: Json) -> list[Json]:
    """An Observation for each answer to a question that the form marks for it, with the labels of that question.

    Labels that the response has from elsewhere are each Observation's as well.
    """
    if response.get("status") not in ("completed", "amended"):
        return []
    asked = dict(_marked(form, marked=False))
    by_form = [_key(label) for q in questions(form) for label in labels(q)]
    own = [label for label in labels_within(response) if _key(label) not in by_form]
    found = []
    for item, answer in answered(response):
        question = asked.get(item.get("linkId", ""), {})
        name = next((k for k in answer if k in _OBSERVED), None)
        if name is not None and question.get("code"):
            marked = _distinct([*own, *labels(question)])
            found.append(_observation(question, _observed(name, answer[name]), response, marked))
    return found


def bundle(observations: list[Json]) -> Json:
    """The Observations as a transaction that stores them."""
    entries = [{"resource": o, "request": {"method": "POST", "url": "Observation"}} for o in observations]
    return {"resourceType": "Bundle", "type": "transaction", **({"entry": entries} if entries else {})}


def codes(form: Json) -> list[str]:
    """The codes, as a search takes them, of the questions that Observations answer."""
    return list(dict.fromkeys(code for _, code in _populated(form)))


def populated(form: Json, canonical: str | None, subject: str, observations: list[Json]) -> Json:
    """A response to be completed, with the form's initial values and the newest Observation of each code.

    It has the labels of what it was begun with.
    """
    newest: dict[str, Json] = {}
    for observation in observations:  # the newest come first
        for coding in observation.get("code", {}).get("coding", []):
            newest.setdefault(f"{coding.get('system', '')}|{coding.get('code', '')}", observation)
    known = {link: newest[code] for link, code in _populated(form) if code in newest}
    items = [i for q in form.get("item", []) if (i := _filled(q, known))]
    marked = labels_within(*known.values())
    made = {
        "resourceType": "QuestionnaireResponse",
        **({"meta": {"security": marked}} if marked else {}),
        **({"questionnaire": canonical} if canonical else {}),
        "status": "in-progress",
    }
    return {**made, "subject": {"reference": subject}, **({"item": items} if items else {})}


def _key(label: Json) -> tuple[Any, Any]:
    return label.get("system"), label.get("code")


def _distinct(marked: list[Json]) -> list[Json]:
    """Each label once."""
    return list({dump(label): label for label in marked}.values())


def _observed(name: str, value: Any) -> Json:
    """An answer as the element of an Observation."""
    shaped: dict[str, Any] = {"valueCoding": {"coding": [value]}, "valueDecimal": {"value": value}}
    return {_OBSERVED[name]: shaped.get(name, value)}


def _marked(holder: Json, *, marked: bool) -> Iterator[tuple[str, Json]]:
    """The questions whose answers are extracted: by a mark of their own, or of what they stand in."""
    own = [x.get("valueBoolean") for x in holder.get("extension", []) if x.get("url") == EXTRACTED]
    marked = own[0] is not False if own else marked
    if marked and "linkId" in holder:
        yield holder["linkId"], holder
    for item in holder.get("item", []):
        yield from _marked(item, marked=marked)


def _observation(question: Json, value: Json, response: Json, marked: list[Json]) -> Json:
    by = response.get("author") or response.get("source")
    return {
        "resourceType": "Observation",
        **({"meta": {"security": marked}} if marked else {}),
        "status": "final" if response.get("status") != "amended" else "amended",
        "category": [SURVEY],
        "code": {"coding": question["code"], **({"text": question["text"]} if "text" in question else {})},
        "subject": response["subject"],
        **({"encounter": response["encounter"]} if "encounter" in response else {}),
        **({"effectiveDateTime": response["authored"]} if "authored" in response else {}),
        **({"issued": response["authored"]} if "T" in response.get("authored", "") else {}),
        **({"performer": [by]} if by and not str(by.get("reference", "")).startswith("Device") else {}),
        **value,
        **({"derivedFrom": [{"reference": f"QuestionnaireResponse/{response['id']}"}]} if "id" in response else {}),
    }


def _populated(form: Json) -> Iterator[tuple[str, str]]:
    for question in questions(form):
        if any(x.get("url") == POPULATED for x in question.get("extension", [])):
            for coding in question.get("code", []):
                yield question["linkId"], f"{coding.get('system', '')}|{coding.get('code', '')}"


def _filled(question: Json, known: dict[str, Json]) -> Json | None:
    answers = [i for i in question.get("initial", []) if any(k in takes(question) for k in i)]
    observed = _answer(question, known.get(question["linkId"], {}))
    answers = [observed] if observed else answers
    below = [i for q in question.get("item", []) if (i := _filled(q, known))]
    if not answers and not below:
        return None
    item = {"linkId": question["linkId"], **({"text": question["text"]} if "text" in question else {})}
    return {**item, **({"answer": answers} if answers else {}), **({"item": below} if below else {})}


def _answer(question: Json, observation: Json) -> Json | None:
    for name in takes(question):
        if name == "valueCoding":
            options = [o["valueCoding"] for o in question.get("answerOption", []) if "valueCoding" in o]
            for coding in observation.get("valueCodeableConcept", {}).get("coding", []):
                if not options or any(all(coding.get(k) == o.get(k) for k in ("system", "code")) for o in options):
                    return {name: coding}
        elif name == "valueDecimal" and "value" in observation.get("valueQuantity", {}):
            return {name: observation["valueQuantity"]["value"]}
        elif name in observation:
            return {name: observation[name]}
    return None
