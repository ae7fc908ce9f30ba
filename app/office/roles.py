"""What a person of a member's staff may do: a role is scopes and purposes of use, and nothing else. Pure.

'Limited access to authorized support staff': 34 CFR 99.31(a)(1)(ii).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """A role: its code, its name for people, the most that it may ask, and why it may ask."""

    code: str
    title: str
    scopes: tuple[str, ...]
    purposes: frozenset[str]
    limited: bool = False
    """Whether the member may limit it to a caseload."""


def _reads(*types: str) -> tuple[str, ...]:
    """To read and to search these types."""
    return tuple(f"system/{t}.rs" for t in types)


OPERATOR = Role("operator", "Operator", (), frozenset())
"""Of the network: has pages of its own, and no scope, so that no record is shown to it anywhere."""
_ALL = (
    Role(
        "privacy-officer",
        "Privacy officer",
        (
            "system/AuditEvent.crs",
            "system/Consent.crus",
            "system/Group.rs",
            "system/Organization.rs",
            "system/Patient.rs",
            "system/RelatedPerson.rs",
        ),
        frozenset(),
    ),
    Role(
        "counselor",
        "Counselor",
        (
            *_reads(
                "Appointment", "CarePlan", "CareTeam", "Condition", "Encounter", "Goal", "Observation", "Practitioner"
            ),
            *_reads("PractitionerRole", "Procedure"),
            "system/Consent.rs",
            "system/HealthcareService.rs",
            "system/Organization.rs",
            "system/Patient.rs",
            "system/RelatedPerson.rs",
            "system/ServiceRequest.crs",
            "system/Task.crs",
        ),
        frozenset({"CAREMGT"}),
        limited=True,
    ),
    Role(
        "front-office",
        "Front office",
        ("system/Consent.rs", "system/Organization.rs", "system/Patient.rs", "system/RelatedPerson.rs"),
        frozenset(),
        limited=True,
    ),
    Role(
        "partner-intake",
        "Intake of a partner",
        (*_reads("CarePlan", "CareTeam", "Goal", "Organization", "Patient", "ServiceRequest"), "system/Task.rus"),
        frozenset({"TREAT"}),
    ),
    OPERATOR,
)
ROLES = {role.code: role for role in _ALL}
"""By code. Who has no purpose sees what the member itself holds, and nothing that a release opens."""
