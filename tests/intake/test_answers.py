"""Answers to the entries of a batch. https://hl7.org/fhir/R4/http.html#transaction-response"""

from __future__ import annotations

from typing import Any

import pytest

from app.intake.answers import Entry, Outcome, Status, issues, outcome
from tests.intake.stand_in import UNCHANGED
from tests.intake.stand_in import outcome as operation_outcome

ENTRY = Entry("Student", "604821", "PUT", "Patient?identifier=x", b"{}")


@pytest.mark.parametrize(
    ("response", "status"),
    [
        ({"status": "201 Created"}, Status.CREATED),
        ({"status": "201"}, Status.CREATED),
        ({"status": "200 OK"}, Status.CHANGED),
        ({"status": "200 OK", "outcome": UNCHANGED}, Status.UNCHANGED),
        ({"status": "200 OK", "outcome": operation_outcome("A warning.", "Patient.name")}, Status.CHANGED),
        ({"status": "422 Unprocessable Entity"}, Status.REFUSED),
        ({"status": "204 No Content"}, Status.REFUSED),
        ({}, Status.REFUSED),
    ],
)
def test_the_status_says_what_became_of_an_entry(response: dict[str, Any], status: Status) -> None:
    """201 is created, 200 is changed unless the outcome says 'Unchanged.', anything else is refused."""
    assert outcome(ENTRY, {"response": response}).status is status


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("Patient/a-1/_history/3", "a-1"),
        ("https://exchange.example/fhir/Patient/a-1/_history/3", "a-1"),
        ("Patient/a-1", "a-1"),
        ("nonsense", None),
        ("", None),
    ],
)
def test_the_id_comes_from_the_location(location: str, expected: str | None) -> None:
    """Relative or absolute, with or without a version."""
    assert outcome(ENTRY, {"response": {"status": "201 Created", "location": location}}).id == expected


def test_a_refusal_says_why_and_where() -> None:
    """The text and the expression of each issue of the OperationOutcome, or the status where there is none."""
    response = {"status": "422", "outcome": operation_outcome("The name is required.", "Patient.name")}
    assert outcome(ENTRY, {"response": response}) == Outcome(
        "Student", "604821", Status.REFUSED, reason="The name is required. (Patient.name)", http=422
    )
    assert outcome(ENTRY, {"response": {"status": "403 Forbidden"}}).reason == "HTTP 403 Forbidden"


@pytest.mark.parametrize(
    ("operation_outcome", "text"),
    [
        ({"issue": [{"diagnostics": "D"}, {"code": "invalid"}]}, "D; invalid"),
        ({"issue": [{}]}, "no reason given"),
        ({}, ""),
        (None, ""),
        ("nonsense", ""),
    ],
)
def test_any_operation_outcome_can_be_read(operation_outcome: Any, text: str) -> None:
    """What a foreign server leaves out of its OperationOutcome is not missed."""
    assert issues(operation_outcome) == text
