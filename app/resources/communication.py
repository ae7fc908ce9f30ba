"""Communication: a message about a student that was sent.
https://hl7.org/fhir/R4/communication.html
"""

from __future__ import annotations

from fhir.resources.R4B.communication import Communication

from app.resources.declaration import ResourceType, Visibility

COMMUNICATION = ResourceType(
    name="Communication",
    model=Communication,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("category", "topic"),
    clinical_date=("sent", "received"),
    authors=("sender",),
)
