"""The Composition of a plan, out of resources of every type that it is made of. https://hl7.org/fhir/R4/composition.html"""

from __future__ import annotations

import pytest

from app.consent.attributes import INLINE_LABEL
from app.plan.document import composition, under
from app.referral.codes import REVIEW_DATE
from tests.plan.telling import (
    AT,
    AT_CLINIC,
    BY,
    GOALS,
    NEEDS,
    OUTCOMES,
    PLAN,
    SERVICES,
    TEAM,
    UNKNOWN,
    Json,
    Table,
    attendance,
    made,
    parsed,
    section,
    table,
    told,
)


def test_a_plan_over_nothing_says_so_in_each_section() -> None:
    bare = composition([], "Patient/p", {"reference": "Organization/o"}, AT, whole=True)
    head = bare.pop("text")
    sections = {s["title"]: s for s in bare.pop("section")}
    assert bare == {
        "resourceType": "Composition",
        "status": "final",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18776-5", "display": "Plan of care note"}]},
        "subject": {"reference": "Patient/p"},
        "date": AT,
        "author": [{"reference": "Organization/o"}],
        "title": "Plan of support",
    }
    assert table(head) == [("As of", "2026-11-28")]
    assert {t: parsed(s["text"])[0].text for t, s in sections.items()} == {
        PLAN: "No plan is on file.",
        NEEDS: "Nothing is on file.",
        GOALS: "No goals are on file.",
        TEAM: "No team is on file.",
        SERVICES: "No services are on file.",
        OUTCOMES: "Nothing was measured.",
    }
    assert not any("entry" in s for s in sections.values())


def test_its_first_lines_say_whose_it_is_as_of_when_and_told_by_whom() -> None:
    whole = made()
    assert whole["subject"] == {"reference": "Patient/p", "display": "Ana Lu Sol"}
    assert "<tr><th>Plan of support</th><th></th></tr>" in whole["text"]["div"]
    lines = [("Student", "Ana Lu Sol"), ("Born", "2014-05-01"), ("As of", "2026-11-28"), ("Told by", "A school")]
    assert table(whole["text"]) == lines
    left_out = ("Not whole", "There are more records than are told of here: the oldest are left out.")
    assert table(made(whole=False)["text"]) == [*lines, left_out]


def test_it_has_the_labels_of_all_that_it_tells_of_each_once() -> None:
    label, inline = ({"system": "urn:labels", "code": code} for code in ("R", "PSY"))
    goal = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "meta": {"security": [label]}}
    note = {"extension": [{"url": INLINE_LABEL, "valueCoding": inline}], "text": "x"}
    other = {**goal, "id": "h", "note": [note]}
    assert made(goal, other)["meta"] == {"security": [label, inline]}
    assert "meta" not in made()


@pytest.mark.parametrize("state", ["entered-in-error", "cancelled", "revoked"])
def test_what_was_taken_back_is_not_told(state: str) -> None:
    plan = {"resourceType": "CarePlan", "id": "c", "status": state, "period": {"start": "2026-11-10"}}
    goal = {"resourceType": "Goal", "id": "g", "lifecycleStatus": state, "description": {"text": "Reads"}}
    measures = [attendance(80, "2026-10-01"), attendance(90, "2026-11-05"), attendance(95, "2026-11-20")]
    document = made(plan, goal, *measures)
    assert table(section(document, PLAN)["text"]) == table(section(document, GOALS)["text"]) == []
    assert table(section(document, OUTCOMES)["text"])[0][1] == "80 % (2026-10-01)"  # from no plan's beginning


def test_a_plan_is_told_with_its_state_its_reviews_and_its_coordinator() -> None:
    plan = {"resourceType": "CarePlan", "status": "active"}
    reviews = [{"url": REVIEW_DATE, "valueDate": d} for d in ("2026-12-10", "2027-03-10")]
    other = {"url": "urn:other", "valueDate": "2020-01-01"}
    period = {"start": "2026-09-14", "end": "2027-06-01"}
    named = {**plan, "id": "a", "title": "IEP", "period": period, "extension": [other, *reviews], "author": BY}
    sorted_of = {**plan, "id": "b", "category": [{"text": "504 plan"}], "title": ""}
    bare = {**plan, "id": "c", "status": "completed"}
    assert told(PLAN, named, sorted_of, bare) == [
        ("IEP", "active", "2026-09-14 to 2027-06-01", "2026-12-10, 2027-03-10", "Lu Sol"),
        ("504 plan", "active", "", "", ""),
        ("Plan", "completed", "", "", ""),
    ]


