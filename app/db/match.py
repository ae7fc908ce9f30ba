"""A criterion as a condition on a resource: rows of the search index exist for it, or do not.

https://hl7.org/fhir/R4/search.html

What a chain or `_has` leads to is read through `resource`, so that row-level security takes away what the caller
may not see: it neither matches nor counts. Each is looked up by its key once a reference has named it: a plain join
leaves the order to the planner, which reads all of `resource`, each row judged, when its statistics are out of date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Table,
    Uuid,
    and_,
    column,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    true,
)

from app.db import comparisons
from app.db.comparisons import Columns, Condition
from app.db.tables import resource
from app.db.terms_tables import term_date, term_quantity, term_reference, term_string, term_token, term_uri
from app.resources import TYPES
from app.search.expressions import Down, Path, Refers
from app.search.normal import OF_NAMES
from app.search.parameters import PARAMETERS, ParamKind
from app.search.query import (
    Chain,
    Clause,
    CompositeValue,
    Criterion,
    DateValue,
    Has,
    MissingValue,
    OfTypeValue,
    QuantityValue,
    ReferenceValue,
    SetValue,
    TextValue,
    TokenValue,
    asked_form,
)
from app.search.terms import under

INDEX: dict[ParamKind, Table] = {
    ParamKind.TOKEN: term_token,
    ParamKind.STRING: term_string,
    ParamKind.REFERENCE: term_reference,
    ParamKind.DATE: term_date,
    ParamKind.QUANTITY: term_quantity,
    ParamKind.NUMBER: term_quantity,
    ParamKind.URI: term_uri,
    ParamKind.COMPOSITE: term_token,
}
"""The table that holds the rows of a kind of parameter."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The resource that a criterion is asked of, by its columns `compartment`, `id`, `type` and `updated`."""

    c: Columns
    types: tuple[str, ...]
    """The types that it can have."""
    depth: int = 0
    """How many references lead to it."""

    def terms(self, table: Table, *params: str) -> tuple[Columns, Condition]:
        """An alias of an index table, and the condition for the rows of the subject's parameter."""
        t = alias(table, self.depth).c
        return t, self.owns(t, *params)

    def owns(self, t: Columns, *params: str) -> Condition:
        """The condition that a row of an index table is of the subject's parameter, by one of its names there."""
        named = t.param == params[0] if len(params) == 1 else one_of(t.param, params)
        return and_(t.compartment == self.c.compartment, t.id == self.c.id, one_of(t.type, self.types), named)


@lru_cache(maxsize=256)
def alias(table: Table, depth: int) -> FromClause:
    """An alias of its own for each depth of references; made once, since its columns are many."""
    return table.alias(f"{table.name}_{depth}")


def matches(clause: Clause, subject: Subject) -> Condition:
    """The condition that the clause holds for the subject."""
    match clause:
        case Chain():
            return _chain(clause, subject)
        case Has():
            return _has(clause, subject)
        case Criterion(parameter="_id"):
            return comparisons.ids(subject.c.id, [v.code or "" for v in cast(tuple[TokenValue, ...], clause.values)])
        case Criterion(parameter="_lastUpdated"):
            dates = cast(tuple[DateValue, ...], clause.values)
            return or_(*(comparisons.moment(subject.c.updated, v) for v in dates))
        case Criterion(values=(MissingValue(missing=missing),)):
            _, own = subject.terms(INDEX[clause.kind], clause.parameter)
            return ~exists().where(own) if missing else exists().where(own)
        case _:
            found = _criterion(clause, subject)
            return and_(_compartment(clause, subject), found) if names_student(clause, subject.types) else found


def names_student(clause: Clause, types: Iterable[str]) -> bool:
    """Whether what meets a criterion lies in one student's compartment: the parameter is about what decides that."""
    match clause:
        case Criterion(parameter="patient", modifier=None, values=(ReferenceValue(id=str(), url=None),)):
            return all(_student_is_patient(name) for name in types)
    return False


@cache
def _student_is_patient(type_name: str) -> bool:
    """Whether the parameter `patient` of a type reads the element that says whose compartment a record lies in."""
    found = PARAMETERS.get(type_name, {}).get("patient")
    match found.paths if found is not None else ():
        case (Path(steps=(Down(elements=(element,)),) | (Down(elements=(element,)), Refers())),):
            return element.key == TYPES[type_name].student
    return False


def _compartment(clause: Criterion, subject: Subject) -> Condition:
    """The compartment of the student that a criterion names: whatever plan is made then begins there."""
    (value,) = cast(tuple[ReferenceValue], clause.values)
    return comparisons.target(subject.c.compartment, value.id or "")


def one_of(column: ColumnElement[Any], values: Iterable[Any]) -> Condition:
    """One of a few values, of which a statement of its form has as many each time: so its text stands once made."""
    found = [literal(v, column.type) for v in values]
    return column.in_(found) if found else false()


def visible(r: Columns) -> Condition:
    """A current resource; row-level security adds that the caller may see it."""
    return and_(r.current, ~r.deleted)


def _criterion(clause: Criterion, subject: Subject) -> Condition:
    table, param = INDEX[clause.kind], clause.parameter
    first = clause.values[0]
    if isinstance(first, CompositeValue) and first.kind is not ParamKind.TOKEN:
        return or_(*(_paired(clause, subject, cast(CompositeValue, v)) for v in clause.values))
    if clause.modifier == "text":
        table, param = term_string, f"{param}:text"
    elif clause.modifier == "of-type":
        param = f"{param}:of-type"
    t, own = subject.terms(table, *_also(clause, param))
    found = exists().where(own, _any(clause, t))
    return ~found if clause.modifier in ("not", "not-in") else found


