"""Leaks to plant, one by one, so that it is seen that the prover finds them.

Row-level security would stop most of them. A plant goes round it for its own statement alone, by views that read the
tables as their owner; so what is planted is just the one mistake, and everything else still holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import _lru_cache_wrapper
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import MetaData, Table, Text, Uuid, any_, cast, column, func, literal, or_, select, text
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.ext.asyncio import create_async_engine

from app.db import candidates, counting, history, include, match, read, search_queries, seek
from app.db.driver import PreparedQuery
from app.db.login import APP_ROLE
from app.db.match import Subject, visible
from app.db.rows import Stored
from app.db.tables import SCHEMA, metadata
from app.errors import HallpassError, Issue, Kind
from app.exchange import conditional, read_batcher, reads, reference_check, writes
from app.exchange.read_batcher import ReadRequest, ReadResult
from app.ledger import disclose, entries
from app.resources.refs import as_uuid
from app.search.cursor import Cursor
from app.search.parameters import ParamKind
from assurance.noninterference.pair import Pair

Plant = Callable[[pytest.MonkeyPatch], None]
_views = MetaData()
EVERYTHING: dict[str, Table] = {t.name: t.to_metadata(_views, schema="prove") for t in metadata.tables.values()}
"""Each table of the exchange as a view that no policy guards."""
resource = EVERYTHING["resource"]
LEAKS: dict[str, Plant] = {}
_SAME_STUDENT = """
    CREATE FUNCTION prove.same_student(patient uuid) RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER
    AS 'SELECT hallpass.same_student(patient)'
"""


async def prepare(pair: Pair) -> None:
    """Make the views in both worlds."""
    for side in (pair.a, pair.b):
        engine = create_async_engine(side.db.owner)
        async with engine.begin() as connection:
            for name in EVERYTHING:
                await connection.execute(text(f"CREATE VIEW prove.{name} AS TABLE {SCHEMA}.{name}"))
                await connection.execute(text(f"GRANT SELECT ON prove.{name} TO {APP_ROLE}"))
            await connection.execute(text(_SAME_STUDENT))
        await engine.dispose()


async def open_policy(pair: Pair, policy: str) -> None:
    """Give the policy of `resource` another condition in both worlds."""
    for side in (pair.a, pair.b):
        engine = create_async_engine(side.db.owner)
        async with engine.begin() as connection:
            await connection.execute(text(f"ALTER POLICY see ON {SCHEMA}.resource USING ({policy})"))
        await engine.dispose()


async def policy_of(pair: Pair) -> str:
    """The condition of the policy of `resource`."""
    engine = create_async_engine(pair.a.db.owner)
    async with engine.connect() as connection:
        found = await connection.scalar(
            text("SELECT qual FROM pg_policies WHERE tablename = 'resource' AND policyname = 'see'")
        )
    await engine.dispose()
    return str(found)


def leak(plant: Plant) -> Plant:
    """Register a leak under its name."""
    LEAKS[plant.__name__] = plant
    return plant


def _unguarded(patch: pytest.MonkeyPatch, *modules: Any) -> None:
    """Let these modules read the views instead of the tables, in the statements as well that they keep."""
    for module in modules:
        for name, made in [(n, f) for n, f in vars(module).items() if isinstance(f, _lru_cache_wrapper)]:
            patch.setattr(module, name, made.__wrapped__)
        for name, table in [(n, t) for n, t in vars(module).items() if isinstance(t, Table)]:
            patch.setattr(module, name, EVERYTHING[table.name])
    if match in modules:
        patch.setattr(match, "INDEX", {kind: EVERYTHING[t.name] for kind, t in match.INDEX.items()})


def _within(patch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let one synchronous function read the views, and what it calls."""
    original = getattr(module, name)

    def leaky(*args: Any, **kwargs: Any) -> Any:
        with pytest.MonkeyPatch.context() as inside:
            _unguarded(inside, module)
            return original(*args, **kwargs)

    patch.setattr(module, name, leaky)


async def _everyone(connection: Any, resource_id: str) -> Any:
    """The current version of a resource, whoever may see it."""
    found = as_uuid(resource_id)
    rows = await connection.execute(select(resource).where(resource.c.id == found, resource.c.current))
    return rows.one_or_none()


