"""What the worker does by schedule: what is long over is forgotten, counts are folded, the ledger has room."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.auth.keys import LIFE
from app.db.engine import Database
from app.exchange.service import AccessService
from app.jobs.job import Job, Tools, Work, declared
from app.jobs.kinds import fold_counts, forget_jobs, forget_tokens, partition_ledger
from app.limits.limits import Limits
from app.settings import Settings
from tests.auth.conftest import owner, world
from tests.auth.support import World
from tests.databases import execute
from tests.databases import rows as owned
from tests.jobs.running import rows

__all__ = ["owner", "world"]


async def run(db: Database, kind: Job) -> None:
    """One run of a kind of job."""
    access_service = AccessService(db, Settings(), Limits(Settings(), db.pool_size).connections)
    await kind.run(Work(Tools(db, Settings(), access_service, asyncio.Event()), 1, {}))


def test_each_kind_is_in_a_module_of_its_name() -> None:
    assert [k.name for k in declared()] == sorted(k.name for k in declared())


async def counts(db: Database) -> list[int]:
    return [
        (await rows(db, f"SELECT count(*) FROM hallpass.{t}"))[0][0]
        for t in ("assertion", "revoked_token", "signing_key")
    ]


async def test_assertions_revocations_and_keys_are_forgotten_when_long_over_and_not_before(world: World) -> None:
    client = await world.register()
    await world.auth.tokens.revoke(await world.auth.tokens.read(await world.token(client)))

    async def left(seconds: float) -> list[int]:
        async with world.db.begin() as connection:
            now = datetime.fromtimestamp(world.clock.now, UTC) + forget_tokens.MARGIN
            await forget_tokens.forget(connection, now + timedelta(seconds=seconds))
        return await counts(world.db)

    assert await left(0) == [1, 1, 1]
    assert await left(600) == [0, 0, 1]
    assert await left(LIFE + 600) == [0, 0, 0]


async def test_a_token_request_prunes_nothing(world: World) -> None:
    client = await world.register()
    await rows(world.db, "INSERT INTO hallpass.assertion VALUES ('old', gen_random_uuid(), '2000-01-01')")
    await world.token(client)
    assert await rows(world.db, "SELECT 1 FROM hallpass.assertion WHERE expires = '2000-01-01'")


async def test_the_counts_of_an_organization_become_one_row(db: Database) -> None:
    custodian = uuid4()
    one = f"('{custodian}', 'Patient', 1)"
    await execute(db.owner, f"INSERT INTO hallpass.custody_count VALUES {one}, {one}, {one}")
    await run(db, fold_counts.JOB)
    found = await _owned(db, f"SELECT records FROM hallpass.custody_count WHERE custodian = '{custodian}'")
    assert found == [3]


async def test_of_two_workers_one_folds(db: Database) -> None:
    custodian = uuid4()
    one = f"('{custodian}', 'Patient', 1)"
    await execute(db.owner, f"INSERT INTO hallpass.custody_count VALUES {one}, {one}")
    async with db.begin() as connection:
        await connection.execute(select(func.pg_advisory_xact_lock(fold_counts.LOCK)))
        await run(db, fold_counts.JOB)
    assert await _owned(db, f"SELECT records FROM hallpass.custody_count WHERE custodian = '{custodian}'") == [1, 1]


async def test_the_ledger_gets_the_partitions_of_two_years(db: Database) -> None:
    quarters = "SELECT relname FROM pg_class WHERE relname ~ '^disclosure_\\d{4}q\\d$'"
    names = {r[0] for r in await rows(db, quarters)}
    last = max(names)
    await execute(db.owner, f"DROP TABLE hallpass.{last}")
    await run(db, partition_ledger.JOB)
    assert {r[0] for r in await rows(db, quarters)} == names


async def test_what_became_of_jobs_is_forgotten_after_a_month(db: Database) -> None:
    await rows(
        db,
        "INSERT INTO hallpass.job_log (created, job_id, status, priority, entrypoint)"
        " SELECT now() - d * interval '1 day', d, 'successful', 0, 'one' FROM unnest(ARRAY[29, 31]) d",
    )
    await run(db, forget_jobs.JOB)
    assert [r.job_id for r in await rows(db, "SELECT job_id FROM hallpass.job_log")] == [29]


async def _owned(db: Database, statement: str) -> list[int]:
    return [r[0] for r in await owned(db.owner, statement)]


@pytest.mark.parametrize("kind", [k for k in declared() if isinstance(k, Job)], ids=lambda k: k.name)
async def test_each_job_runs_on_an_empty_database(db: Database, kind: Job) -> None:
    if kind.schedule is not None:
        await run(db, kind)
