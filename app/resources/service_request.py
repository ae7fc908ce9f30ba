"""ServiceRequest: a referral of a student to a service.
https://hl7.org/fhir/R4/servicerequest.html
"""

from __future__ import annotations

from fhir.resources.R4B.servicerequest import ServiceRequest

from app.resources.declaration import ResourceType, Visibility

SERVICE_REQUEST = ResourceType(
    name="ServiceRequest",
    model=ServiceRequest,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("code", "category"),
    clinical_date=("occurrence[x]", "authoredOn"),
    authors=("requester",),
)
