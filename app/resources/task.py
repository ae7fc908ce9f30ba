"""Task: the progress of a referral, shared by its requester and its owner.
https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B.task import Task

from app.resources.declaration import ResourceType, Visibility
from app.resources.paths import values


def parties(task: dict[str, Any]) -> list[str]:
    """References of the Task's requester and owner."""
    return values(task, "requester.reference") + values(task, "owner.reference")


TARGET_SETS = frozenset({"accepted", "rejected", "in-progress", "on-hold", "failed", "completed", "cancelled"})
"""Statuses that the owner of a referral's Task sets; draft, requested and entered-in-error are the requester's.
https://hl7.org/fhir/us/sdoh-clinicalcare/ (closed-loop referral)"""

TASK = ResourceType(
    name="Task",
    model=Task,
    visibility=Visibility.COMPARTMENT,
    student="for",
    codes=("code",),
    clinical_date=("authoredOn",),
    authors=("requester",),
    parties=parties,
    party_writes=(
        "status",
        "statusReason",
        "businessStatus",
        "executionPeriod",
        "lastModified",
        "note",
        "output",
    ),
    party_values={"status": TARGET_SETS},
)