def test_each_section_has_its_headings_and_leads_to_its_records_each_once() -> None:
    member = [{"member": BY}, {"member": AT_CLINIC}]
    records: dict[str, Json] = {
        PLAN: {"resourceType": "CarePlan", "status": "active"},
        NEEDS: {"resourceType": "Condition"},
        GOALS: {"resourceType": "Goal", "lifecycleStatus": "active"},
        TEAM: {"resourceType": "CareTeam", "participant": member},
        SERVICES: {"resourceType": "Task", "status": "requested"},
        OUTCOMES: attendance(90, "2026-11-01"),
    }
    headings = {
        PLAN: ("Plan", "State", "From and to", "Review", "Coordinator"),
        NEEDS: ("What", "State or finding", "When"),
        GOALS: ("Goal", "Expressed by", "Due", "State"),
        TEAM: ("Who", "Role", "When"),
        SERVICES: ("Service", "Who", "State", "When"),
        OUTCOMES: ("Measure", "When the plan began", "Now", "Change"),
    }
    document = made(*({"id": "x", **r} for r in records.values()))
    for title, record in records.items():
        found = section(document, title)
        assert found["entry"] == [{"reference": f"{record['resourceType']}/{record.get('id', 'x')}"}]
        assert "<tr>" + "".join(f"<th>{h}</th>" for h in headings[title]) + "</tr>" in found["text"]["div"]


def test_a_need_is_a_condition_or_an_observation_that_is_no_measure() -> None:
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "code": {"text": "Food insecurity"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "recordedDate": "2026-10-02T09:00:00Z",
    }
    answer = {
        "resourceType": "Observation",
        "id": "o",
        "code": {"coding": [{"system": "urn:other", "code": "attendance-rate", "display": "Attendance"}]},
        "valueCodeableConcept": {"text": "A need"},
        "effectiveDateTime": "2026-10-05",
    }
    document = made(condition, answer, {"resourceType": "Observation", "id": "n"}, attendance(90, "2026-11-01"))
    assert table(section(document, NEEDS)["text"]) == [
        ("Food insecurity", "active", "2026-10-02"),
        ("Attendance", "A need", "2026-10-05"),
        ("", "", ""),
    ]


def test_a_goal_is_told_with_who_expressed_it_when_it_is_due_and_how_it_goes() -> None:
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "In class each day"}}
    targets = [{"dueDate": "2026-12-01"}, {"measure": {"text": "x"}}, {"dueDate": "2027-06-01"}]
    rated = {**goal, "id": "a", "expressedBy": BY, "target": targets, "achievementStatus": {"text": "improving"}}
    assert told(GOALS, rated, {**rated, "id": "b", "statusDate": "2026-11-02"}, {**goal, "id": "c"}) == [
        ("In class each day", "Lu Sol", "2026-12-01, 2027-06-01", "improving"),
        ("In class each day", "Lu Sol", "2026-12-01, 2027-06-01", "improving (2026-11-02)"),
        ("In class each day", "", "", "active"),
    ]


def test_a_team_is_told_by_its_members_and_a_role_has_its_codes_in_a_list() -> None:
    """PractitionerRole.code repeats, unlike that of an Observation."""
    counselor = {"member": {"reference": "PractitionerRole/r"}, "period": {"start": "2026-09-01"}}
    mother = {"member": BY, "role": [{"text": "Mother"}, {"text": "Guardian"}]}
    team = {"resourceType": "CareTeam", "id": "t", "status": "active", "participant": [counselor, mother]}
    assert told(TEAM, team, {"resourceType": "CareTeam", "id": "u"}) == [
        ("School counselor", "", "2026-09-01"),
        ("Lu Sol", "Mother, Guardian", ""),
    ]