@leak
def a_chain_through_hidden_resources(patch: pytest.MonkeyPatch) -> None:
    """`ServiceRequest?encounter.status=finished` looks at an Encounter that the caller may not see."""
    _within(patch, match, "_chain")


@leak
def a_has_through_hidden_resources(patch: pytest.MonkeyPatch) -> None:
    """`Patient?_has:Encounter:subject:status=finished` looks at such an Encounter as well."""
    _within(patch, match, "_has")


@leak
def a_merge_that_is_followed_over_hidden_patients(patch: pytest.MonkeyPatch) -> None:
    """`Encounter?patient.family=B` finds what is about A, where only a hidden Patient links both."""

    def same_student(patient: Any, name: str) -> Any:
        same = func.prove.same_student(patient).table_valued(column("id", Uuid()), name=name)
        return same.render_derived()

    patch.setattr(match, "same_student", same_student)
    patch.setattr(match, "_each_of_student", match._each_of_student.__wrapped__)
    _forgotten(patch, "_kept_page", "_kept_total")


@leak
def a_total_before_the_filter(patch: pytest.MonkeyPatch) -> None:
    """The total counts what the access index proposes, before row-level security has judged it."""
    patch.setattr(counting, "total", _proposed)
    _forgotten(patch, "_kept_page", "_kept_total")


def _proposed(form: Any, criteria: Any) -> Any:
    """How many resources the access index proposes that meet the criteria."""
    a = EVERYTHING["access"].alias("proposed")
    met = [match.matches(c, Subject(a.c, form.of_records)) for c in criteria]
    here = (a.c.org == candidates.ORG, match.one_of(a.c.type, form.of_records))
    return select(func.count(a.c.id.distinct())).where(*here, *met)


def _forgotten(patch: pytest.MonkeyPatch, *names: str) -> None:
    """Have statements made each time, and none kept from before."""
    for name in names:
        patch.setattr(search_queries, name, getattr(search_queries, name).__wrapped__)


@leak
def a_next_link_before_the_filter(patch: pytest.MonkeyPatch) -> None:
    """Whether there is a next page is told by what the access index proposes."""
    original = reads.search

    async def search(session: Any, wanted: Any, after: Any) -> Any:
        found = await original(session, wanted, after)
        values = search_queries._values(wanted, session.caller.organization)
        count = await session.connection.scalar(_proposed(search_queries._form(wanted), wanted.criteria), values)
        rows = [c.row for c in found.pending if c.mode == "match"]
        if rows and not wanted.sort and after is None and count > len(rows):
            found.cursors["next"] = Cursor((rows[-1].updated,), rows[-1].id, False).pack()
        return found

    patch.setattr(reads, "search", search)


@leak
def an_include_unfiltered(patch: pytest.MonkeyPatch) -> None:
    """_include and _revinclude bring what they find; and the ledger, which would notice, is asleep."""
    _unguarded(patch, include)

    async def asleep(_connection: Any, _rows: Any, caller: Any, **_kwargs: Any) -> Any:
        return frozenset({caller.organization})

    patch.setattr(disclose, "disclose", asleep)


@leak
def an_include_that_only_the_ledger_stops(patch: pytest.MonkeyPatch) -> None:
    """The same with the ledger awake: nothing leaves, and that nothing leaves is the leak."""
    _unguarded(patch, include)


@leak
def a_conditional_match_outside_custody(patch: pytest.MonkeyPatch) -> None:
    """A condition matches anybody's records."""

    async def matches(session: Any, wanted: Any, limit: int) -> list[Any]:
        with pytest.MonkeyPatch.context() as inside:
            _unguarded(inside, match)
            r = resource.alias()
            met = [match.matches(c, Subject(r.c, wanted.types)) for c in wanted.criteria]
            statement = select(*(r.c[c.name] for c in read.COLUMNS)).where(
                visible(r.c), r.c.type == wanted.types[0], *met
            )
        return await read.rows(session.connection, statement.order_by(r.c.id).limit(limit))

    patch.setattr(conditional, "matches", matches)


