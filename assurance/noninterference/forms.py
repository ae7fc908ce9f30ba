"""Forms and their answers, as the caller has them begun and extracted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.assessments.form import EXTRACTED, POPULATED
from assurance.noninterference.moves import JSON
from assurance.noninterference.routes import Route
from assurance.noninterference.wire import Request

UNITS = "http://unitsofmeasure.org"

if TYPE_CHECKING:
    from assurance.noninterference.asks import Asks


def parameters(asks: Asks, path: str, given: list[dict[str, Any]]) -> Request:
    """A POST of Parameters."""
    body = json.dumps({"resourceType": "Parameters", "parameter": given})
    return Request("POST", path, asks.client(), JSON, body)


_CODE = {"system": "urn:test:code", "code": "counseling"}
_FORM = {
    "resourceType": "Questionnaire",
    "status": "active",
    "extension": [{"url": EXTRACTED, "valueBoolean": True}],
    "item": [
        {
            "linkId": "1",
            "type": "boolean",
            "code": [_CODE],
            "extension": [{"url": POPULATED, "valueDuration": {"value": 9, "system": UNITS, "code": "a"}}],
        }
    ],
}
"""A form of the caller's, that it sends along: its question is answered by Observations, and makes one."""


def populate(asks: Asks, route: Route) -> Request:
    """Begun for a student, of the caller's or of others'."""
    given: list[dict[str, Any]] = [
        {"name": "subject", "valueReference": {"reference": f"Patient/{asks.id('Patient')}"}}
    ]
    if "{id}" not in route.path:
        url, stored = f"http://example.org/forms/{asks.rng.randrange(3)}", f"Questionnaire/{asks.id('Questionnaire')}"
        named: list[dict[str, Any]] = [
            {"name": "canonical", "valueUri": url},
            {"name": "questionnaireRef", "valueReference": {"reference": stored}},
            {"name": "questionnaire", "resource": _FORM},
        ]
        given.append(asks.rng.choice(named))
    return parameters(asks, route.path.replace("{id}", asks.id(route.type)), given)


def extract(asks: Asks, route: Route) -> Request:
    """Of a response that is stored, or of one of the caller's to a form that is held by it, by others or by nobody."""
    if route.method == "GET":
        return Request("GET", route.path.replace("{id}", asks.id(route.type)), asks.client())
    if "{id}" in route.path:
        return parameters(asks, route.path.replace("{id}", asks.id(route.type)), [])
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "questionnaire": f"http://example.org/forms/{asks.rng.randrange(3)}",
        "subject": {"reference": f"Patient/{asks.id('Patient')}"},
        "item": [{"linkId": "1", "answer": [{"valueBoolean": True}]}],
    }
    given: list[dict[str, Any]] = [{"name": "questionnaire-response", "resource": response}]
    if asks.rng.random() < 0.5:
        given.append({"name": "questionnaire", "resource": _FORM})
    return parameters(asks, route.path, given)
