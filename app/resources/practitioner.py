"""Practitioner: a counselor, a nurse, a clinician.
https://hl7.org/fhir/R4/practitioner.html
"""

from __future__ import annotations

from fhir.resources.R4B.practitioner import Practitioner

from app.resources.declaration import ResourceType, Visibility

PRACTITIONER = ResourceType(
    name="Practitioner",
    model=Practitioner,
    visibility=Visibility.DIRECTORY,
    student=None,
    codes=(),
    clinical_date=(),
    authors=(),
)
