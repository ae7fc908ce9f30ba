"""The records that a student's plan of support is made of: those that the caller may see. https://hl7.org/fhir/R4/careplan.html"""

from __future__ import annotations

from dataclasses import replace

from app.exchange import everything
from app.exchange.release import PendingResult
from app.plan.document import PLANNED
from app.resources import TYPES, Visibility
from app.scopes import allows
from app.search.parse import parse
from app.search.query import Search
from app.session import Session

_MANY = frozenset({"Observation"})
_PARTS = ([t for t in PLANNED if t not in _MANY], sorted(_MANY))
"""What is asked at once: a measure for each school day leaves room for the plan itself."""


async def of_student(session: Session, student: str) -> list[PendingResult]:
    """The newest records of each part. Raises NOT_FOUND where the caller sees nothing of the student."""
    session.require("Patient", "s")
    wanted = [w for types in _PARTS if (w := _wanted(session, types))]
    return [await everything.of_patient(session, student, w, lambda _search: None) for w in wanted]


def _wanted(session: Session, types: list[str]) -> Search | None:
    """The newest records of the student of those of the types that the caller may search; None where it is none."""
    scopes, settings = session.caller.scopes, session.settings
    about = [t for t in types if TYPES[t].visibility is Visibility.COMPARTMENT and allows(scopes, t, "s")]
    if not about:
        return None
    found = parse(
        None,
        [("_type", ",".join(about)), ("_count", str(settings.max_count)), ("_total", "none")],
        zone=session.zone,
        base_url=settings.fhir_base,
        default_count=settings.default_count,
        max_count=settings.max_count,
    )
    return replace(found, pairs=())
