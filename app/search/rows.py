"""The rows of the search index: what a criterion is compared with. Pure.

A row belongs to one parameter of one resource version; '' stands for an absent part.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Token:
    """A code and its system. Both empty: there is an element, and it has no code."""

    param: str
    system: str
    code: str


@dataclass(frozen=True, slots=True)
class String:
    """A text, and the same folded by `app.search.normal.fold`."""

    param: str
    folded: str
    exact: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A resource of this server by type and id, any other by URL, and the logical identifier beside it."""

    param: str
    target_type: str
    target: UUID | None
    url: str
    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Date:
    """The interval that a date, period or timing covers: `lower` is within it, `upper` is not."""

    param: str
    lower: datetime
    upper: datetime


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value, as a range where a comparator makes it one; `code` and `unit` are alternatives of each other."""

    param: str
    low: Decimal
    high: Decimal
    system: str
    code: str
    unit: str


@dataclass(frozen=True, slots=True)
class Uri:
    """A URI, as written."""

    param: str
    value: str


Row = Token | String | Reference | Date | Quantity | Uri


@dataclass(frozen=True, slots=True)
class Terms:
    """The rows of one resource version for each index table, without repetitions, in the order of finding."""

    tokens: tuple[Token, ...]
    strings: tuple[String, ...]
    references: tuple[Reference, ...]
    dates: tuple[Date, ...]
    quantities: tuple[Quantity, ...]
    uris: tuple[Uri, ...]
