"""A search as it was understood: the tree that a statement is made from. Pure, frozen.

https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode
from uuid import UUID

from app.search.parameters import ParamKind


@dataclass(frozen=True, slots=True)
class TokenValue:
    """`system` None: any, '': none. `code` None: any."""

    system: str | None
    code: str | None


@dataclass(frozen=True, slots=True)
class SetValue:
    """The codes of a value set by their system (None: any); no codes stand for all of the system."""

    members: tuple[tuple[str | None, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class OfTypeValue:
    """An identifier's value under the coded type of the identifier (`:of-type`)."""

    system: str
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class TextValue:
    """A string, a URI, or the text of a token, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class ReferenceValue:
    """An id with its type if that was given, or else a URL that is not ours."""

    type: str | None
    id: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class DateValue:
    """A prefix and the interval of a date: `lower` is within it, `upper` is not."""

    prefix: str
    lower: datetime
    upper: datetime


@dataclass(frozen=True, slots=True)
class QuantityValue:
    """A prefix, a number with the precision in which it was written, and a unit: None where not given."""

    prefix: str
    number: Decimal
    system: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class CompositeValue:
    """A code, and one more or the value of another kind of parameter."""

    code: TokenValue
    other: TokenValue | TextValue | ReferenceValue | DateValue | QuantityValue
    kind: ParamKind


def asked_form(value: TokenValue) -> str:
    """The form in which a code is asked for, as the rows of composites have it."""
    return (value.code or "") if value.system is None else f"{value.system}|{value.code or ''}"


@dataclass(frozen=True, slots=True)
class MissingValue:
    """Whether the parameter's elements shall be absent (`:missing`)."""

    missing: bool


Value = (
    TokenValue
    | SetValue
    | OfTypeValue
    | TextValue
    | ReferenceValue
    | DateValue
    | QuantityValue
    | CompositeValue
    | MissingValue
)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One parameter, and the values of which one at least must match (none of them under `not` and `not-in`)."""

    parameter: str
    kind: ParamKind
    modifier: str | None
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """What a chain asks of the resources of one type."""

    type: str
    clause: Clause


@dataclass(frozen=True, slots=True)
class Chain:
    """A reference must lead to a visible resource for which one of the branches holds."""

    parameter: str
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Has:
    """A visible resource of another type must refer here by `parameter`, and `clause` must hold for it."""

    type: str
    parameter: str
    clause: Clause


Clause = Criterion | Chain | Has


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of the order."""

    parameter: str
    kind: ParamKind
    descending: bool


@dataclass(frozen=True, slots=True)
class Include:
    """Resources that come along: what `source` refers to by `parameter`, or if `reverse` the `source` itself.

    `parameter` None: every reference. `target` None: every type. `iterate`: from what was included as well.
    """

    reverse: bool
    source: str
    parameter: str | None
    target: str | None
    iterate: bool


@dataclass(frozen=True, slots=True)
class Within:
    """What a search is confined to besides its criteria. https://hl7.org/fhir/R4/compartmentdefinition.html"""

    student: UUID
    """Whose compartment it stays in."""
    others: tuple[UUID, ...] = ()
    """The same student's compartments under other Patients."""
    about: UUID | None = None
    """A resource: itself, what it refers to, and what refers to it."""
    during: tuple[datetime, datetime] | None = None
    """When the data was about; what is about no time, or does not say, is in it."""


@dataclass(frozen=True, slots=True)
class Search:
    """A whole search. All criteria must hold."""

    types: tuple[str, ...]
    criteria: tuple[Clause, ...]
    sort: tuple[SortKey, ...]
    """Empty: the newest first."""
    includes: tuple[Include, ...]
    count: int
    """Matches on a page; 0: the total only."""
    total: str | None
    """none, estimate or accurate; None: not asked."""
    summary: str | None
    """true, text, data, count or false; None: not asked."""
    elements: tuple[str, ...]
    """JSON keys that `_elements` asks for, each type of a choice apart; empty: all."""
    cursor: str | None
    """The opaque token of a page."""
    ignored: tuple[str, ...]
    """Names of what was not understood under lenient handling."""
    pairs: tuple[tuple[str, str], ...]
    """What was understood, as it was asked, without the cursor."""
    within: Within | None = None

    def canonical(self) -> str:
        """The query string of what was understood: parsed again, it gives the same search."""
        return urlencode(self.pairs)
