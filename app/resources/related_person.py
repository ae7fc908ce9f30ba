"""RelatedPerson: a parent, guardian or other contact of one student.
https://hl7.org/fhir/R4/relatedperson.html
"""

from __future__ import annotations

from fhir.resources.R4B.relatedperson import RelatedPerson

from app.resources.declaration import ResourceType, Visibility

RELATED_PERSON = ResourceType(
    name="RelatedPerson",
    model=RelatedPerson,
    visibility=Visibility.COMPARTMENT,
    student="patient",
    codes=("relationship",),
    clinical_date=(),
    authors=(),
)
