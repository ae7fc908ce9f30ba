"""How many resources a search finds of all that the caller sees. https://hl7.org/fhir/R4/search.html#total

What the caller holds is summed from what each write appended (hallpass.custody_count), and counted one by one only
where criteria are asked. What others release is counted in the access index; what that does not settle is judged as a
set, in the same statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Integer,
    Select,
    Uuid,
    and_,
    any_,
    cast,
    column,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union,
)

from app.db import candidates
from app.db.candidates import ORG, TYPES_BIND, Form, Source, in_custody
from app.db.match import matches, one_of, visible
from app.db.tables import access, active_release, custody_count, resource, tree
from app.search.query import Clause


def total(form: Form, criteria: Sequence[Clause]) -> Select[Any]:
    """One row with the number."""
    if form.within:
        return _counted(candidates.within_compartment(form), criteria)
    parts: list[Select[Any]] = []
    if form.of_records:
        parts += [_counted(candidates.held(form), criteria) if criteria else _summed(), _released(form, criteria)]
    if form.of_directory:
        parts.append(_counted(candidates.listed(form), criteria))
    if len(parts) == 1:
        return parts[0]
    added: ColumnElement[Any] = parts[0].scalar_subquery()
    for part in parts[1:]:
        added = added + part.scalar_subquery()
    return select(added)


def _summed() -> Select[Any]:
    """How much the caller holds, by type."""
    c = custody_count.c
    own = custody_count.join(tree, tree.c.id == c.custodian)
    number = func.coalesce(func.sum(c.records), 0)
    return select(cast(number, Integer)).select_from(own).where(tree.c.ancestor == ORG, c.type == any_(TYPES_BIND))


def _counted(source: Source, criteria: Sequence[Clause]) -> Select[Any]:
    """How many there are in a source, one by one."""
    # OFFSET keeps it a look-up for each custodian: joined, `resource` would be read as a whole.
    found = source.select(criteria=criteria).offset(0).lateral("found")
    return select(func.count()).select_from(found if source.over is None else source.over.join(found, true()))


def _released(form: Form, criteria: Sequence[Clause]) -> Select[Any]:
    """How many of others' the caller sees: what is settled, and what of the rest is judged to be open."""
    known = _known(form, criteria)
    sure = select(known.c.id).where(known.c.sure)
    keys = (func.array_agg(known.c.compartment).label("compartments"), func.array_agg(known.c.id).label("ids"))
    asking = select(*keys).where(~known.c.sure, known.c.released).having(func.count() > 0)
    rest = asking.cte("rest").prefix_with("MATERIALIZED")
    current = cast(null(), ARRAY(Integer()))
    asked = func.hallpass.judge(rest.c.compartments, rest.c.ids, current)
    judge = asked.table_valued(column("id", Uuid()), name="j", joins_implicitly=True)
    judged = select(judge.c.id).select_from(rest, judge)
    r = resource.alias("named")  # what names the caller as a party says so itself, behind the wall
    party = select(r.c.id).where(r.c.compartment == known.c.compartment, r.c.id == known.c.id, visible(r.c))
    parties = select(known.c.id).where(~known.c.sure, known.c.party, exists(party.offset(0)))
    parts = [sure, judged, parties]
    if form.emergency:
        glass = candidates.opened(form)
        found = glass.select(criteria=criteria).where(~in_custody(glass.table.c.custodian)).offset(0).lateral("found")
        assert glass.over is not None
        parts.append(select(found.c.id).select_from(glass.over.join(found, true())))
    return select(func.count()).select_from(union(*parts).subquery("visible"))


def _known(form: Form, criteria: Sequence[Clause]) -> CTE:
    """What the access index lists for the caller by active releases; `sure`: it opens it by itself."""
    o = candidates.ancestors()
    k = active_release.alias("k")
    releases = select(k.c.org, k.c.consent, k.c.exact).where(k.c.org == o.c.org).offset(0).lateral("releases")
    live = select(*releases.c).select_from(o.join(releases, true())).cte("live").prefix_with("MATERIALIZED")
    a, p = access.alias("a"), candidates.ancestors()
    subject = Source(a, form.of_records, (), a.c.updated).subject
    met = [matches(clause, subject) for clause in criteria]
    rows = select(a.c.compartment, a.c.id, a.c.org, a.c.consent, a.c.precomputed, a.c.custodian).where(
        a.c.org == p.c.org, one_of(a.c.type, form.of_records), *met
    ).offset(0).lateral("rows")  # fmt: skip
    named = select(*rows.c).select_from(p.join(rows, true())).cte("listed").prefix_with("MATERIALIZED")
    by = and_(live.c.org == named.c.org, live.c.consent == named.c.consent)
    party, released = named.c.consent.is_(None), live.c.consent.is_not(None)
    sure = func.bool_or(func.coalesce(and_(named.c.precomputed, live.c.exact), literal(False)))
    return (
        select(
            named.c.compartment,
            named.c.id,
            sure.label("sure"),
            func.bool_or(party).label("party"),
            func.bool_or(released).label("released"),
        )
        .select_from(named.outerjoin(live, by))
        .where(or_(party, released), ~in_custody(named.c.custodian))
        .group_by(named.c.compartment, named.c.id)
        .cte("known")
        .prefix_with("MATERIALIZED")
    )
