"""_include and _revinclude -> SQLAlchemy statement. https://hl7.org/fhir/R4/search.html#revinclude

What comes along is read through `resource`: row-level security takes away what the caller may not see.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Text, Uuid, and_, column, func, literal, select, union
from sqlalchemy.sql.selectable import TableValuedAlias

from app.search.query import Include
from app.store.match import visible
from app.store.rows import Stored
from app.store.tables import resource
from app.store.terms_tables import term_reference


def included(
    includes: Collection[Include], sources: Collection[Stored], known: Collection[UUID], limit: int
) -> Select[Any] | None:
    """The columns of Stored of what the includes bring for `sources`, without the ids in `known`; one above `limit`.

    One round: for `:iterate` the caller asks again, with those includes alone and what came as the sources. None
    when no include applies to the types of the sources.
    """
    parts = [part for include in includes if (part := _part(include, sources)) is not None]
    if not parts:
        return None
    # A union of one part is that part alone, repetitions included.
    named = (union(*parts) if len(parts) > 1 else parts[0].distinct()).subquery("named")
    r = resource.alias("r")
    there = and_(r.c.id == named.c.id, r.c.type == named.c.type, visible(r.c))
    statement = select(*(r.c[name] for name in Stored._fields)).select_from(named.join(r, there))
    if known:
        statement = statement.where(r.c.id != func.all(literal(list(known), ARRAY(Uuid()))))
    return statement.order_by(r.c.type, r.c.id).limit(limit + 1)


def listed(sources: Collection[Stored], known: Collection[UUID], limit: int) -> Select[Any]:
    """The columns of Stored of the directory's resources that `sources` refer to anywhere, without those in `known`.

    One above `limit`. What a party of a Task adds to it is not looked at: those references are not its custodian's.
    """
    here = _rows(sources)
    s, r = resource.alias("s"), resource.alias("r")
    source = and_(s.c.shard == here.c.shard, s.c.id == here.c.id, visible(s.c))
    named = select(func.unnest(s.c.refs).label("id")).select_from(here.join(s, source)).distinct().subquery("named")
    there = and_(r.c.id == named.c.id, r.c.directory, visible(r.c))
    statement = select(*(r.c[name] for name in Stored._fields)).select_from(named.join(r, there))
    if known:
        statement = statement.where(r.c.id != func.all(literal(list(known), ARRAY(Uuid()))))
    return statement.order_by(r.c.type, r.c.id).limit(limit + 1)


def _part(include: Include, sources: Collection[Stored]) -> Select[Any] | None:
    """Type and id of what one include brings."""
    t = term_reference.alias()
    wanted = [t.c.type == include.source]
    if include.parameter is not None:
        wanted.append(t.c.param == include.parameter)
    if include.target is not None:
        wanted.append(t.c.target_type == include.target)
    if include.reverse:
        ends = [s for s in sources if include.target in (None, s.type)]
        here = _rows(ends)
        here_from = and_(t.c.target == here.c.id, t.c.target_type == here.c.type)
        joined = select(t.c.type, t.c.id).join_from(t, here, here_from)
    else:
        ends = [s for s in sources if s.type == include.source]
        here = _rows(ends)
        from_here = and_(t.c.shard == here.c.shard, t.c.id == here.c.id)
        joined = select(t.c.target_type.label("type"), t.c.target.label("id")).join_from(t, here, from_here)
    return joined.where(*wanted) if ends else None


def _rows(sources: Collection[Stored]) -> TableValuedAlias:
    """The sources as a table, so that each is looked up by the index."""
    columns = column("shard", Uuid()), column("id", Uuid()), column("type", Text(collation="C"))
    shards = literal([s.shard for s in sources], ARRAY(Uuid()))
    ids = literal([s.id for s in sources], ARRAY(Uuid()))
    types = literal([s.type for s in sources], ARRAY(Text()))
    return func.unnest(shards, ids, types).table_valued(*columns).render_derived()
