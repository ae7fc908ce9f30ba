"""Task: the progress of a referral, shared by its requester and its owner.
https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B.task import Task

from app.resources.declaration import OPEN_TO_CLAIM, SEEN_BY_PARTIES, ResourceType, Visibility
from app.resources.paths import values

TASK_CODE = "https://hallpass.example/fhir/CodeSystem/task-code"
RETURN = "return-or-destroy"
"""Of a Task by which a custodian asks back what left under a release that was filed wrongly."""


def parties(task: dict[str, Any]) -> list[str]:
    """References of the Task's requester and owner; a Task that is requested of nobody has a party to come.

    A request to return or destroy is seen by them without a release: the one that it is about has ended.
    """
    open_to_claim = "owner" not in task and task.get("status") == "requested"
    named = values(task, "requester.reference") + values(task, "owner.reference")
    asks_return = any(x.get("system") == TASK_CODE and x.get("code") == RETURN for x in values(task, "code.coding"))
    if asks_return:
        return [*named, f"Organization/{SEEN_BY_PARTIES}"] if task.get("status") != "draft" else []
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
