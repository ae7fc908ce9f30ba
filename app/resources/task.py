"""Task: the progress of a referral, shared by its requester and its owner.
https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B.task import Task

from app.resources.declaration import OPEN_TO_CLAIM, ResourceType, Visibility
from app.resources.paths import values


def parties(task: dict[str, Any]) -> list[str]:
    """References of the Task's requester and owner; a Task that is requested of nobody has a party to come."""
    open_to_claim = "owner" not in task and task.get("status") == "requested"
    named = values(task, "requester.reference") + values(task, "owner.reference")
    return [*named, f"Organization/{OPEN_TO_CLAIM}"] if open_to_claim else named


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
    claim="owner",
)
