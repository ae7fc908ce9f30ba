"""HealthcareService: a service that an organization offers.
https://hl7.org/fhir/R4/healthcareservice.html
"""

from __future__ import annotations

from fhir.resources.R4B.healthcareservice import HealthcareService

from app.resources.declaration import ResourceType, Visibility

HEALTHCARE_SERVICE = ResourceType(
    name="HealthcareService",
    model=HealthcareService,
    visibility=Visibility.DIRECTORY,
    student=None,
    codes=("category", "type"),
    clinical_date=(),
    entry_of=("providedBy",),
    authors=(),
)