SERVED: list[tuple[Json, Table]] = [
    (
        {
            "resourceType": "ServiceRequest",
            "status": "active",
            "code": {"text": "Counseling"},
            "category": [{"text": "Mental health"}],
            "performer": [AT_CLINIC, UNKNOWN, BY],
            "authoredOn": "2026-10-01T08:00:00Z",
        },
        [("Counseling", "The clinic, Lu Sol", "active", "2026-10-01")],
    ),
    (
        {"resourceType": "ServiceRequest", "status": "draft", "category": [{"text": "Mental health"}]},
        [("Mental health", "", "draft", "")],
    ),
    (
        {
            "resourceType": "Task",
            "status": "in-progress",
            "businessStatus": {"text": "Waiting list"},
            "code": {"text": "Intake"},
            "owner": AT_CLINIC,
            "lastModified": "2026-10-02T08:00:00Z",
        },
        [("Intake", "The clinic", "Waiting list", "2026-10-02")],
    ),
    ({"resourceType": "Task", "status": "requested"}, [("", "", "requested", "")]),
    (
        {
            "resourceType": "Appointment",
            "status": "booked",
            "serviceType": [{"text": "First visit"}],
            "start": "2026-10-03T08:00:00Z",
        },
        [("First visit", "", "booked", "2026-10-03")],
    ),
    ({"resourceType": "Appointment", "status": "proposed"}, [("Appointment", "", "proposed", "")]),
    (
        {
            "resourceType": "Encounter",
            "status": "finished",
            "type": [{"text": "Session"}],
            "class": {"code": "AMB", "display": "ambulatory"},
            "serviceProvider": AT_CLINIC,
            "period": {"start": "2026-10-04T08:00:00Z"},
        },
        [("Session", "The clinic", "finished", "2026-10-04")],
    ),
    (
        {"resourceType": "Encounter", "status": "planned", "class": {"code": "AMB", "display": "ambulatory"}},
        [("ambulatory", "", "planned", "")],
    ),
    (
        {
            "resourceType": "Procedure",
            "status": "completed",
            "code": {"text": "Glasses fitted"},
            "performer": [{"actor": AT_CLINIC}, {"actor": UNKNOWN}, {"actor": BY}],
            "performedDateTime": "2026-10-05T08:00:00Z",
        },
        [("Glasses fitted", "The clinic, Lu Sol", "completed", "2026-10-05")],
    ),
    (
        {
            "resourceType": "Procedure",
            "status": "completed",
            "performedPeriod": {"start": "2026-10-05", "end": "2026-10-09"},
        },
        [("", "", "completed", "2026-10-05 to 2026-10-09")],
    ),
    (
        {"resourceType": "Procedure", "status": "preparation", "performedString": "in fall"},
        [("", "", "preparation", "in fall")],
    ),
    ({"resourceType": "Procedure", "status": "preparation"}, [("", "", "preparation", "")]),
    (
        {
            "resourceType": "CarePlan",
            "status": "active",
            "activity": [
                {"reference": {"reference": "Task/t"}},
                {
                    "detail": {
                        "status": "in-progress",
                        "code": {"text": "Walk"},
                        "description": "Walks with a friend",
                        "performer": [BY, UNKNOWN, AT_CLINIC],
                        "scheduledPeriod": {"start": "2026-09-14"},
                    }
                },
                {"detail": {"status": "scheduled", "description": "A ride", "scheduledString": "each morning"}},
                {"detail": {"status": "unknown"}},
            ],
        },
        [
            ("Walk", "Lu Sol, The clinic", "in-progress", "2026-09-14"),
            ("A ride", "", "scheduled", "each morning"),
            ("", "", "unknown", ""),
        ],
    ),
    ({"resourceType": "CarePlan", "status": "active"}, []),
]


@pytest.mark.parametrize(("record", "rows"), SERVED)
def test_a_service_is_told_with_who_serves_its_state_and_when(record: Json, rows: Table) -> None:
    assert told(SERVICES, {"id": "x", **record}) == rows


def test_services_stand_beside_each_other_whatever_records_they_are() -> None:
    assert told(SERVICES, *({"id": "x", **record} for record, _ in SERVED)) == [
        row for _, rows in SERVED for row in rows
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ({"name": "Oak School"}, "Oak School"),
        ({"name": [{"text": "Lu Sol", "family": "Other"}, {"text": "Second"}]}, "Lu Sol"),
        ({"name": [{"family": "Sol", "given": ["Lu", "", "M"]}]}, "Lu M Sol"),
        ({"name": [{"family": "Sol"}]}, "Sol"),
        ({"name": [{"given": ["Lu"]}]}, "Lu"),
        ({"name": [{}]}, ""),
        ({"name": []}, ""),
        ({"code": {"text": "Nurse"}}, "Nurse"),
        ({"name": [], "code": [{"text": "Nurse"}]}, "Nurse"),
    ],
)
def test_who_is_on_a_team_is_told_by_the_name_or_else_by_the_role(name: Json, said: str) -> None:
    who = {"resourceType": "Practitioner", "id": "w", **name}
    team = {"resourceType": "CareTeam", "id": "t", "participant": [{"member": {"reference": "Practitioner/w"}}]}
    assert told(TEAM, who, team) == [(said, "", "")]


def test_a_plan_tells_under_which_consents_its_records_were_disclosed() -> None:
    made = under(["Consent/a", "Consent/b"])
    assert table(made.pop("text")) == [("Consent/a",), ("Consent/b",)]
    assert made == {"title": "Disclosed under", "entry": [{"reference": "Consent/a"}, {"reference": "Consent/b"}]}
    assert "<th>Consent</th>" in under(["Consent/a"])["text"]["div"]
