"""Where a page of a search ends: the keyset of its last match, or of its first for the page before. Pure.

https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.search.parameters import ParamKind
from app.search.query import Search

SortValue = str | datetime | Decimal | UUID | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The sort values and the id of a match, and whether the page before it is asked for."""

    values: tuple[SortValue, ...]
    id: UUID
    back: bool
    as_of: datetime | None = None
    """The moment whose order the walk keeps: what is updated meanwhile stays in its place."""

    def pack(self) -> str:
        """The cursor as text. It is not secret and not signed: both are the caller's."""
        values = [v.isoformat() if isinstance(v, datetime) else None if v is None else str(v) for v in self.values]
        as_of = self.as_of.isoformat() if self.as_of else None
        return json.dumps([values, str(self.id), self.back, as_of], separators=(",", ":"))


def unpack(text: str, search: Search) -> Cursor:
    """The cursor that `pack` wrote for this search. Raises ValueError for what it did not write."""
    readers = _readers(search)
    match json.loads(text):
        case [list(values), str(id_), bool(back), str() | None as as_of] if len(values) == len(readers):
            moment = datetime.fromisoformat(as_of) if as_of else None
            return Cursor(tuple(map(_value, readers, values)), UUID(id_), back, moment)
        case _:
            raise ValueError("not a cursor of this search")


def _value(read: Callable[[str], SortValue], value: Any) -> SortValue:
    if value is None:
        return None
    try:
        return read(value)
    except (TypeError, AttributeError, ArithmeticError) as e:
        raise ValueError("not a cursor of this search") from e


def _readers(search: Search) -> list[Callable[[str], SortValue]]:
    if not search.sort:
        return [datetime.fromisoformat]
    return [UUID if k.parameter == "_id" else _READERS.get(k.kind, _text) for k in search.sort]


def _text(value: str) -> SortValue:
    if not isinstance(value, str):
        raise TypeError
    return value


_READERS: dict[ParamKind, Callable[[str], SortValue]] = {
    ParamKind.DATE: datetime.fromisoformat,
    ParamKind.QUANTITY: Decimal,
    ParamKind.NUMBER: Decimal,
}
