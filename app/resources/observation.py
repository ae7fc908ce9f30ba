"""Observation: an assessment, a measurement or a finding about a student.
https://hl7.org/fhir/R4/observation.html
"""

from __future__ import annotations

from fhir.resources.R4B.observation import Observation

from app.resources.declaration import ResourceType, Visibility

OBSERVATION = ResourceType(
    name="Observation",
    model=Observation,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("code", "category"),
    clinical_date=("effective[x]", "issued"),
    authors=("performer",),
)
