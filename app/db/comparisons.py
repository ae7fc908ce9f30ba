"""A value of a criterion against the columns of an index row.

https://hl7.org/fhir/R4/search.html#prefix and https://hl7.org/fhir/R4/search.html#ptypes
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, any_, false, func, literal, or_
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from app.db.driver import is_placeholder
from app.fhir.dates import BEGINNING, END
from app.search.normal import fold, key, rows
from app.search.query import (
    CompositeValue,
    DateValue,
    OfTypeValue,
    QuantityValue,
    ReferenceValue,
    SetValue,
    TextValue,
    TokenValue,
    asked_form,
)
from app.search.references import uuid_of

LAST = "\U0010ffff"
"""Sorts behind every character."""

Condition = ColumnElement[bool]
Columns = ReadOnlyColumnCollection[str, ColumnElement[Any]]


def tokens(t: Columns, values: Sequence[TokenValue]) -> Condition:
    """Codes, of a system or of any."""
    codes: dict[str | None, list[str]] = {}
    for v in values:
        if v.code is not None:
            codes.setdefault(v.system, []).append(v.code)
    whole = (t.system == key(v.system) for v in values if v.code is None and v.system is not None)
    return or_(*(_codes(t, system, found) for system, found in codes.items()), *whole)


def members(t: Columns, value: SetValue) -> Condition:
    """The codes of a value set."""
    return or_(*(_codes(t, s, c) if c or s is None else t.system == key(s) for s, c in value.members))


def _codes(t: Columns, system: str | None, codes: Sequence[str]) -> Condition:
    listed = t.code.in_([key(c) for c in codes]) if len(codes) != 1 else t.code == key(codes[0])
    return listed if system is None else and_(t.system == key(system), listed)


def of_type(t: Columns, value: OfTypeValue) -> Condition:
    """An identifier by its type and value, as app.search.terms writes them."""
    return and_(t.system == key(value.system), t.code == key(f"{value.code}|{value.value}"))


def composite(t: Columns, value: CompositeValue) -> Condition:
    """A pair of codes, each in the form in which it is asked for."""
    second = asked_form(cast(TokenValue, value.other))
    return and_(t.system == key(asked_form(value.code)), t.code == key(second))


def starts(column: ColumnElement[str], head: str) -> Condition:
    """A prefix, as a range that an index serves."""
    return and_(column >= head, column < head + LAST)


def string(t: Columns, modifier: str | None, value: TextValue) -> Condition:
    """A string that starts with, contains or equals a text; case and accents count for `exact` alone."""
    folded = fold(value.text)
    if modifier == "exact":
        return and_(t.folded == rows(folded)[0], t.exact == value.text)
    if modifier == "contains":
        return func.strpos(t.folded, folded) > 0
    joined = folded.replace(" ", "")
    return starts(t.folded, folded) if joined == folded else or_(starts(t.folded, folded), t.folded == joined)


def uri(t: Columns, modifier: str | None, value: TextValue) -> Condition:
    """A URI that equals another, or is below or above it by whole segments."""
    text = value.text
    if modifier == "below":
        return or_(t.value == key(text), starts(t.value, text.rstrip("/") + "/"))
    if modifier == "above":
        return t.value.in_([key(u) for u in _above(text)])
    return t.value == key(text)


def _above(text: str) -> list[str]:
    """The URI and each that it lies below, with and without the slash at its end."""
    ends = [i for i, c in enumerate(text) if c == "/"]
    return [text, *(text[:i] for i in ends), *(text[: i + 1] for i in ends)]


def references(t: Columns, values: Sequence[ReferenceValue]) -> Condition:
    """References to a resource of ours or to a URL. An id that no resource of ours can have matches nothing."""
    found: list[Condition] = []
    for type_ in {v.type for v in values}:
        of_ours = _targets(t, [v.id for v in values if v.type == type_ and v.id is not None])
        found.append(of_ours if type_ is None else and_(t.target_type == type_, of_ours))
    urls = [key(v.url) for v in values if v.url is not None]
    return or_(*found, *([t.url.in_(urls)] if urls else []))


def target(column: ColumnElement[Any], id_: str) -> Condition:
    """A column that holds an id of this server's. An id that none of its resources can have is none."""
    found = id_ if is_placeholder(id_) else uuid_of(id_)
    return column == literal(found, column.type) if found is not None else false()


