"""Encounter: a service delivered to a student.
https://hl7.org/fhir/R4/encounter.html
"""

from __future__ import annotations

from fhir.resources.R4B.encounter import Encounter

from app.resources.declaration import ResourceType, Visibility

ENCOUNTER = ResourceType(
    name="Encounter",
    model=Encounter,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("type", "class", "serviceType"),
    clinical_date=("period",),
    authors=("participant.individual",),
)
