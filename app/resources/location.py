"""Location: a place where services are delivered.
https://hl7.org/fhir/R4/location.html
"""

from __future__ import annotations

from fhir.resources.R4B.location import Location

from app.resources.declaration import ResourceType, Visibility

LOCATION = ResourceType(
    name="Location",
    model=Location,
    visibility=Visibility.DIRECTORY,
    student=None,
    codes=("type",),
    clinical_date=(),
    entry_of=("managingOrganization",),
    authors=(),
)
