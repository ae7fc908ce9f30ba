"""How the services of a community school lie in Gravity's social domains, and measures of a student in CEDS.

https://hl7.org/fhir/R4/conceptmap.html, https://hl7.org/fhir/us/sdoh-clinicalcare/ and https://ceds.ed.gov
"""

from __future__ import annotations

from app.terminology.code_systems import SERVICE_CATEGORY, STUDENT_MEASURE, system
from app.terminology.definition import Json, definition
from app.terminology.value_sets import value_set

GRAVITY = "http://hl7.org/fhir/us/sdoh-clinicalcare/CodeSystem/SDOHCC-CodeSystemTemporaryCodes"
GRAVITY_CATEGORIES = "http://hl7.org/fhir/us/sdoh-clinicalcare/ValueSet/SDOHCC-ValueSetSDOHCategory"

_SAME = {
    "digital-access": "digital-access",
    "employment": "employment-status",
    "financial": "financial-insecurity",
    "food": "food-insecurity",
    "health-insurance": "health-insurance-coverage-status",
    "homelessness": "homelessness",
    "housing": "housing-instability",
    "language-access": "language-access",
    "transportation": "transportation-insecurity",
    "utilities": "utility-insecurity",
}
_INEXACT = {
    "adult-education": (
        "educational-attainment",
        "The domain is what was attained, the service a way on.",
    ),
    "basic-needs": ("material-hardship", "The domain takes in more than a student's clothing and supplies."),
    "mentoring": ("social-connection", "Mentoring is one answer to a want of social connection."),
    "safety": ("intimate-partner-violence", "The domain is violence between partners; a child meets others as well."),
}


CEDS = "https://ceds.ed.gov"
_ELEMENTS = {
    "attendance-rate": "AttendanceRate",
    "days-absent": "NumberOfDaysAbsent",
    "days-attended": "NumberOfDaysInAttendance",
    "days-tardy": "NumberOfDaysTardy",
    "grade-average": "GradePointAverageCumulative",
}


def concept_maps() -> list[Json]:
    """Every ConceptMap."""
    return [_of_services(), _of_measures()]


def _of_measures() -> Json:
    """The elements of CEDS, by their technical names; an incident is a record there, and no count."""
    elements = [
        {"code": code, "target": [{"code": _ELEMENTS[code], "equivalence": "relatedto"}]}
        if code in _ELEMENTS
        else {"code": code, "target": [{"equivalence": "unmatched"}]}
        for code in STUDENT_MEASURE
    ]
    return definition(
        "ConceptMap",
        "student-measure-to-ceds",
        "Measures of a student to elements of CEDS",
        "Which element of the Common Education Data Standards a measure is.",
        sourceUri=value_set("student-measure"),
        targetUri=CEDS,
        group=[{"source": system("student-measure"), "target": CEDS, "element": elements}],
    )


def _of_services() -> Json:
    """The ConceptMap of services; what has no domain there is unmatched."""
    return definition(
        "ConceptMap",
        "service-category-to-gravity",
        "Services of a community school to Gravity's domains",
        "Which social domain of the Gravity Project a kind of service answers to.",
        sourceUri=value_set("service-category"),
        targetUri=GRAVITY_CATEGORIES,
        group=[
            {
                "source": system("service-category"),
                "target": GRAVITY,
                "element": [{"code": code, "target": [_target(code)]} for code in SERVICE_CATEGORY],
            }
        ],
    )


def _target(code: str) -> Json:
    if code in _SAME:
        return {"code": _SAME[code], "equivalence": "relatedto"}
    if code in _INEXACT:
        target, comment = _INEXACT[code]
        return {"code": target, "equivalence": "inexact", "comment": comment}
    return {"equivalence": "unmatched"}
