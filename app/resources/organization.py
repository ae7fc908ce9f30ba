"""Organization: a district, a school, a clinic.
https://hl7.org/fhir/R4/organization.html
"""

from __future__ import annotations

from fhir.resources.R4B.organization import Organization

from app.resources.declaration import ResourceType, Visibility

ORGANIZATION = ResourceType(
    name="Organization",
    model=Organization,
    visibility=Visibility.DIRECTORY,
    student=None,
    codes=("type",),
    clinical_date=(),
    authors=(),
)
