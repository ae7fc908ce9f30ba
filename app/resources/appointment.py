"""Appointment: a meeting planned with a student.
https://hl7.org/fhir/R4/appointment.html
"""

from __future__ import annotations

from fhir.resources.R4B.appointment import Appointment

from app.resources.declaration import ResourceType, Visibility

APPOINTMENT = ResourceType(
    name="Appointment",
    model=Appointment,
    visibility=Visibility.COMPARTMENT,
    student="participant.actor",
    codes=("serviceCategory", "serviceType", "specialty", "appointmentType"),
    clinical_date=("start", "requestedPeriod", "created"),
    authors=(),
)
