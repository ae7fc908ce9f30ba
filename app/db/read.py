"""Reads of resources. Row-level security applies the rule to every row; only the access service calls these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, DateTime, Integer, Text, Uuid, any_, bindparam, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.caller import Write, waiting
from app.db.driver import PreparedQuery, Statement, fetch
from app.db.rows import Stored
from app.db.tables import organization, resource, tree


class Seen(NamedTuple):
    """What a reference leads to."""

    type: str
    student: UUID | None
    custodian: UUID


class Linked(NamedTuple):
    """Who holds a Patient, and its body where that may link it to one that replaces it."""

    custodian: UUID
    body: bytes | None


COLUMNS = tuple(resource.c[name] for name in Stored._fields)

_NAMED = select(*COLUMNS).where(resource.c.id == bindparam("id"), resource.c.type == bindparam("type"))
_CURRENT = PreparedQuery(_NAMED.where(resource.c.current))
_VERSION = PreparedQuery(_NAMED.where(resource.c.version == bindparam("version")))
_EARLIER = PreparedQuery(
    _NAMED.where(
        resource.c.compartment == bindparam("compartment"), resource.c.version < bindparam("version")
    ).order_by(resource.c.version)
)
_IDENTIFIED = text("SELECT type, id FROM hallpass.identified(:types, :system, :value)")
_VERIFIED = text(
    "SELECT 'Organization' AS type, v.organization AS id FROM hallpass.verified_identifier v"
    " WHERE v.system = :system AND v.value = :value"
)
_LOCKED = func.hallpass.lock_current(
    *(bindparam(name) for name in ("compartment", "custodian", "type", "id", "kind"))
).table_valued(*(column(c.name, c.type) for c in COLUMNS))
_LOCK_CURRENT = PreparedQuery(select(*_LOCKED.c, func.hallpass.stamp(type_=DateTime(timezone=True)).label("at")))
_CURRENTS = PreparedQuery(
    select(*COLUMNS).where(resource.c.id == any_(bindparam("ids", type_=ARRAY(Uuid()))), resource.c.current)
)
_WANTED = (
    func.unnest(
        bindparam("types", type_=ARRAY(Text())),
        bindparam("ids", type_=ARRAY(Uuid())),
        bindparam("versions", type_=ARRAY(Integer())),
    )
    .table_valued(column("type", Text()), column("id", Uuid()), column("version", Integer()))
    .render_derived(name="wanted")
)
_NUMBERED = PreparedQuery(
    select(*COLUMNS).join(
        _WANTED,
        (resource.c.id == _WANTED.c.id)
        & (resource.c.version == _WANTED.c.version)
        & (resource.c.type == _WANTED.c.type),
    )
)
_LOCK_CREATE = PreparedQuery(
    text("SELECT at, ids, types FROM hallpass.lock_create(:compartment, :custodian, :id, :kind, :refs)")
)
_MOMENT = text("SELECT hallpass.statement_time()")
_VISIBLE = PreparedQuery(text("SELECT type, id, student, custodian FROM hallpass.seen(:ids)"))

_SAME_STUDENTS = PreparedQuery(
    text(
        "SELECT asked.id, same.other FROM unnest(CAST(:ids AS uuid[])) asked(id)"
        " CROSS JOIN LATERAL hallpass.same_student(asked.id) same(other) WHERE same.other <> asked.id"
    )
)
_REFERRERS = PreparedQuery(
    text(
        "SELECT 1 FROM hallpass.term_reference t"
        " JOIN hallpass.resource r ON r.compartment = t.compartment AND r.id = t.id"
        " WHERE t.target = ANY (CAST(:ids AS uuid[])) AND NOT t.id = ANY (CAST(:apart AS uuid[]))"
        " AND r.current AND NOT r.deleted AND (NOT r.directory OR hallpass.holds(r.custodian)) LIMIT 1"
    )
)
_FORMS = PreparedQuery(
    text(
        "SELECT r.body FROM hallpass.term_uri t"
        " JOIN hallpass.resource r ON r.compartment = t.compartment AND r.id = t.id"
        " WHERE t.type = 'Questionnaire' AND t.param = 'url' AND t.value = :url"
        " AND r.custodian = ANY (CAST(:custodians AS uuid[])) AND r.current AND NOT r.deleted"
        " ORDER BY r.updated DESC, r.id DESC"
    )
)


async def current(connection: AsyncConnection, type_name: str, resource_id: UUID) -> Stored | None:
    """The newest version, deletions included; None where there is none that the caller sees."""
    found = await rows(connection, _CURRENT, {"type": type_name, "id": resource_id})
    return found[0] if found else None


async def lock_current(connection: AsyncConnection, type_name: str, write: Write) -> tuple[Stored, datetime] | None:
    """As `current`, under the locks of a write; and the time after the wait. Raises UNAVAILABLE as `waiting`."""
    values = {
        "compartment": write.compartment,
        "custodian": write.custodian,
        "type": type_name,
        "id": write.id,
        "kind": write.kind,
    }
    with waiting():
        found = await fetch(connection, _LOCK_CURRENT, values)
    return (stored(found[0]), found[0].at) if found else None


async def currents(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Stored]:
    """As `current`, of many resources by their ids."""
    wanted = sorted(set(ids))
    found = await rows(connection, _CURRENTS, {"ids": wanted}) if wanted else []
    return {row.id: row for row in found}


async def same_students(connection: AsyncConnection, patients: Iterable[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """Of each of these Patients the others that are the same student by merges that the caller sees."""
    wanted = sorted(set(patients))
    found: dict[UUID, list[UUID]] = {own: [] for own in wanted}
    for row in await fetch(connection, _SAME_STUDENTS, {"ids": wanted}) if wanted else []:
        found[row.id].append(row.other)
    return {own: tuple(sorted(others)) for own, others in found.items()}


async def lock_create(
    connection: AsyncConnection, write: Write, references: Iterable[UUID]
) -> tuple[datetime | None, dict[UUID, str]]:
    """Take the locks of a creation. Raises UNAVAILABLE as `waiting`.

    Returns the time after the wait (None: the caller does not see the student, and nothing is locked), and the types of
    those references that lead to what the caller sees.
    """
    values = {
        "compartment": write.compartment,
        "custodian": write.custodian,
        "id": write.id,
        "kind": write.kind,
        "refs": sorted(set(references)),
    }
    with waiting():
        (row,) = await fetch(connection, _LOCK_CREATE, values)
    return row.at, dict(zip(row.ids, row.types, strict=True))


async def version(connection: AsyncConnection, type_name: str, resource_id: UUID, number: int) -> Stored | None:
    """One version by its number."""
    found = await rows(connection, _VERSION, {"type": type_name, "id": resource_id, "version": number})
    return found[0] if found else None


async def numbered(
    connection: AsyncConnection, wanted: Sequence[tuple[str, UUID, int]]
) -> dict[tuple[str, UUID, int], Stored]:
    """As `version`, of many by type, id and number."""
    if not wanted:
        return {}
    types, ids, numbers = zip(*wanted, strict=True)
    found = await rows(connection, _NUMBERED, {"types": list(types), "ids": list(ids), "versions": list(numbers)})
    return {(row.type, row.id, row.version): row for row in found}


async def rows(
    connection: AsyncConnection, statement: Statement, values: Mapping[str, Any] | None = None
) -> list[Stored]:
    """The versions that a statement over `COLUMNS` finds, in its order."""
    return [stored(row) for row in await fetch(connection, statement, values)]


async def rows_exist(connection: AsyncConnection, statement: Statement, values: Mapping[str, Any]) -> bool:
    """Whether a statement finds anything."""
    return bool(await fetch(connection, statement, values))


def stored(row: Any) -> Stored:
    """A row whose first columns are `COLUMNS`."""
    return Stored(*row[: len(COLUMNS)])


async def visible(connection: AsyncConnection, ids: Iterable[UUID]) -> dict[UUID, Seen]:
    """Of these ids, those of current resources that the caller sees."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found = await fetch(connection, _VISIBLE, {"ids": wanted})
    return {row.id: Seen(row.type, row.student, row.custodian) for row in found}


