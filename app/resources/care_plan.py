"""CarePlan: the plan of support for a student.
https://hl7.org/fhir/R4/careplan.html
"""

from __future__ import annotations

from fhir.resources.R4B.careplan import CarePlan

from app.resources.declaration import ResourceType, Visibility

CARE_PLAN = ResourceType(
    name="CarePlan",
    model=CarePlan,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("category",),
    clinical_date=("period", "created"),
    authors=("author", "contributor"),
)
