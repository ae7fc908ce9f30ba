"""Condition: a need, a problem or a diagnosis of a student.
https://hl7.org/fhir/R4/condition.html
"""

from __future__ import annotations

from fhir.resources.R4B.condition import Condition

from app.resources.declaration import ResourceType, Visibility

CONDITION = ResourceType(
    name="Condition",
    model=Condition,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("code", "category"),
    clinical_date=("onset[x]", "recordedDate"),
    authors=("recorder", "asserter"),
)
