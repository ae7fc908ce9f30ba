"""DocumentReference: a document about a student: a signed form, a plan, a report.
https://hl7.org/fhir/R4/documentreference.html
"""

from __future__ import annotations

from fhir.resources.R4B.documentreference import DocumentReference

from app.resources.declaration import ResourceType, Visibility

DOCUMENT_REFERENCE = ResourceType(
    name="DocumentReference",
    model=DocumentReference,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("type", "category"),
    clinical_date=("context.period", "date"),
    authors=("author", "authenticator"),
    labels=("securityLabel",),
)
