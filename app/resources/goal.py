"""Goal: what a student, the family or a team wants to reach.
https://hl7.org/fhir/R4/goal.html
"""

from __future__ import annotations

from fhir.resources.R4B.goal import Goal

from app.resources.declaration import ResourceType, Visibility

GOAL = ResourceType(
    name="Goal",
    model=Goal,
    visibility=Visibility.COMPARTMENT,
    student="subject",
    codes=("description", "category"),
    clinical_date=("start[x]", "statusDate"),
    authors=("expressedBy",),
)