async def earlier(connection: AsyncConnection, row: Stored) -> list[Stored]:
    """The visible versions of a resource before this one, oldest first."""
    return await rows(
        connection, _EARLIER, {"compartment": row.compartment, "id": row.id, "type": row.type, "version": row.version}
    )


async def identified(
    connection: AsyncConnection, types: Iterable[str], system: str, value: str, *, by_operator: bool
) -> list[str]:
    """References to what an identifier names, two at the most: in the caller's custody, or as the operator verified."""
    statement = _VERIFIED if by_operator else _IDENTIFIED
    values = {"system": system, "value": value} | ({} if by_operator else {"types": list(types)})
    return [f"{row.type}/{row.id}" for row in await connection.execute(statement, values)]


async def bodies(connection: AsyncConnection, compartment: UUID, resource_id: UUID) -> list[bytes]:
    """The bodies of all visible versions of one resource."""
    found = await connection.scalars(
        select(resource.c.body).where(
            resource.c.compartment == compartment, resource.c.id == resource_id, ~resource.c.deleted
        )
    )
    return list(found)


async def bodies_held(
    connection: AsyncConnection, compartment: UUID, type_name: str, holder: UUID, but: UUID
) -> list[bytes]:
    """The current resources of a type in one compartment that an organization and its parts hold, one id aside."""
    c, held = resource.c, select(tree.c.id).where(tree.c.ancestor == holder)
    found = await connection.scalars(
        select(c.body).where(
            c.compartment == compartment, c.type == type_name, c.current, ~c.deleted, c.id != but, c.custodian.in_(held)
        )
    )
    return list(found)


