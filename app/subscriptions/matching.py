"""Whether a filter of a Subscription holds for one version of a record, by its search terms. Pure.

https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from app.search.normal import key
from app.search.parameters import ParamKind
from app.search.query import Criterion, DateValue, ReferenceValue, TextValue, TokenValue, Value
from app.search.rows import Date, Reference, Terms, Token

SERVED = frozenset(
    {
        (ParamKind.TOKEN, None),
        (ParamKind.TOKEN, "not"),
        (ParamKind.REFERENCE, None),
        (ParamKind.DATE, None),
        (ParamKind.URI, None),
    }
)
"""The kinds of parameter, with their modifiers, that a filter may have."""


def holds(criterion: Criterion, terms: Terms, record: UUID, updated: datetime) -> bool:
    """Whether a criterion holds for a record with these terms."""
    if criterion.parameter == "_id":
        return any(isinstance(v, TokenValue) and v.code == str(record) for v in criterion.values)
    if criterion.parameter == "_lastUpdated":
        own = Date("_lastUpdated", updated, updated)
        return any(isinstance(v, DateValue) and _date(v, own) for v in criterion.values)
    found = any(_matches(criterion, v, terms) for v in criterion.values)
    return not found if criterion.modifier == "not" else found


def _matches(criterion: Criterion, value: Value, terms: Terms) -> bool:
    name = criterion.parameter
    match value:
        case TokenValue():
            return any(_token(value, t) for t in terms.tokens if t.param == name)
        case ReferenceValue():
            return any(_reference(value, r) for r in terms.references if r.param == name)
        case DateValue():
            return any(_date(value, d) for d in terms.dates if d.param == name)
        case TextValue():
            return any(u.value == key(value.text) for u in terms.uris if u.param == name)
        case _:
            return False


def _token(value: TokenValue, token: Token) -> bool:
    system = value.system is None or key(value.system) == token.system
    return system and (value.code is None or key(value.code) == token.code)


def _reference(value: ReferenceValue, reference: Reference) -> bool:
    if value.url is not None:
        return reference.url == key(value.url)
    own = value.id is not None and str(reference.target) == value.id
    return own and (value.type is None or value.type == reference.target_type)


def _date(value: DateValue, date: Date) -> bool:
    match value.prefix:
        case "eq":
            return value.lower <= date.lower and date.upper <= value.upper
        case "ne":
            return not (value.lower <= date.lower and date.upper <= value.upper)
        case "ge":
            return date.upper > value.lower
        case "gt" | "sa":
            return date.lower >= value.upper if value.prefix == "sa" else date.upper > value.upper
        case "le":
            return date.lower < value.upper
        case "lt" | "eb":
            return date.upper <= value.lower if value.prefix == "eb" else date.lower < value.lower
        case _:
            return False