@leak
def a_history_by_the_current_version_only(patch: pytest.MonkeyPatch) -> None:
    """Who sees the current version is given all versions."""
    current = (
        f"EXISTS (SELECT 1 FROM {SCHEMA}.resource c WHERE c.compartment = r.compartment AND c.id = r.id AND c.current)"
    )
    keys = history._OF_ONE.replace(f"{SCHEMA}.resource r WHERE", f"prove.resource r WHERE {current} AND")
    patch.setattr(history, "_OF_ONE", keys)
    patch.setattr(history, "_PAGE", history._PAGE.replace(f"JOIN {SCHEMA}.resource", "JOIN prove.resource"))


@leak
def a_history_total_of_all_versions(patch: pytest.MonkeyPatch) -> None:
    """The total of a history counts the versions that are not shown."""

    async def total(connection: Any, span: Any) -> int:
        of = [resource.c.id == span.id] if span.id else [resource.c.type.in_(span.types), resource.c.directory]
        return int(await connection.scalar(select(func.count()).select_from(resource).where(*of)))

    patch.setattr(history, "total", total)


@leak
def an_error_that_names_the_hidden_thing(patch: pytest.MonkeyPatch) -> None:
    """A reference to something hidden is refused in other words than one to nothing."""
    changed, created = reference_check.check_references, writes._locked_to_create

    async def told(session: Any, wanted: Any, checked: Awaitable[Any]) -> Any:
        try:
            return await checked
        except HallpassError as e:
            ids = [t[1] for t in wanted.values() if t]
            known = select(func.count()).where(resource.c.id.in_(ids), resource.c.current)
            more = Issue(f"{await session.connection.scalar(known)} of the references are not yours to use.")
            raise HallpassError(e.kind, *e.issues, more) from None

    patch.setattr(writes, "check_references", lambda s, w: told(s, w, changed(s, w)))
    patch.setattr(writes, "_locked_to_create", lambda s, place, w: told(s, w, created(s, place, w)))


@leak
def a_reference_to_the_hidden_that_is_accepted(patch: pytest.MonkeyPatch) -> None:
    """A write may refer to what its writer cannot see."""
    there = "prove.resource r WHERE r.id = ANY (CAST({} AS uuid[])) AND r.current AND NOT r.deleted"
    found = f"SELECT r.type, r.id, r.student, r.custodian FROM {there.format(':ids')}"
    lists = "coalesce(array_agg(r.id), '{}') AS ids, coalesce(array_agg(r.type), '{}') AS types"
    of_new = f"SELECT {lists} FROM {there.format(':refs')}"
    locked = f"SELECT k.at, f.* FROM {SCHEMA}.lock_create(:compartment, :custodian, :id, :kind, :refs) k, ({of_new}) f"
    patch.setattr(read, "_VISIBLE", PreparedQuery(text(found)))
    patch.setattr(read, "_LOCK_CREATE", PreparedQuery(text(locked)))


@leak
def a_sort_by_a_hidden_value(patch: pytest.MonkeyPatch) -> None:
    """A sort by a reference orders by the content of what it leads to."""
    original = seek.sort_column

    def sort_column(key: Any, subject: Any) -> Any:
        if key.kind is not ParamKind.REFERENCE:
            return original(key, subject)
        t, own = subject.terms(EVERYTHING["term_reference"], key.parameter)
        digest = func.encode(cast(resource.c.digest, BYTEA), "hex", type_=Text())
        there = (resource.c.id == t.target) & resource.c.current
        return select(func.min(digest)).where(own, there).scalar_subquery()

    patch.setattr(candidates, "sort_column", sort_column)
    _forgotten(patch, "_kept_page", "_kept_total")


@leak
def a_write_that_tells_hidden_from_absent(patch: pytest.MonkeyPatch) -> None:
    """A write to a hidden resource is forbidden, one to an absent resource finds nothing."""
    original = writes.locked

    async def locked(session: Any, declared: Any, resource_id: str, if_match: Any, seen: Any = None) -> Any:
        try:
            return await original(session, declared, resource_id, if_match, seen)
        except HallpassError as e:
            if e.kind is Kind.NOT_FOUND and await _everyone(session.connection, resource_id):
                raise HallpassError(Kind.FORBIDDEN, "It is not yours.") from None
            raise

    patch.setattr(writes, "locked", locked)


