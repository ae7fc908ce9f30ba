"""OperationOutcome. https://hl7.org/fhir/R4/operationoutcome.html"""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import HallpassError, Issue, Kind
from app.fhir.outcome import outcome, success
from app.fhir.validation.plan import resource_model
from app.fhir.validation.validator import Validator
from tests.fhir.second_opinion import from_model


def faults(resource: dict[str, Any]) -> list[Issue]:
    model = resource_model("OperationOutcome")
    assert model is not None
    return Validator(resource).issues(model) + from_model(model, resource)


def test_each_issue_of_an_error_has_its_severity_code_text_and_expression() -> None:
    error = HallpassError(
        Kind.UNPROCESSABLE,
        Issue("The element is required.", "Encounter.status", "required"),
        Issue("Look at this.", severity="warning"),
    )
    assert outcome(error) == {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "error",
                "code": "required",
                "details": {"text": "The element is required."},
                "expression": ["Encounter.status"],
            },
            {"severity": "warning", "code": "processing", "details": {"text": "Look at this."}},
        ],
    }


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("issues", [(), ("a",), (Issue("a", "Patient.name"), Issue("b", code="required"))])
def test_the_outcome_of_every_kind_is_valid(kind: Kind, issues: tuple[Issue | str, ...]) -> None:
    assert faults(outcome(HallpassError(kind, *issues))) == []


def test_an_error_without_issues_says_its_kind() -> None:
    (issue,) = outcome(HallpassError(Kind.CONFLICT))["issue"]
    assert issue["code"] == "conflict"
    assert "conflict" in issue["details"]["text"]


def test_a_success_is_a_valid_outcome_of_information() -> None:
    resource = success("The resource was deleted.")
    assert faults(resource) == []
    assert [(i["severity"], i["code"]) for i in resource["issue"]] == [("information", "informational")]
