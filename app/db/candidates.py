"""Where the matches of a search come from: what the caller might see, source by source.

Each source is read in the order of the page, for one organization after the other: PostgreSQL would take a list of
them for ten, and read the whole index. https://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    column,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.sql.selectable import TableValuedAlias

from app.db.match import Subject, matches, one_of, visible
from app.db.seek import Key, sort_column
from app.db.tables import access, active_release, custody_count, emergency, resource, tree
from app.resources import TYPES, Visibility
from app.search.parameters import COLUMNS
from app.search.query import Clause, SortKey

ORG = bindparam("org", type_=Uuid())
STUDENT = bindparam("student", type_=Uuid())
STUDENTS = bindparam("students", type_=ARRAY(Uuid()))
ABOUT = bindparam("about", type_=Uuid())
DURING = (bindparam("since", type_=DateTime(True)), bindparam("until", type_=DateTime(True)))
AS_OF = bindparam("as_of", type_=DateTime(True))
LIMIT = bindparam("limit", type_=Integer())
TYPES_BIND = bindparam("types", type_=ARRAY(Text()))
"""The types, the directory's apart."""


@dataclass(frozen=True, slots=True)
class Form:
    """What shapes the statement of a search besides its criteria."""

    types: tuple[str, ...]
    sort: tuple[SortKey, ...]
    within: bool = False
    merged: bool = False
    about: bool = False
    during: bool = False
    held: bool = False
    as_of: bool = False
    emergency: bool = False

    @property
    def of_records(self) -> tuple[str, ...]:
        """The types whose resources somebody holds for himself."""
        return tuple(t for t in self.types if TYPES[t].visibility is not Visibility.DIRECTORY)

    @property
    def of_directory(self) -> tuple[str, ...]:
        """The types that every member sees."""
        return tuple(t for t in self.types if TYPES[t].visibility is Visibility.DIRECTORY)


@dataclass(frozen=True, slots=True)
class Source:
    """Rows with compartment, id, type and updated, at their `place` in time; asked of each row of `over`, if any.

    `repeats`: a resource may have several.
    """

    table: FromClause
    types: tuple[str, ...]
    where: tuple[ColumnElement[bool], ...]
    place: ColumnElement[Any]
    over: FromClause | None = None
    repeats: bool = False
    joined: FromClause | None = None

    @property
    def subject(self) -> Subject:
        """What criteria are asked of."""
        return Subject(self.table.c, self.types)

    def keys(self, sort: tuple[SortKey, ...]) -> list[Key]:
        """The columns of the order, the id last, which decides between equals."""
        if not sort:
            return [Key(self.place, True, True), Key(self.table.c.id, True, True)]
        keys = [
            Key(self.place if k.parameter == "_lastUpdated" else sort_column(k, self.subject), k.descending,
                k.parameter in COLUMNS)
            for k in sort
        ]  # fmt: skip
        return [*keys, Key(self.table.c.id, False, True)]

    def select(self, *columns: ColumnElement[Any], criteria: Iterable[Clause] = ()) -> Select[Any]:
        """Compartment and id of those that meet the criteria, and these columns."""
        met = [matches(clause, self.subject) for clause in criteria]
        found = select(self.table.c.compartment, self.table.c.id, *columns).where(*self.where, *met)
        found = found if self.joined is None else found.select_from(self.joined)
        return found if self.over is None else found.correlate(self.over)


def sources(form: Form) -> list[Source]:
    """All that a search of this form reads."""
    if form.within:
        return _dated(form, within_compartment)
    found: list[Source] = []
    if form.of_records:
        makers = [held] if form.held else [held, named, *([opened] if form.emergency else [])]
        for maker in makers:
            found += _dated(form, maker)
    if form.of_directory:
        found += _dated(form, listed)
    return found


def _dated(form: Form, make: Callable[[Form], Source]) -> list[Source]:
    """A source; as of a moment, those apart that have been updated since, at the place that they had then.

    What is new since has no place: it is left to the next walk.
    """
    source = make(form)
    if not form.as_of:
        return [source]
    c, v = source.table.c, resource.alias("v")
    then = and_(v.c.compartment == c.compartment, v.c.id == c.id, v.c.updated <= AS_OF)
    old = select(v.c.updated).where(then).order_by(v.c.version.desc()).limit(1).lateral("old")
    still = _replaced(source, where=(*source.where, c.updated <= AS_OF))
    moved = _replaced(
        source,
        where=(*source.where, c.updated > AS_OF),
        place=old.c.updated,
        joined=source.table.join(old, true()),
    )
    return [still, moved]


