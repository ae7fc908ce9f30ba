"""Location: a place where services are delivered.
https://hl7.org/fhir/R4/location.html
"""

from __future__ import annotations

from fhir.resources.R4B.location import Location

from app.resources.declaration import Reach, ResourceType

LOCATION = ResourceType(
    name="Location",
    model=Location,
    reach=Reach.DIRECTORY,
    student=None,
    codes=("type",),
    clinical_date=(),
    authors=(),
)