def _paired(clause: Criterion, subject: Subject, value: CompositeValue) -> Condition:
    """A code and a value of another kind, on one row under the code."""
    param = under(clause.parameter, asked_form(value.code))
    t, own = subject.terms(INDEX[value.kind], param)
    return exists().where(own, _any(Criterion(param, value.kind, None, (value.other,)), t))


def _also(clause: Criterion, param: str) -> tuple[str, ...]:
    """The names of the rows of a parameter: of a string also those of a name's words, and of what lies far behind."""
    if clause.kind is not ParamKind.STRING or clause.modifier == "exact":
        return (param,)
    words = (f"{param}:word",) if clause.parameter in OF_NAMES else ()
    return (param, *words, f"{param}:rest") if clause.modifier == "contains" else (param, *words)


def _any(clause: Criterion, t: Columns) -> Condition:
    """The condition that an index row has one of the values."""
    values: tuple[Any, ...] = clause.values
    if isinstance(values[0], TokenValue):
        return comparisons.tokens(t, values)
    if isinstance(values[0], ReferenceValue):
        return comparisons.references(t, values)
    return or_(*(_one(clause, t, v) for v in values))


def _one(clause: Criterion, t: Columns, value: Any) -> Condition:
    match value:
        case TextValue():
            compared: Callable[..., Condition] = comparisons.uri if clause.kind is ParamKind.URI else comparisons.string
            return compared(t, clause.modifier, value)
        case DateValue():
            return comparisons.date(t.lower, t.upper, value)
        case QuantityValue():
            return comparisons.quantity(t, value)
        case OfTypeValue():
            return comparisons.of_type(t, value)
        case SetValue():
            return comparisons.members(t, value)
        case CompositeValue():
            return comparisons.composite(t, value)
    raise AssertionError(f"a value without a comparison: {type(value).__name__}")


def _chain(clause: Chain, subject: Subject) -> Condition:
    """For each type that the reference may lead to, a visible target for which the rest holds."""
    found = []
    table = alias(term_reference, subject.depth)
    t, own = table.c, subject.owns(table.c, clause.parameter)
    for branch in clause.branches:
        led_to, target_id = (table, t.target) if branch.type != "Patient" else _each_of_student(table, subject.depth)
        found_by = _named(target_id, subject.depth + 1)
        r = found_by.c
        target = SimpleNamespace(compartment=r.compartment, id=target_id, type=r.type, updated=r.updated)
        there = and_(t.target_type == branch.type, r.type == branch.type)
        rest = Subject(cast(Columns, target), (branch.type,), subject.depth + 1)
        led = exists().select_from(led_to.join(found_by, true()))
        found.append(led.where(own, there, matches(branch.clause, rest)))
    return or_(*found)


def _has(clause: Has, subject: Subject) -> Condition:
    """A visible resource whose reference leads to the subject and for which the rest holds."""
    table = alias(term_reference, subject.depth + 1)
    named_by = _naming(table, subject.depth + 1)
    t, r = table.c, named_by.c
    own = and_(t.type == clause.type, t.param == clause.parameter, r.type == clause.type)
    source = SimpleNamespace(compartment=t.compartment, id=t.id, type=r.type, updated=r.updated)
    rest = Subject(cast(Columns, source), (clause.type,), subject.depth + 2)
    referring: FromClause = table
    here = t.target == subject.c.id
    if "Patient" in subject.types:
        same = same_student(subject.c.id, f"same_{subject.depth}")
        referring, here = same.join(table, true()), t.target == same.c.id
    # OFFSET keeps it a question to each candidate, by the index of targets: joined, all that refers would be read.
    led = select(literal(1)).select_from(referring.join(named_by, true()))
    return exists(led.where(here, t.target_type == subject.c.type, own, matches(clause.clause, rest)).offset(0))


def same_student(patient: ColumnElement[Any], name: str) -> FromClause:
    """The ids of a Patient and of those that are the same student by merges that the caller sees."""
    same = func.hallpass.same_student(patient).table_valued(column("id", Uuid()), name=name)
    return same.render_derived()


@lru_cache(maxsize=64)
def _each_of_student(table: FromClause, depth: int) -> tuple[FromClause, ColumnElement[Any]]:
    """A reference to a Patient joined with the Patients that are the same student, and their ids."""
    same = same_student(table.c.target, f"same_{depth}")
    return table.join(same, true()), same.c.id


@lru_cache(maxsize=64)
def _named(target: ColumnElement[Any], depth: int) -> FromClause:
    """The visible resource that a reference leads to."""
    r = alias(resource, depth).c
    return _one_of(r, r.id == target, f"target_{depth}")


@lru_cache(maxsize=64)
def _naming(t: FromClause, depth: int) -> FromClause:
    """The visible resource that a reference comes from."""
    r = alias(resource, depth).c
    return _one_of(r, and_(r.compartment == t.c.compartment, r.id == t.c.id), f"source_{depth}")


def _one_of(r: Columns, there: Condition, name: str) -> FromClause:
    # LIMIT keeps it a look-up of its own.
    return select(r.compartment, r.type, r.updated).where(there, visible(r)).limit(1).lateral(name)
