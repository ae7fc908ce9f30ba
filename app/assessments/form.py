"""A Questionnaire as its questions: what each takes, when it is asked, and how sensitive its answers are. Pure.

https://hl7.org/fhir/R4/questionnaire.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app.resources.paths import values

Json = dict[str, Any]
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition"
EXTRACTED = f"{SDC}/sdc-questionnaire-observationExtract"
POPULATED = f"{SDC}/sdc-questionnaire-observationLinkPeriod"
INLINE_LABEL = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
TAKES = {
    "boolean": ("valueBoolean",),
    "decimal": ("valueDecimal",),
    "integer": ("valueInteger",),
    "date": ("valueDate",),
    "dateTime": ("valueDateTime",),
    "time": ("valueTime",),
    "string": ("valueString",),
    "text": ("valueString",),
    "url": ("valueUri",),
    "choice": ("valueCoding",),
    "open-choice": ("valueCoding", "valueString"),
    "attachment": ("valueAttachment",),
    "reference": ("valueReference",),
    "quantity": ("valueQuantity",),
}
"""The elements in which answers to a question of each type stand. A group and a display take none."""


def takes(question: Json) -> tuple[str, ...]:
    """The elements in which an answer may stand: of a choice that is not of codes, those of its options."""
    kind = str(question.get("type"))
    options = tuple(dict.fromkeys(k for o in question.get("answerOption", []) for k in o if k.startswith("value")))
    return options + ("valueString",) * (kind == "open-choice") if options else TAKES.get(kind, ())


def questions(holder: Json) -> Iterator[Json]:
    """Every item of a form, in document order, at any depth."""
    for item in holder.get("item", []):
        yield item
        yield from questions(item)


def answered(holder: Json) -> Iterator[tuple[Json, Json]]:
    """Every answer in a response with its item, in document order, at any depth."""
    for item in holder.get("item", []):
        for answer in item.get("answer", []):
            yield item, answer
            yield from answered(answer)
        yield from answered(item)


def labels(question: Json) -> list[Json]:
    """The security labels of answers to a question: those that the form marks it with."""
    return [
        x["valueCoding"] for x in values(question, "extension") if x.get("url") == INLINE_LABEL and "valueCoding" in x
    ]


def with_labels(form: Json, response: Json) -> Json:
    """The response with the labels of all that is answered in it, beside its own."""
    marked = {q["linkId"]: labels(q) for q in questions(form)}
    own = list(values(response, "meta.security"))
    known = {(c.get("system"), c.get("code")) for c in own}
    more = [c for item, _ in answered(response) for c in marked.get(item.get("linkId"), ())]
    added = {(c.get("system"), c.get("code")): c for c in more if (c.get("system"), c.get("code")) not in known}
    return (
        response | {"meta": {**response.get("meta", {}), "security": own + list(added.values())}} if added else response
    )
