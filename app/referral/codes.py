"""The codes by which a referral's Task says why, and how far it is.

http://hl7.org/fhir/us/bser/ (business statuses) — the reasons are those that schools and services use.
"""

from __future__ import annotations

DAY_OF_NEED = "https://hallpass.example/fhir/StructureDefinition/day-of-need"
PROGRAM = "https://hallpass.example/fhir/StructureDefinition/program"
"""Extensions of a referral: since when the need is known, and the program under which it is made."""
REVIEW_DATE = "https://hallpass.example/fhir/StructureDefinition/review-date"
"""An extension of a plan of support: the days on which it is reviewed."""
STATUS_REASON = "https://hallpass.example/fhir/CodeSystem/referral-status-reason"
STATUS_REASONS: dict[str, str] = {
    "could-not-contact": "The family could not be contacted",
    "not-eligible": "The student or the family is not eligible",
    "no-capacity": "The service has no capacity",
    "waitlist": "The student is on a waiting list",
    "family-declined": "The family declined the service",
    "already-served": "The student already receives the service",
    "moved": "The family has moved",
    "wrong-service": "The service does not fit the need",
    "no-show": "The family did not come to its appointments",
    "release-ended": "The release under which the referral was shared has ended",
    "other": "Another reason, given in words",
}
"""Display by code."""

BUSINESS_STATUS = "http://hl7.org/fhir/us/bser/CodeSystem/TaskBusinessStatusCS"
CREATED, ACCEPTED, DECLINED = "2.0", "3.0", "4.0"
SCHEDULED, UNATTENDED, EVENT_CANCELED, EVENT_COMPLETED = "5.1.1", "5.1.2", "5.1.3", "5.1.4"
CANCELLATION_REQUESTED, CANCELED, COMPLETED = "5.2", "6.0", "7.0"
BUSINESS_STATUSES: dict[str, str] = {
    CREATED: "Service Request Created",
    ACCEPTED: "Service Request Accepted",
    DECLINED: "Service Request Declined",
    SCHEDULED: "Service Request Event Scheduled",
    UNATTENDED: "Scheduled Service Request Event Unattended",
    EVENT_CANCELED: "Scheduled Service Request Event Cancelled",
    EVENT_COMPLETED: "Service Request Event Completed",
    CANCELLATION_REQUESTED: "Service Request Cancellation Requested",
    CANCELED: "Service Request Fulfillment Cancelled",
    COMPLETED: "Service Request Fulfillment Completed",
}
"""Display by code, as BSeR has them."""
