"""Immunization: a vaccination of a student.
https://hl7.org/fhir/R4/immunization.html
"""

from __future__ import annotations

from fhir.resources.R4B.immunization import Immunization

from app.resources.declaration import ResourceType, Visibility

IMMUNIZATION = ResourceType(
    name="Immunization",
    model=Immunization,
    visibility=Visibility.COMPARTMENT,
    student="patient",
    codes=("vaccineCode",),
    clinical_date=("occurrence[x]",),
    authors=("performer.actor",),
)
