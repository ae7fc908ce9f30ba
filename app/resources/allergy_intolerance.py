"""AllergyIntolerance: what a student reacts to.
https://hl7.org/fhir/R4/allergyintolerance.html
"""

from __future__ import annotations

from fhir.resources.R4B.allergyintolerance import AllergyIntolerance

from app.resources.declaration import ResourceType, Visibility

ALLERGY_INTOLERANCE = ResourceType(
    name="AllergyIntolerance",
    model=AllergyIntolerance,
    visibility=Visibility.COMPARTMENT,
    student="patient",
    codes=("code",),
    clinical_date=("onset[x]", "recordedDate"),
    authors=("recorder", "asserter"),
)
