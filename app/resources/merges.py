"""Which Patients replace one another: two records of one student, by their links. Pure.

https://hl7.org/fhir/R4/patient.html#links
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from app.resources.refs import local_id

REPLACES, REPLACED_BY = "replaces", "replaced-by"


def linked(patient: dict[str, Any], *kinds: str) -> Iterator[UUID]:
    """The Patients that this one links to by these kinds of links."""
    for link in patient.get("link", []):
        found = local_id(link.get("other"), "Patient") if link.get("type") in kinds else None
        if found is not None:
            yield found