def _replaced(source: Source, **changed: Any) -> Source:
    fields = {name: getattr(source, name) for name in Source.__slots__}
    return Source(**{**fields, **changed})


def named(form: Form) -> Source:
    """What a release or a record names the caller for, or an organization that the caller is part of."""
    o, a = ancestors(), access.alias("a")
    where = (a.c.org == o.c.org, one_of(a.c.type, form.of_records), _listed_for(a))
    return Source(a, form.of_records, where, a.c.updated, over=o, repeats=True)


def held(form: Form) -> Source:
    """What the caller holds: each type of each custodian that has any."""
    pairs, r = _held_types(), resource.alias("own")
    where = (r.c.custodian == pairs.c.custodian, r.c.type == pairs.c.type, visible(r.c), ~r.c.directory)
    return Source(r, form.of_records, where, r.c.updated, over=pairs)


def listed(form: Form) -> Source:
    """The directory."""
    d = resource.alias("d")
    where = [visible(d.c), d.c.directory, one_of(d.c.type, form.of_directory)]
    if form.held:
        where.append(in_custody(d.c.custodian))
    return Source(d, form.of_directory, tuple(where), d.c.updated)


def opened(form: Form) -> Source:
    """What a broken glass opens to the caller."""
    m, r = emergency.alias("m"), resource.alias("seen")
    now = func.hallpass.statement_time()
    glasses = select(m.c.compartment).where(m.c.organization == ORG, m.c.opens <= now, now < m.c.closes).distinct()
    over = glasses.subquery("glass")
    where = (
        r.c.compartment == over.c.compartment,
        one_of(r.c.type, form.of_records),
        visible(r.c),
        ~r.c.directory,
        r.c.student.is_not(None),
    )
    return Source(r, form.of_records, where, r.c.updated, over=over)


def within_compartment(form: Form) -> Source:
    """What the caller sees of one student: each record there is asked of the wall."""
    r = resource.alias("inside")
    here = r.c.compartment == (any_(STUDENTS) if form.merged else STUDENT)
    where = [here, visible(r.c), ~r.c.directory, one_of(r.c.type, form.of_records)]
    if form.during:
        about = r.c.clinical.op("&&")(func.tstzrange(*DURING))
        where.append(or_(r.c.clinical.is_(None), func.isempty(r.c.clinical), about))
    if form.about:
        focus = resource.alias("focus")
        there = (focus.c.compartment == STUDENT, focus.c.id == ABOUT, visible(focus.c))
        refs = select(func.unnest(focus.c.refs)).where(*there)
        where.append(or_(r.c.id == ABOUT, any_(r.c.refs) == ABOUT, r.c.id.in_(refs)))
    return Source(r, form.of_records, tuple(where), r.c.updated)


def in_custody(custodian: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a custodian is the caller's organization or a part of it."""
    return exists().where(tree.c.ancestor == ORG, tree.c.id == custodian)


def ancestors() -> TableValuedAlias:
    """The caller's organization and each that it is part of."""
    return func.unnest(func.hallpass.ancestors()).table_valued(column("org", Uuid()), name="o").render_derived()


def _held_types() -> Any:
    """Custodian and type of what the caller may hold any of."""
    t = tree.alias("t")
    y = func.unnest(TYPES_BIND).table_valued(column("type", Text()), name="y").render_derived()
    some = exists().where(custody_count.c.custodian == t.c.id, custody_count.c.type == y.c.type)
    pairs = select(t.c.id.label("custodian"), y.c.type).select_from(t.join(y, true()))
    return pairs.where(t.c.ancestor == ORG, some).subquery("pairs")


def _listed_for(a: FromClause) -> ColumnElement[bool]:
    """Whether a row of the access index opens its record to the caller: by itself, or by the whole rule."""
    k, r = active_release.alias("k"), resource.alias("asked")
    # OFFSET keeps each a question to one row: joined, all releases of the organization would be read.
    live = select(and_(k.c.exact, a.c.precomputed)).where(k.c.org == a.c.org, k.c.consent == a.c.consent).offset(0)
    judged = exists(
        select(literal(1)).where(r.c.compartment == a.c.compartment, r.c.id == a.c.id, visible(r.c)).offset(0)
    )
    sure = live.correlate(a).scalar_subquery()
    return case(
        (a.c.consent.is_(None), judged),
        else_=case((sure, true()), (~sure, judged), else_=false()),
    )
