"""What consent is judged by, read off a resource."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.consent import codes as c
from app.consent.attributes import OBSERVATION_VALUE, resource_attributes
from app.consent.model import ResourceAttributes
from app.resources import TYPES

OWN, HOLDER, STUDENT, OTHER = (UUID(int=n) for n in range(1, 5))
ZONE = ZoneInfo("America/New_York")


def read(content: dict[str, Any]) -> ResourceAttributes:
    """The facts of a resource."""
    return resource_attributes(TYPES[content["resourceType"]], content, OWN, HOLDER, ZONE)


def labeled(*security: dict[str, str]) -> ResourceAttributes:
    """The facts of an Encounter with these labels."""
    return read({"resourceType": "Encounter", "meta": {"security": list(security)}})


@pytest.mark.parametrize(
    ("security", "labels"),
    [
        ([{"system": c.ACT_CODE, "code": "PSY"}], {"PSY"}),
        ([{"system": c.ACT_CODE, "code": "42CFRPart2"}], {"42CFRPart2"}),
        ([{"system": c.ACT_CODE, "code": "NORDSCLCD"}], set()),
        ([{"system": OBSERVATION_VALUE, "code": "SUBSETTED"}], set()),
        ([{"system": "urn:x", "code": "NORDSCLCD"}], {"urn:x|NORDSCLCD"}),
        ([{"system": c.ACT_CODE, "code": "unheard-of"}], {f"{c.ACT_CODE}|unheard-of"}),
        ([{"code": "PSY"}], {"|PSY"}),
        ([{"system": "urn:x"}], {"urn:x|"}),
    ],
)
def test_a_label_that_is_not_understood_is_none_that_a_release_can_name(
    security: list[dict[str, str]], labels: set[str]
) -> None:
    """How to treat it keeps nothing back; all else must be named."""
    assert labeled(*security).labels == labels


@pytest.mark.parametrize(
    ("found", "level"), [([], 3), (["N"], 3), (["U"], 0), (["L", "R"], 4), (["R", "L"], 4), (["nonsense", "V"], 6)]
)
def test_the_highest_confidentiality_counts(found: list[str], level: int) -> None:
    """Unlabelled is normal, and what is not understood is above all."""
    assert labeled(*({"system": c.CONFIDENTIALITY_SYSTEM, "code": x} for x in found)).confidentiality == level


def test_codes_are_told_by_system_and_code() -> None:
    """One without a system is another than one with any; words are no code."""
    content = {
        "resourceType": "ServiceRequest",
        "code": {"coding": [{"system": "urn:a", "code": "1"}, {"code": "2"}, {"display": "words"}]},
        "category": [{"text": "words"}, {"coding": [{"system": "urn:b", "code": "3"}]}],
    }
    assert read(content).codes == {"urn:a|1", "|2", "urn:b|3"}
    assert read({"resourceType": "Encounter", "class": {"system": "urn:c", "code": "4"}}).codes == {"urn:c|4"}


def test_only_a_patient_is_a_student_and_only_an_organization_a_party() -> None:
    """What is about a Group lies in no compartment; who signs or acts otherwise is no party."""
    about = {"resourceType": "ServiceRequest", "subject": {"reference": f"Patient/{STUDENT}"}}
    assert read(about).student == STUDENT
    assert read(about | {"subject": {"reference": f"Group/{STUDENT}"}}).student is None
    assert read({"resourceType": "Patient"}).student == OWN
    owned = {"resourceType": "Task", "requester": {"reference": f"Organization/{HOLDER}"}}
    owner = {"owner": {"reference": f"Practitioner/{OTHER}"}}
    elsewhere = {"owner": {"reference": "https://example.org/fhir/Organization/1"}}
    assert read(owned | owner).parties == read(owned | elsewhere).parties == {HOLDER}


def test_an_open_end_counts_as_the_start_and_a_turned_period_says_nothing() -> None:
    """In the custodian's time zone."""
    day = (datetime(2026, 9, 20, 4, tzinfo=UTC), datetime(2026, 9, 21, 4, tzinfo=UTC))
    begun = {"resourceType": "Encounter", "period": {"start": "2026-09-20"}}
    assert read(begun).clinical == day
    assert read({"resourceType": "Encounter", "period": {"start": "2026-09-21", "end": "2026-09-20"}}).clinical is None
    assert read({"resourceType": "Encounter"}).clinical is None


CODED = {"coding": [{"system": "urn:c", "code": "1"}]}
SUBJECT = {"reference": f"Patient/{STUDENT}"}
AUTHOR = {"reference": f"Practitioner/{OTHER}"}
CHILD: dict[str, dict[str, Any]] = {
    "AllergyIntolerance": {"patient": SUBJECT, "code": CODED, "onsetDateTime": "2026-09-20", "asserter": AUTHOR},
    "Appointment": {
        "participant": [{"actor": AUTHOR}, {"actor": SUBJECT}],
        "serviceType": [CODED],
        "start": "2026-09-20",
    },
    "CarePlan": {"subject": SUBJECT, "category": [CODED], "period": {"start": "2026-09-20"}, "contributor": [AUTHOR]},
    "CareTeam": {"subject": SUBJECT, "category": [CODED], "period": {"start": "2026-09-20"}},
    "Communication": {"subject": SUBJECT, "topic": CODED, "sent": "2026-09-20", "sender": AUTHOR},
    "Condition": {"subject": SUBJECT, "code": CODED, "recordedDate": "2026-09-20", "recorder": AUTHOR},
    "Goal": {"subject": SUBJECT, "description": CODED, "startDate": "2026-09-20", "expressedBy": AUTHOR},
    "Immunization": {
        "patient": SUBJECT,
        "vaccineCode": CODED,
        "occurrenceDateTime": "2026-09-20",
        "performer": [{"actor": AUTHOR}],
    },
    "Observation": {"subject": SUBJECT, "code": CODED, "effectiveDateTime": "2026-09-20", "performer": [AUTHOR]},
    "Procedure": {"subject": SUBJECT, "code": CODED, "performedDateTime": "2026-09-20", "recorder": AUTHOR},
    "Provenance": {"target": [SUBJECT], "activity": CODED, "recorded": "2026-09-20", "agent": [{"who": AUTHOR}]},
}


@pytest.mark.parametrize("name", sorted(CHILD))
def test_the_records_of_a_child_are_judged_by_student_code_day_and_author(name: str) -> None:
    """Each by the elements of its own type."""
    found = read({"resourceType": name, **CHILD[name]})
    assert (found.student, found.codes) == (STUDENT, {"urn:c|1"})
    assert found.clinical == (datetime(2026, 9, 20, 4, tzinfo=UTC), datetime(2026, 9, 21, 4, tzinfo=UTC))
    assert found.authors == ({OTHER} if name not in ("Appointment", "CareTeam") else set())


def test_a_device_is_about_no_time() -> None:
    """It is used until it is not: no window of dates keeps it back."""
    found = read({"resourceType": "Device", "patient": SUBJECT, "type": CODED, "manufactureDate": "2020-01-01"})
    assert (found.student, found.codes, found.timeless) == (STUDENT, {"urn:c|1"}, True)


def test_a_record_of_several_students_is_of_none() -> None:
    """Its write is refused."""
    both = [{"actor": SUBJECT}, {"actor": {"reference": f"Patient/{OTHER}"}}]
    assert read({"resourceType": "Appointment", "participant": both}).student is None