async def forms(connection: AsyncConnection, url: str, custodians: Iterable[UUID]) -> list[bytes]:
    """The current Questionnaires of a URL that these organizations hold, the newest first."""
    found = await fetch(connection, _FORMS, {"url": url, "custodians": sorted(custodians)})
    return [row.body for row in found]


async def moment(connection: AsyncConnection) -> datetime:
    """The database's clock, which is the exchange's."""
    found: datetime = (await connection.execute(_MOMENT)).scalar_one()
    return found


async def in_line(connection: AsyncConnection, one: UUID, other: UUID) -> bool:
    """Whether one organization is the other, a part of it, or what it is part of."""
    values = {"one": one, "other": other}
    return one == other or bool(await connection.scalar(text("SELECT hallpass.in_line(:one, :other)"), values))


async def zone(connection: AsyncConnection, organization_id: UUID) -> ZoneInfo:
    """The time zone in which an organization's dates are meant."""
    found = await connection.scalar(select(organization.c.zone).where(organization.c.id == organization_id))
    return ZoneInfo(str(found))


async def organizations(connection: AsyncConnection, ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these are organizations of the network."""
    wanted = sorted(set(ids))
    found = await connection.scalars(select(organization.c.id).where(organization.c.id.in_(wanted)))
    return frozenset(found)


async def are_referred_to(connection: AsyncConnection, ids: Iterable[UUID], apart: Iterable[UUID]) -> bool:
    """Whether a current resource that the caller sees, `apart` from these, refers to one of these ids.

    What others hold in the directory does not count: anybody can refer from there.
    """
    values = {"ids": sorted(ids), "apart": sorted(apart)}
    return bool(await fetch(connection, _REFERRERS, values))


async def holds_records(connection: AsyncConnection, custodian: UUID) -> bool:
    """Whether an organization of the caller's holds a record of a student."""
    c = resource.c
    found = await connection.scalar(
        select(c.id).where(c.custodian == custodian, c.current, ~c.deleted, ~c.directory).limit(1)
    )
    return found is not None