def ids(column: ColumnElement[Any], wanted: Sequence[str]) -> Condition:
    """A column that holds one of these ids, or one of a list that stands for them."""
    if len(wanted) == 1 and is_placeholder(wanted[0]):
        return column == any_(literal(wanted[0], ARRAY(Uuid())))
    return column.in_([i for i in map(uuid_of, wanted) if i is not None])


def _targets(t: Columns, ids: Sequence[str]) -> Condition:
    if len(ids) == 1:
        return target(t.target, ids[0])
    return t.target.in_([i for i in map(uuid_of, ids) if i is not None])


def date(lower: ColumnElement[Any], upper: ColumnElement[Any], value: DateValue) -> Condition:
    """An interval [lower, upper) against that of a date. https://hl7.org/fhir/R4/search.html#date"""
    within = and_(lower >= value.lower, upper <= value.upper)
    match value.prefix:
        case "eq":
            return within
        case "ne":
            return or_(lower < value.lower, upper > value.upper)
        case "gt":
            return upper > value.upper
        case "lt":
            return lower < value.lower
        case "ge":
            return or_(upper > value.upper, within)
        case "le":
            return or_(lower < value.lower, within)
        case "sa":
            return lower >= value.upper
        case "eb":
            return upper <= value.lower
        case _:
            return _about(lower, upper, value)


def _about(lower: ColumnElement[Any], upper: ColumnElement[Any], value: DateValue) -> Condition:
    """Overlaps the date when that is widened by a tenth of the time between now and it."""
    gap = abs(datetime.now(UTC) - value.lower) / 10
    return and_(lower < _moved(value.upper, gap), upper > _moved(value.lower, -gap))


def _moved(moment: datetime, by: timedelta) -> datetime:
    try:
        return min(max(moment + by, BEGINNING), END)
    except OverflowError:
        return END if by > timedelta() else BEGINNING


def moment(at: ColumnElement[Any], value: DateValue) -> Condition:
    """A moment against the interval of a date."""
    before, after = at < value.lower, at >= value.upper
    match value.prefix:
        case "eq":
            return and_(at >= value.lower, at < value.upper)
        case "ne":
            return or_(before, after)
        case "gt" | "sa":
            return after
        case "lt" | "eb":
            return before
        case "ge":
            return at >= value.lower
        case "le":
            return at < value.upper
        case _:
            return _about(at, at, value)


def quantity(t: Columns, value: QuantityValue) -> Condition:
    """A number, as precise as it is written, and its unit. https://hl7.org/fhir/R4/search.html#quantity"""
    return and_(_number(t.low, t.high, value.prefix, value.number), *_unit(t, value))


def _number(low: ColumnElement[Any], high: ColumnElement[Any], prefix: str, number: Decimal) -> Condition:
    exponent = number.as_tuple().exponent
    half = Decimal(5).scaleb((exponent if isinstance(exponent, int) else 0) - 1)
    match prefix:
        case "eq":
            return and_(low >= number - half, high < number + half)
        case "ne":
            return or_(low < number - half, high >= number + half)
        case "gt":
            return high > number
        case "lt":
            return low < number
        case "ge":
            return high >= number
        case "le":
            return low <= number
        case "sa":
            return low > number
        case "eb":
            return high < number
        case _:
            around = abs(number) / 10
            return and_(high >= number - around, low <= number + around)


def _unit(t: Columns, value: QuantityValue) -> list[Condition]:
    found: list[Condition] = []
    if value.system is not None:
        found.append(t.system == key(value.system))
    if value.unit is not None:
        coded = t.code == key(value.unit)
        found.append(coded if value.system is not None else or_(coded, t.unit == key(value.unit)))
    return found
