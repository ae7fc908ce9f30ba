"""Patient: a student.
https://hl7.org/fhir/R4/patient.html
"""

from __future__ import annotations

from fhir.resources.R4B.patient import Patient

from app.resources.declaration import ResourceType, Visibility

PATIENT = ResourceType(
    name="Patient",
    model=Patient,
    visibility=Visibility.COMPARTMENT,
    student="id",
    codes=(),
    clinical_date=(),
    authors=(),
)
