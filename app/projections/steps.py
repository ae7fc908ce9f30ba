"""What follows from writes, by type. Types that are not listed have nothing that follows."""

from __future__ import annotations

from collections.abc import Sequence

from app.db import write
from app.projections.affiliation import AFFILIATION
from app.projections.consent import CONSENT
from app.projections.organization import ORGANIZATION
from app.projections.patient import PATIENT
from app.projections.projection import Change, Projection
from app.projections.related_person import RELATED_PERSON
from app.session import Filed, Session

PROJECTIONS: dict[str, Projection] = {
    "Patient": PATIENT,
    "RelatedPerson": RELATED_PERSON,
    "OrganizationAffiliation": AFFILIATION,
    "Organization": ORGANIZATION,
    "Consent": CONSENT,
}


def is_at_once(type_name: str) -> bool:
    """Whether a resource of the type is stored before anything else is written."""
    return type_name in PROJECTIONS and PROJECTIONS[type_name].at_once


async def update_projections(session: Session, filed: Sequence[Filed]) -> None:
    """Bring what depends on these resources up to date, in the same transaction, type by type.

    What ends or narrows a release commits on every standby before it is answered.
    """
    of_type: dict[str, list[Filed]] = {}
    for f in filed:
        if f.row.type in PROJECTIONS:
            of_type.setdefault(f.row.type, []).append(f)
    if any(is_at_once(type_name) for type_name in of_type):
        await write.commit_everywhere(session.connection)
    for type_name, found in of_type.items():
        projection = PROJECTIONS[type_name]
        changes = [Change(f.row, await projection.compute(session, f.row, f.content, f.zone)) for f in found]
        await projection.store(session, changes)
