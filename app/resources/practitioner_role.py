"""PractitionerRole: a practitioner in an organization.
https://hl7.org/fhir/R4/practitionerrole.html
"""

from __future__ import annotations

from fhir.resources.R4B.practitionerrole import PractitionerRole

from app.resources.declaration import ResourceType, Visibility

PRACTITIONER_ROLE = ResourceType(
    name="PractitionerRole",
    model=PractitionerRole,
    visibility=Visibility.DIRECTORY,
    student=None,
    codes=("code",),
    clinical_date=(),
    entry_of=("organization",),
    authors=(),
)
