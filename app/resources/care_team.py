"""CareTeam: the people who plan and carry the support of a student.
https://hl7.org/fhir/R4/careteam.html
"""

from __future__ import annotations

from fhir.resources.R4B.careteam import CareTeam

from app.resources.declaration import ResourceType, Visibility

CARE_TEAM = ResourceType(
    name="CareTeam",
    model=CareTeam,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("category",),
    clinical_date=("period",),
    authors=(),
)
