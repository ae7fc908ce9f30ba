"""OrganizationAffiliation: the agreement between two organizations that says who may share with whom.
https://hl7.org/fhir/R4/organizationaffiliation.html
"""

from __future__ import annotations

from fhir.resources.R4B.organizationaffiliation import OrganizationAffiliation

from app.resources.declaration import ResourceType, Visibility

ORGANIZATION_AFFILIATION = ResourceType(
    name="OrganizationAffiliation",
    model=OrganizationAffiliation,
    visibility=Visibility.DIRECTORY,
    student=None,
    codes=("code",),
    clinical_date=(),
    entry_of=("organization", "participatingOrganization"),
    authors=(),
)
