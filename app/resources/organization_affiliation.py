"""OrganizationAffiliation: the agreement between two organizations that says who may share with whom.
https://hl7.org/fhir/R4/organizationaffiliation.html
"""

from __future__ import annotations

from fhir.resources.R4B.organizationaffiliation import OrganizationAffiliation

from app.resources.declaration import Reach, ResourceType

ORGANIZATION_AFFILIATION = ResourceType(
    name="OrganizationAffiliation",
    model=OrganizationAffiliation,
    reach=Reach.DIRECTORY,
    student=None,
    codes=("code",),
    clinical_date=(),
    authors=(),
)
