"""The worker: each job is done, at least once, whatever becomes of the one that had it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from app.db.engine import Database
from app.jobs import runner
from app.jobs.job import Job, Later, Loop, Tools, Work
from app.queue import enqueue as queue
from app.queue import state
from app.queue.enqueue import enqueue
from tests.jobs.running import rows, until, working

NOW = timedelta(0)


@pytest_asyncio.fixture(autouse=True)
async def _empty(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(queue, "kinds", lambda: frozenset({"one", "two"}))
    yield
    for table in ("job", "job_log", "job_schedule", "worker"):
        await rows(db, f"DELETE FROM hallpass.{table}")


def job(run: Callable[[Work], Awaitable[None]], name: str = "one", **given: Any) -> Job:
    return Job(name=name, summary="A job of a test.", run=run, **{"delay": NOW, **given})


async def put(db: Database, kind: str = "one", payload: dict[str, Any] | None = None, **given: Any) -> int | None:
    async with db.begin() as connection:
        return await enqueue(connection, kind, payload, **given)


async def test_a_job_is_run_with_what_it_was_given_and_is_gone_when_it_is_done(db: Database) -> None:
    seen: list[dict[str, Any]] = []

    async def run(work: Work) -> None:
        seen.append(work.payload)

    await put(db, payload={"student": "1"})
    async with working(db, job(run)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job_log WHERE status = 'successful'"))
    assert seen == [{"student": "1"}]
    assert await rows(db, "SELECT 1 FROM hallpass.job") == []


async def test_a_job_of_a_transaction_that_is_undone_is_never_run(db: Database) -> None:
    async def undone() -> None:
        async with db.begin() as connection:
            await enqueue(connection, "one")
            raise KeyError

    with pytest.raises(KeyError):
        await undone()
    assert await rows(db, "SELECT 1 FROM hallpass.job") == []


async def test_a_job_that_nobody_declares_is_refused_when_it_is_put_into_the_queue(db: Database) -> None:
    with pytest.raises(queue.UnknownJob):
        await put(db, "three")


async def test_a_job_outside_of_a_transaction_is_refused(db: Database) -> None:
    async with db.engine.connect() as connection:
        with pytest.raises(RuntimeError):
            await enqueue(connection, "one")


async def test_one_with_the_key_of_a_job_that_waits_is_left_out(db: Database) -> None:
    assert await put(db, key="k") is not None
    assert await put(db, key="k") is None


async def test_a_job_that_fails_is_tried_again_and_held_after_the_last_attempt(db: Database) -> None:
    attempts: list[int] = []

    async def run(work: Work) -> None:
        attempts.append(work.attempt)
        raise ValueError("Anna Petrov")

    number = await put(db)
    async with working(db, job(run, attempts=3)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job WHERE status = 'failed'"))
    assert attempts == [0, 1, 2]
    async with db.begin() as connection:
        (failed,) = await state.failed(connection)
    assert (failed.id, failed.kind, failed.attempts) == (number, "one", 3)
    assert failed.error is not None
    assert failed.error.startswith("ValueError at test_runner.py:")
    assert not await rows(db, "SELECT 1 FROM hallpass.job_log WHERE traceback::text LIKE '%Petrov%'")


async def test_a_failed_job_that_the_operator_puts_back_is_run_again(db: Database) -> None:
    fails = True

    async def run(_: Work) -> None:
        if fails:
            raise ValueError

    number = await put(db)
    async with working(db, job(run, attempts=1)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job WHERE status = 'failed'"))
        fails = False
        async with db.begin() as connection:
            assert await state.retry(connection, number or 0)
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job_log WHERE status = 'successful'"))


async def test_a_job_goes_on_where_it_saved_that_it_is(db: Database) -> None:
    steps: list[int] = []

    async def run(work: Work) -> None:
        step = work.payload.get("step", 0)
        steps.append(step)
        if step < 3:
            async with work.tools.db.begin() as connection:
                await work.save(connection, {"step": step + 1})
            raise Later

    await put(db)
    async with working(db, job(run, attempts=1)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job_log WHERE status = 'successful'"))
    assert steps == [0, 1, 2, 3]


async def test_a_job_that_takes_too_long_is_ended_and_tried_again(db: Database) -> None:
    runs: list[int] = []

    async def run(work: Work) -> None:
        runs.append(work.attempt)
        if not work.attempt:
            await asyncio.sleep(60)

    await put(db)
    async with working(db, job(run, seconds=0.2)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job_log WHERE status = 'successful'"))
    assert runs == [0, 1]


async def test_a_worker_that_ends_lets_a_short_job_come_to_its_end(db: Database) -> None:
    begun = asyncio.Event()

    async def run(_: Work) -> None:
        begun.set()
        await asyncio.sleep(0.5)

    await put(db)
    async with working(db, job(run)) as end:
        await begun.wait()
        await end()
    assert [r.status for r in await rows(db, "SELECT status FROM hallpass.job_log ORDER BY id DESC LIMIT 1")] == [
        "successful"
    ]


async def test_a_worker_that_ends_puts_a_long_job_back(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "DRAIN_SECONDS", 1)
    begun = asyncio.Event()

    async def run(_: Work) -> None:
        begun.set()
        await asyncio.sleep(60)

    await put(db)
    async with working(db, job(run)) as end:
        await begun.wait()
        await end()
    assert [r.status for r in await rows(db, "SELECT status FROM hallpass.job")] == ["queued"]


async def test_a_job_of_a_worker_that_was_killed_is_given_to_another(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HEARTBEAT", timedelta(seconds=1))
    await put(db)
    await rows(
        db,
        "UPDATE hallpass.job SET status = 'picked', queue_manager_id = gen_random_uuid(),"
        " heartbeat = now() - interval '1 minute'",
    )

    async def run(_: Work) -> None: ...

    async with working(db, job(run)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job_log WHERE status = 'successful'"))


async def test_of_a_kind_no_more_run_at_once_than_it_declares(db: Database) -> None:
    running: list[int] = []
    most = 0

    async def run(work: Work) -> None:
        nonlocal most
        running.append(work.id)
        most = max(most, len(running))
        await asyncio.sleep(0.05)
        running.remove(work.id)

    for _ in range(5):
        await put(db)
    async with working(db, job(run, at_once=1)), working(db, job(run, at_once=1)):
        done = "SELECT 1 FROM hallpass.job_log WHERE status = 'successful' HAVING count(*) = 5"
        await until(lambda: rows(db, done))
    assert most == 1


async def test_a_job_that_is_due_by_its_schedule_is_run_by_itself(db: Database) -> None:
    ran = asyncio.Event()

    async def run(_: Work) -> None:
        ran.set()

    await rows(
        db,
        "INSERT INTO hallpass.job_schedule (expression, entrypoint, next_run)"
        " VALUES ('0 0 1 1 *', 'one', now() - interval '1 hour')",
    )
    async with working(db, job(run, schedule="0 0 1 1 *")):
        await asyncio.wait_for(ran.wait(), 20)


async def test_a_worker_goes_on_when_the_database_is_back(db: Database) -> None:
    done: list[int] = []

    async def run(work: Work) -> None:
        done.append(work.id)

    async with working(db, job(run)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.worker"))
        await db.engine.dispose()
        number = await put(db)

        async def found() -> bool:
            return number in done

        await until(found)


async def test_a_loop_steps_on_at_once_while_there_is_more_and_a_fault_does_not_end_it(db: Database) -> None:
    steps: list[int] = []

    class Counting:
        async def step(self) -> bool:
            steps.append(len(steps))
            if len(steps) == 2:
                raise ValueError
            return len(steps) < 5

        async def end(self) -> None:
            steps.append(-1)

    def start(_: Tools) -> Counting:
        return Counting()

    async def six() -> bool:
        return len(steps) >= 6

    every = timedelta(seconds=0.01)
    async with working(db, Loop(name="two", summary="A loop.", start=start, every=every)):
        await until(six)
    assert steps[-1] == -1


async def test_a_worker_is_alive_while_it_runs_and_not_after_it_ended(db: Database) -> None:
    async def run(_: Work) -> None: ...

    assert not (await db.alive()).worker
    async with working(db, job(run)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.worker"))
        assert (await db.alive()).worker
    assert not (await db.alive()).worker


@pytest.mark.parametrize("schedule", ["every day", "* * * *", "* * * * * *", "61 * * * *"])
def test_a_schedule_that_is_not_five_fields_of_cron_is_refused(schedule: str) -> None:
    async def run(_: Work) -> None: ...

    with pytest.raises(TypeError):
        job(run, schedule=schedule)


async def test_what_is_put_off_is_not_counted_as_a_failure(db: Database) -> None:
    attempts: list[int] = []

    async def run(work: Work) -> None:
        attempts.append(work.attempt)
        if len(attempts) < 4:
            raise Later

    await put(db)
    async with working(db, job(run, attempts=2)):
        await until(lambda: rows(db, "SELECT 1 FROM hallpass.job_log WHERE status = 'successful'"))
    assert attempts == [0, 0, 0, 0]
