"""_include and _revinclude -> SQLAlchemy statement. https://hl7.org/fhir/R4/search.html#revinclude

What comes along is read through `resource`: row-level security takes away what the caller may not see.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    Subquery,
    Text,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    select,
    true,
    union,
)
from sqlalchemy.sql.selectable import TableValuedAlias

from app.db.bodies import MOST_BYTES, bounded
from app.db.driver import PreparedQuery
from app.db.match import same_student, visible
from app.db.rows import Stored
from app.db.search_queries import BoundStatement
from app.db.tables import resource
from app.db.terms_tables import term_reference
from app.search.query import Include


def included(
    includes: Collection[Include], sources: Collection[Stored], known: Collection[UUID], limit: int, most_bytes: int
) -> BoundStatement | None:
    """The columns of Stored of what the includes bring for `sources`, without the ids in `known`; one above `limit`.

    One round: for `:iterate` the caller asks again, with those includes alone and what came as the sources. None
    when no include applies to the types of the sources.
    """
    types = {s.type for s in sources}
    applied = tuple(i for i in includes if (i.target in (None, *types) if i.reverse else i.source in types))
    return BoundStatement(_brought(applied), _values(sources, known, limit, most_bytes)) if applied else None


def listed(sources: Collection[Stored], known: Collection[UUID], limit: int, most_bytes: int) -> BoundStatement:
    """The columns of Stored of the directory's resources that `sources` refer to anywhere, without those in `known`.

    One above `limit`. What a party of a Task adds to it is not looked at: those references are not its custodian's.
    """
    return BoundStatement(_listed(), _values(sources, known, limit, most_bytes))


def _values(sources: Collection[Stored], known: Collection[UUID], limit: int, most_bytes: int) -> dict[str, Any]:
    return {
        "compartments": [s.compartment for s in sources],
        "ids": [s.id for s in sources],
        "types": [s.type for s in sources],
        "known": list(known),
        "limit": limit + 1,
        MOST_BYTES.key: most_bytes,
    }


@lru_cache(maxsize=256)
def _brought(includes: tuple[Include, ...]) -> PreparedQuery:
    parts = [_part(include) for include in includes]
    # A union of one part is that part alone, repetitions included.
    named = (union(*parts) if len(parts) > 1 else parts[0].distinct()).subquery("named")
    return _read(resource.c.type == named.c.type, named)


@lru_cache(maxsize=1)
def _listed() -> PreparedQuery:
    here = _sources()
    s = resource.alias("s")
    source = (
        select(s.c.refs)
        .where(s.c.compartment == here.c.compartment, s.c.id == here.c.id, visible(s.c))
        .limit(1)
        .lateral()
    )
    named = select(func.unnest(source.c.refs).label("id")).select_from(here.join(source, true()))
    return _read(resource.c.directory, named.distinct().subquery("named"))


def _read(wanted: ColumnElement[bool], named: Subquery) -> PreparedQuery:
    """The resources that a subquery names and that are wanted, without those that are known."""
    unknown = named.c.id != func.all(bindparam("known", type_=ARRAY(Uuid())))
    # LIMIT keeps each a look-up of its own: a join might read all of `resource`, and judge each row.
    row = select(*(resource.c[name] for name in Stored._fields))
    there = row.where(resource.c.id == named.c.id, wanted, visible(resource.c)).limit(1).lateral("r")
    order = (there.c.type, there.c.id)
    first = select(*there.c).select_from(named.join(there, true())).where(unknown).order_by(*order)
    found = first.limit(bindparam("limit", type_=Integer())).subquery("found")
    order = (found.c.type, found.c.id)
    columns = [bounded(c, order, MOST_BYTES) if c.name == "body" else c for c in found.c]
    return PreparedQuery(select(*columns).order_by(*order))


def _part(include: Include) -> Select[Any]:
    """Type and id of what one include brings."""
    t, here = term_reference.alias(), _sources()
    wanted = [t.c.type == include.source]
    if include.parameter is not None:
        wanted.append(t.c.param == include.parameter)
    if include.target is not None:
        wanted.append(t.c.target_type == include.target)
    if include.reverse:
        same = same_student(here.c.id, "same")  # what refers to either Patient of a merge comes with both
        here_from = and_(t.c.target == same.c.id, t.c.target_type == here.c.type)
        return select(t.c.type, t.c.id).select_from(here.join(same, true()).join(t, here_from)).where(*wanted)
    from_here = and_(t.c.compartment == here.c.compartment, t.c.id == here.c.id)
    return select(t.c.target_type.label("type"), t.c.target.label("id")).join_from(t, here, from_here).where(*wanted)


def _sources() -> TableValuedAlias:
    """The sources as a table, so that each is looked up by the index."""
    columns = column("compartment", Uuid()), column("id", Uuid()), column("type", Text(collation="C"))
    compartments, ids = (bindparam(name, type_=ARRAY(Uuid())) for name in ("compartments", "ids"))
    return (
        func.unnest(compartments, ids, bindparam("types", type_=ARRAY(Text()))).table_valued(*columns).render_derived()
    )