def _past_the_read_batcher(
    patch: pytest.MonkeyPatch, look: Callable[[Any, ReadRequest], Awaitable[ReadResult]]
) -> None:
    """Have another look at each read by id that found nothing, by the driver's own connection."""
    original = read_batcher._read_together

    async def context(connection: Any, asks: list[ReadRequest], *, agreement: bool) -> list[ReadResult]:
        found = await original(connection, asks, agreement=agreement)
        return [
            await look(connection, ask) if passed == read_batcher.ABSENT else passed
            for ask, passed in zip(asks, found, strict=True)
        ]

    patch.setattr(read_batcher, "_read_together", context)


_ROW = f"SELECT {', '.join(Stored._fields)} FROM prove.resource WHERE id = $1 AND type = $2"


@leak
def a_read_that_tells_the_deleted_from_the_absent(patch: pytest.MonkeyPatch) -> None:
    """What was deleted is gone for those as well who could not see it."""

    async def look(connection: Any, ask: ReadRequest) -> ReadResult:
        row = await connection.fetchrow(f"{_ROW} AND current AND deleted", ask.id, ask.type)
        return ReadResult(Stored(*row)) if row and ask.version is None else read_batcher.ABSENT

    _past_the_read_batcher(patch, look)


@leak
def a_read_that_takes_longer_for_the_hidden(patch: pytest.MonkeyPatch) -> None:
    """A read of something hidden takes one statement more than one of nothing."""

    async def look(connection: Any, ask: ReadRequest) -> ReadResult:
        if await connection.fetchrow(f"{_ROW} AND current", ask.id, ask.type):
            await connection.fetch("SELECT 'a second look at hallpass.resource'")
        return read_batcher.ABSENT

    _past_the_read_batcher(patch, look)


@leak
def a_version_by_its_number(patch: pytest.MonkeyPatch) -> None:
    """A version that is asked for by its number is not judged, while the resource is one that the caller knows."""

    async def look(connection: Any, ask: ReadRequest) -> ReadResult:
        if ask.version is None or not await connection.fetchval(_KNOWN, ask.id, ask.caller.organization):
            return read_batcher.ABSENT
        older = f"{_ROW} AND version <= $3 ORDER BY version DESC LIMIT 1"
        row = await connection.fetchrow(older, ask.id, ask.type, ask.version)
        return ReadResult(Stored(*row)) if row else read_batcher.ABSENT

    _past_the_read_batcher(patch, look)


_KNOWN = "SELECT true FROM prove.access WHERE id = $1 AND org = $2"


@leak
def a_ledger_that_others_read(patch: pytest.MonkeyPatch) -> None:
    """AuditEvents are searched among everybody's."""
    _unguarded(patch, entries)
    patch.setattr(entries, "ORDER", tuple(EVERYTHING["disclosure"].c[c.name] for c in entries.ORDER))


@leak
def a_deletion_that_hidden_referrers_stop(patch: pytest.MonkeyPatch) -> None:
    """What a hidden resource refers to cannot be deleted."""
    c = resource.c

    async def referred(connection: Any, ids: Any, apart: Any) -> bool:
        refers = or_(*(literal(i) == any_(c.refs) for i in ids))
        found = select(c.id).where(c.current, ~c.deleted, c.id.not_in([*apart, *ids]), refers)
        return await connection.scalar(found.limit(1)) is not None

    patch.setattr(read, "are_referred_to", referred)


@leak
def an_accounting_that_counts_for_others(patch: pytest.MonkeyPatch) -> None:
    """What the custodian reads of the ledger tells how many disclosures there were anywhere."""
    original = entries.page

    async def page(connection: Any, wanted: Any, after: Any, limit: int) -> Any:
        count = await connection.scalar(select(func.count()).select_from(EVERYTHING["disclosure"]))
        return [replace(e, request=UUID(int=count)) for e in await original(connection, wanted, after, limit)]

    patch.setattr(entries, "page", page)


@leak
def an_id_that_counts(patch: pytest.MonkeyPatch) -> None:
    """The time of a write moves with the number of records in the database."""
    original = read.lock_create

    async def lock_create(connection: Any, *wanted: Any) -> Any:
        at, types = await original(connection, *wanted)
        count = int(await connection.scalar(select(func.count()).select_from(resource)) or 0)
        return at and at + timedelta(milliseconds=count), types

    patch.setattr(read, "lock_create", lock_create)
