"""A person's caseload as a bound on what they find: whoever is outside of it does not exist. 34 CFR 99.31(a)(1)(ii)"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from app.resources import TYPES, Visibility
from app.search.parameters import PARAMETERS, ParamKind
from app.search.query import Criterion, ReferenceValue, Search, TokenValue
from app.session import Session


def confined(session: Session, wanted: Search) -> Search | None:
    """A search among the records of the caseload; None where nothing of it can be found.

    Rows are judged one by one all the same: this makes pages full, and totals right.
    """
    if session.caseload is None or wanted.within is not None:
        return wanted
    kinds = {name for name in wanted.types if TYPES[name].visibility is Visibility.COMPARTMENT}
    if not kinds:
        return wanted
    criterion = _criterion(kinds, sorted(session.caseload)) if len(wanted.types) == 1 else None
    return replace(wanted, criteria=(*wanted.criteria, criterion)) if criterion else None


def _criterion(kinds: Collection[str], students: list[UUID]) -> Criterion | None:
    (name,) = kinds
    ids = [str(s) for s in students]
    if not ids:
        return None
    if name == "Patient":
        return Criterion("_id", ParamKind.TOKEN, None, tuple(TokenValue(None, i) for i in ids))
    if "patient" not in PARAMETERS[name]:
        return None
    return Criterion("patient", ParamKind.REFERENCE, None, tuple(ReferenceValue("Patient", i, None) for i in ids))
