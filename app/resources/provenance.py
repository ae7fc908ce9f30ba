"""Provenance: who made a record about a student, from what, and with whose signature.
https://hl7.org/fhir/R4/provenance.html
"""

from __future__ import annotations

from fhir.resources.R4B.provenance import Provenance

from app.resources.declaration import ResourceType, Visibility

PROVENANCE = ResourceType(
    name="Provenance",
    model=Provenance,
    visibility=Visibility.COMPARTMENT,
    student="target",
    codes=("activity",),
    clinical_date=("occurred[x]", "recorded"),
    authors=("agent.who",),
)
