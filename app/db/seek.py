"""The order of a search and the keyset of its pages.

https://hl7.org/fhir/R4/search.html#sort

Without `_sort` the newest come first. A sort by a parameter takes the least of a resource's values, descending the
greatest; resources without one come last in both directions; the id decides between equals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Text,
    UnaryExpression,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy import cast as sql_cast

from app.db.comparisons import Columns, Condition
from app.db.match import INDEX, Subject
from app.search.cursor import Cursor, SortValue
from app.search.parameters import ParamKind
from app.search.query import SortKey


@dataclass(frozen=True, slots=True)
class Key:
    """One column of the order."""

    column: ColumnElement[Any]
    descending: bool
    never_null: bool


def sort_column(key: SortKey, subject: Subject) -> ColumnElement[Any]:
    """What a resource is sorted by under one key of `_sort`; NULL when it has no value."""
    if key.parameter == "_id":
        return subject.c.id
    if key.parameter == "_lastUpdated":
        return subject.c.place
    t, own = subject.terms(INDEX[key.kind], key.parameter)
    value = _value(key, t)
    best = func.max(value) if key.descending else func.min(value)
    return select(best).where(own).scalar_subquery()


def _value(key: SortKey, t: Columns) -> ColumnElement[Any]:
    match key.kind:
        case ParamKind.TOKEN:
            return func.nullif(t.code, "", type_=Text())
        case ParamKind.STRING:
            return t.folded
        case ParamKind.REFERENCE:
            ours = t.target_type + "/" + sql_cast(t.target, Text())
            return func.nullif(func.coalesce(ours, t.url), "", type_=Text())
        case ParamKind.DATE:
            return t.upper if key.descending else t.lower
        case ParamKind.QUANTITY | ParamKind.NUMBER:
            return t.high if key.descending else t.low
        case _:
            return t.value


def ordering(keys: list[Key], *, back: bool) -> list[UnaryExpression[Any]]:
    """The ORDER BY of a page; the other way round for the page before a cursor."""
    found = []
    for key in keys:
        column = key.column.desc() if key.descending != back else key.column.asc()
        # Plain DESC is NULLS FIRST: without a NULL to place, the indexes of the newest serve it as it is.
        found.append(column if key.never_null else column.nulls_first() if back else column.nulls_last())
    return found


@dataclass(frozen=True, slots=True)
class Seek:
    """What shapes the condition of a cursor: whether it points back, and which of its values are there."""

    back: bool
    there: tuple[bool, ...]

    @staticmethod
    def at(cursor: Cursor) -> Seek:
        """The turn at a cursor."""
        return Seek(cursor.back, (*(v is not None for v in cursor.values), True))


def placed(cursor: Cursor) -> dict[str, SortValue]:
    """What stands for the binds of `beyond`."""
    return {f"after_{n}": v for n, v in enumerate((*cursor.values, cursor.id))}


def beyond(keys: list[Key], seek: Seek) -> Condition:
    """The condition for what comes after a cursor, or before it where it points back."""
    values = [bindparam(f"after_{n}", type_=k.column.type) for n, k in enumerate(keys)]
    if all(k.never_null for k in keys) and len({k.descending for k in keys}) == 1:
        here, point = tuple_(*(k.column for k in keys)), tuple_(*values)
        return here < point if keys[0].descending != seek.back else here > point
    found: list[Condition] = []
    equal: list[Condition] = []
    for key, value, there in zip(keys, values, seek.there, strict=True):
        found.append(and_(*equal, _past(key, value if there else None, back=seek.back)))
        equal.append(key.column == value if there else key.column.is_(None))
    return or_(*found)


def _past(key: Key, value: BindParameter[Any] | None, *, back: bool) -> Condition:
    """Behind the value in the order of the key, where NULL comes last; or, going back, before it."""
    if value is None:
        return key.column.is_not(None) if back else false()
    if back:
        return key.column > value if key.descending else key.column < value
    behind = key.column < value if key.descending else key.column > value
    return behind if key.never_null else or_(behind, key.column.is_(None))
