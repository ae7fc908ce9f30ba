"""What a resource must be by itself before it is written."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import HallpassError
from app.exchange.validated import Validated, validate_now
from app.resources import TYPES

BASE = "http://127.0.0.1:8000/fhir"
STUDENT = "Patient/00000000-0000-4000-8000-000000000000"
BINARY = "Binary/00000000-0000-4000-8000-000000000001"
EXTENSION = "https://example.org/fhir/StructureDefinition/of"


@pytest.mark.parametrize(
    "more",
    [
        {"extension": [{"url": EXTENSION, "valueReference": {"reference": STUDENT}}]},
        {"extension": [{"url": EXTENSION, "valueReference": {"reference": f"{BASE}/{STUDENT}"}}]},
        {
            "extension": [
                {"url": EXTENSION, "valueReference": {"reference": f"https://elsewhere.example/fhir/{STUDENT}"}}
            ]
        },
        {"extension": [{"url": EXTENSION, "valueReference": {"type": "Patient", "identifier": {"value": "S-1"}}}]},
        {"extension": [{"url": EXTENSION, "valueAnnotation": {"text": "Ana Rivera came in on Monday"}}]},
        {
            "contained": [
                {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "HIV positive"}}
            ]
        },
        {"contained": [{"resourceType": "Location", "id": "o", "name": "Room 4"}]},
        {"extension": [{"url": EXTENSION, "valueAttachment": {"url": BINARY}}]},
        {"extension": [{"url": EXTENSION, "valueAttachment": {"url": f"{BASE}/{BINARY}"}}]},
        {
            "contained": [{"resourceType": "Patient", "id": "p"}],
            "extension": [{"url": EXTENSION, "valueReference": {"reference": "#p"}}],
        },
    ],
)
def test_nothing_in_the_directory_is_about_a_student(more: dict[str, Any]) -> None:
    with pytest.raises(HallpassError, match="directory") as caught:
        validate_now(TYPES["Organization"], {"resourceType": "Organization", "name": "Clinic", **more}, BASE)
    assert _where(caught.value) in ([("Organization", "business-rule")], [("Organization.contained", "business-rule")])


def test_a_part_of_a_resource_is_not_taken_for_the_whole() -> None:
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    with pytest.raises(HallpassError, match="SUBSETTED") as caught:
        validate_now(TYPES["Organization"], {"resourceType": "Organization", "name": "C", "meta": {"tag": [tag]}}, BASE)
    assert _where(caught.value) == [("Organization.meta.tag", "business-rule")]


def _where(error: HallpassError) -> list[tuple[str | None, str | None]]:
    """At which element, and of which kind."""
    return [(issue.expression, issue.code) for issue in error.issues]


def test_references_under_our_own_address_become_relative() -> None:
    found = validate_now(
        TYPES["RelatedPerson"], {"resourceType": "RelatedPerson", "patient": {"reference": f"{BASE}/{STUDENT}"}}, BASE
    )
    assert found.content["patient"] == {"reference": STUDENT}


def test_only_prepare_prepares() -> None:
    with pytest.raises(TypeError, match=r"^only prepare\(\) prepares$"):
        Validated(object(), {})
