"""Procedure: what was done for a student.
https://hl7.org/fhir/R4/procedure.html
"""

from __future__ import annotations

from fhir.resources.R4B.procedure import Procedure

from app.resources.declaration import ResourceType, Visibility

PROCEDURE = ResourceType(
    name="Procedure",
    model=Procedure,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("code", "category"),
    clinical_date=("performed[x]",),
    authors=("performer.actor", "recorder"),
)
