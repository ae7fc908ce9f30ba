"""The ledger read back, for the custodian whose records were disclosed. Row-level security keeps others out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Row, Select, Text, any_, cast, func, literal, or_, select, true, tuple_
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from app.consent.codes import MINOR_SIGNS, PART2
from app.db.tables import disclosure, resource, tree

Position = tuple[datetime, UUID, UUID, int]
"""Time, request, resource and version of an entry."""
ORDER = (disclosure.c.at, disclosure.c.request, disclosure.c.id, disclosure.c.version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries, by what is not None; all of it must hold."""

    student: UUID | None = None
    start: datetime | None = None
    """The first moment."""
    end: datetime | None = None
    """The first moment past the last."""
    recipient: UUID | None = None
    client: str | None = None
    basis: str | None = None
    consent: UUID | None = None
    """The Consent cited."""
    entity: UUID | None = None
    """What was disclosed, or the student that it is about, or the Consent cited."""
    purpose: str | None = None
    newest_first: bool = False
    for_parent: bool = False
    """Without what tells a parent of care that the minor controls."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One disclosure: who, what, when, why and on what basis."""

    at: datetime
    request: UUID
    interaction: str
    type: str
    id: UUID
    version: int
    student: UUID | None
    custodian: UUID
    recipient: UUID
    client: str
    purposes: tuple[str, ...]
    basis: str
    consent: UUID | None
    consent_version: int | None
    reason: str | None
    agent: dict[str, str] | None = None
    parameters: tuple[str, ...] | None = None
    """Of a query: what it asked by. It is of no one resource."""
    students: int | None = None
    """Of a query: how many of the custodian's students it could read."""

    asserted: dict[str, Any] | None = None
    """Of a disclosure outside the exchange: the AuditEvent that its custodian entered."""

    @property
    def position(self) -> Position:
        """Its place in the order. It holds no number that counts what others disclosed."""
        return self.at, self.request, self.id, self.version

    @property
    def compartment(self) -> UUID:
        """The student that it is about; outside a compartment the resource itself, and of a query the custodian."""
        return self.custodian if self.parameters is not None else self.student or self.id


async def page(connection: AsyncConnection, wanted: Filter, after: Position | None, limit: int) -> list[Entry]:
    """Entries in the filter's order, from behind a position."""
    return [entry_of(row) for row in await connection.execute(paged(wanted, after, limit))]


def paged(wanted: Filter, after: Position | None, limit: int) -> Select[Any]:
    """The statement of a page. What no student, resource or Consent narrows is read custodian by custodian: each one's
    entries lie in the order of time, and no more of them is read than the page takes."""
    chosen = _chosen(wanted) + (_behind(wanted, after) if after is not None else [])
    if wanted.student or wanted.entity or wanted.consent:
        return select(disclosure).where(*chosen).order_by(*_order(wanted, disclosure.c)).limit(limit)
    descendants = select(tree.c.id.label("custodian")).where(
        tree.c.ancestor == select(func.hallpass.caller()).scalar_subquery()
    )
    held = descendants.subquery("held")
    own = select(disclosure).where(disclosure.c.custodian == held.c.custodian, *chosen)
    each = own.order_by(*_order(wanted, disclosure.c)).limit(limit).lateral()
    return select(each).select_from(held, each).order_by(*_order(wanted, each.c)).limit(limit)


def _order(wanted: Filter, columns: Any) -> list[ColumnElement[Any]]:
    found = [columns[c.name] for c in ORDER]
    return [c.desc() for c in found] if wanted.newest_first else found


def _behind(wanted: Filter, after: Position) -> list[ColumnElement[bool]]:
    """From behind a position; the time by itself as well, by which partitions are left out."""
    at, here = disclosure.c.at, tuple_(*ORDER)
    return [at <= after[0], here < after] if wanted.newest_first else [at >= after[0], here > after]


async def count(connection: AsyncConnection, wanted: Filter) -> int:
    """How many entries a filter leaves."""
    return int(await connection.scalar(select(func.count()).select_from(disclosure).where(*_chosen(wanted))) or 0)


async def at(connection: AsyncConnection, compartment: UUID, moment: datetime, request: UUID) -> list[Entry]:
    """The entries of one request about one student, at one moment."""
    c = disclosure.c
    statement: Select[Any] = select(disclosure).where(
        c.compartment == compartment, c.at == moment, c.request == request
    )
    return [entry_of(row) for row in await connection.execute(statement)]


def _chosen(wanted: Filter) -> list[ColumnElement[bool]]:
    c = disclosure.c
    found: list[ColumnElement[bool]] = _audience(wanted)
    if wanted.student is not None:
        found.append(c.compartment == wanted.student)
    if wanted.start is not None:
        found.append(c.at >= wanted.start)
    if wanted.end is not None:
        found.append(c.at < wanted.end)
    for named in (wanted.entity, wanted.consent):
        if named is not None:  # found among the entries of the student that it is about
            found.append(
                c.compartment == select(resource.c.compartment).where(resource.c.id == named).limit(1).scalar_subquery()
            )
    if wanted.entity is not None:
        itself = c.compartment == wanted.entity  # a student, or a resource of no student's
        found.append(itself | (c.id == wanted.entity) | (c.consent == wanted.entity))
    if wanted.purpose is not None:
        found.append(literal(wanted.purpose) == c.purposes.any_())
    for column in ("recipient", "client", "basis", "consent"):
        value = getattr(wanted, column)
        if value is not None:
            found.append(c[column] == value)
    return found


def _audience(wanted: Filter) -> list[ColumnElement[bool]]:
    return [~_of_the_minors() if wanted.for_parent else true()]


def _of_the_minors() -> ColumnElement[bool]:
    """Whether an entry is of a record that the minor controls, of one that refers to it, or of what the minor signed.

    By any version of it: a record that was marked only later was the minor's before. docs/rule.md, 'Whose consent the
    care rested on'.
    """
    c, r, f = disclosure.c, resource.alias("told"), resource.alias("named")
    controlled = cast(array(sorted({PART2, MINOR_SIGNS})), ARRAY(Text()))
    marked = or_(r.c.id == c.id, r.c.id == c.consent), r.c.compartment == c.compartment
    by_label = select(r.c.id).where(*marked, r.c.labels.op("&&", is_comparison=True)(controlled)).exists()
    by_reference = (
        select(r.c.id)
        .join(f, (f.c.compartment == r.c.compartment) & (f.c.id == any_(r.c.refs)))
        .where(*marked, r.c.type != "Consent", f.c.labels.op("&&", is_comparison=True)(controlled))
        .exists()
    )
    alone = select(r.c.id).where(*marked, r.c.type == "Consent", r.c.authors == array([c.compartment])).exists()
    return by_label | by_reference | alone


def entry_of(row: Row[Any]) -> Entry:
    """An entry from its row."""
    values = row._asdict()
    del values["compartment"], values["chain"], values["batch"]  # batches are numbered by what others disclosed too
    parameters = None if row.parameters is None else tuple(row.parameters)
    return Entry(**{**values, "purposes": tuple(row.purposes), "parameters": parameters})
