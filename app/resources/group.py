"""Group: a class, a grade or a caseload: several students, so its custodian reads it and nobody else.
https://hl7.org/fhir/R4/group.html
"""

from __future__ import annotations

from fhir.resources.R4B.group import Group

from app.resources.declaration import ResourceType, Visibility

GROUP = ResourceType(
    name="Group",
    model=Group,
    visibility=Visibility.CUSTODY,
    student=None,
    codes=("code",),
    clinical_date=(),
    authors=(),
)
