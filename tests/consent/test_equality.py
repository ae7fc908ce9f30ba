"""decide() and PostgreSQL say the same of every record to every caller, and the access index misses nothing.

PROVE_EXAMPLES sets how many worlds are tried.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest_asyncio
from hypothesis import HealthCheck, event, given, settings
from sqlalchemy import insert, text
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.consent.decide import Basis, Deny, Permit, decide
from app.consent.rules import Facts, Viewer
from app.store import tables, write
from app.store.engine import Database
from tests.consent.network import stop_the_clock
from tests.consent.worlds import ORGANIZATIONS, Record, World, worlds

EXAMPLES = int(os.environ.get("PROVE_EXAMPLES", "300"))

_PLACE = text("SELECT hallpass.place_organization(:id, :parent, :zone, :honour)")
_INDEX = text("SELECT hallpass.index_resource(s, i) FROM unnest(CAST(:shards AS uuid[]), CAST(:ids AS uuid[])) k(s, i)")
_SUPERSEDE = text("UPDATE hallpass.resource SET current = false WHERE id = ANY (:ids)")
_ENTER = text("SELECT standing FROM hallpass.enter(:client, '', :organization, :purposes, :emergency, :agreement)")
_OPENED = text("""
    SELECT r.id, r.version, hallpass.opened(r.shard, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality,
                                            r.labels, r.refs, r.authors, r.clinical) AS consent
    FROM hallpass.resource r WHERE r.student IS NOT NULL
""")
_VISIBLE = text("SELECT id, version FROM hallpass.resource")
_LISTED = text("SELECT id FROM hallpass.access WHERE org = :org AND opens <= hallpass.moment() AND hallpass.moment() < closes")
_DIFFERENT = text("""
    WITH shards AS (SELECT shard FROM hallpass.resource UNION SELECT shard FROM hallpass.access),
         computed AS (SELECT c.* FROM shards s CROSS JOIN LATERAL hallpass.candidates(s.shard, NULL, NULL) c)
    (SELECT 'too many' AS what, d.* FROM (TABLE hallpass.access EXCEPT TABLE computed) d)
    UNION ALL
    (SELECT 'missing' AS what, d.* FROM (TABLE computed EXCEPT TABLE hallpass.access) d)
""")


@pytest_asyncio.fixture(scope="module")
async def owner(db: Database) -> AsyncIterator[AsyncConnection]:
    """The tables' owner, on a database whose clock a test sets."""
    await stop_the_clock(db.owner)
    engine = create_async_engine(db.owner)
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


@given(world=worlds())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
async def test_both_forms_of_the_rule_are_equal(owner: AsyncConnection, world: World) -> None:
    """Visible and released by the same Consent in both, and listed where visible; the index is as if made anew."""
    try:
        await _store(owner, world)
        await _compare(owner, world)
    finally:
        await owner.rollback()


async def _store(owner: AsyncConnection, world: World) -> None:
    """Put the world into the tables step by step, as the gate does, with all that was otherwise before."""
    await owner.execute(text("UPDATE public.test_clock SET at = :at"), {"at": world.now})
    for n in range(len(ORGANIZATIONS)):
        if n not in world.late and world.parents_before[n] not in world.late:
            await _place(owner, world, n, world.parents_before[n])
    await _judged_against(owner, world)
    half = world.records[::2]
    await _records(owner, [(r, r.versions[0], False) for r in half])
    for release in world.releases_before:
        await _release(owner, release.student, release.consent, release.recipients, release)
    rest = [(r, v, r.deleted and v is r.now) for r in world.records for v in r.versions if r not in half or v is not r.versions[0]]
    for number in (1, 2):
        await _records(owner, [(r, v, gone) for r, v, gone in rest if _number(r, v) == number])
    await _releases(owner, world)
    for n in range(len(ORGANIZATIONS)):
        await _place(owner, world, n, world.parents[n])


async def _place(owner: AsyncConnection, world: World, n: int, parent: int | None) -> None:
    above = None if parent is None else ORGANIZATIONS[parent]
    place = {"id": ORGANIZATIONS[n], "parent": above, "zone": world.zones[n], "honour": world.honours[n]}
    assert await owner.scalar(_PLACE, place) == "placed"


async def _judged_against(owner: AsyncConnection, world: World) -> None:
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (tables.student, [_student(s, born) for s, born in world.born.items()]),
        (tables.authority, [_authority(shard, i, w) for (shard, i), w in world.authorities.items()]),
        (tables.agreement, [_agreement(n, a) for n, a in enumerate(world.agreements)]),
        (tables.emergency, [_emergency(n, *e) for n, e in enumerate(world.emergencies)]),
    ]
    for table, found in rows:
        if found:
            await owner.execute(insert(table), found)


def _student(shard: UUID, born: Any) -> dict[str, Any]:
    return {"shard": shard, "custodian": ORGANIZATIONS[0], "born_from": born[0], "born_to": born[1]}


def _authority(shard: UUID, person: UUID, window: Any) -> dict[str, Any]:
    return {"shard": shard, "id": person, "custodian": ORGANIZATIONS[0], "opens": window[0], "closes": window[1]}


def _agreement(n: int, agreement: Any) -> dict[str, Any]:
    return {
        "id": UUID(int=n),
        "custodian": agreement.custodian,
        "discloser": agreement.discloser,
        "recipient": agreement.recipient,
        "opens": agreement.period[0],
        "closes": agreement.period[1],
    }


def _emergency(n: int, shard: UUID, organization: UUID, window: Any) -> dict[str, Any]:
    return {
        "shard": shard,
        "id": UUID(int=n),
        "organization": organization,
        "client": "c",
        "reason": "r",
        "opens": window[0],
        "closes": window[1],
    }


def _number(record: Record, version: Facts) -> int:
    """A version's number; by identity, since two can be alike."""
    return next(n for n, v in enumerate(record.versions, 1) if v is version)


async def _records(owner: AsyncConnection, found: list[tuple[Record, Facts, bool]]) -> None:
    if not found:
        return
    await owner.execute(_SUPERSEDE, {"ids": [f.id for _, f, _ in found]})
    await owner.execute(insert(tables.resource), [_row(r, f, gone) for r, f, gone in found])
    listed = [(r.shard, f.id) for r, f, _ in found if not f.directory]
    await owner.execute(_INDEX, {"shards": [s for s, _ in listed], "ids": [i for _, i in listed]})


def _row(record: Record, facts: Facts, gone: bool) -> dict[str, Any]:
    return {
        "shard": record.shard,
        "id": facts.id,
        "version": _number(record, facts),
        "type": facts.type,
        "custodian": facts.custodian,
        "student": facts.student,
        "directory": facts.directory,
        "current": True,
        "deleted": gone,
        "updated": text("hallpass.moment()") if False else facts_updated(record),
        "method": "PUT",
        "body": b"",
        "label_at": 0,
        "digest": b"",
        "profiles": sorted(facts.profiles),
        "codes": sorted(facts.codes),
        "confidentiality": facts.confidentiality,
        "labels": sorted(facts.labels),
        "parties": sorted(facts.parties),
        "refs": sorted(facts.refs),
        "authors": sorted(facts.authors),
        "clinical": write.clinical_range(facts),
    }
