"""What takes too long: a statement that is stopped is the caller's to make cheaper, a lock is worth another try.

https://hl7.org/fhir/R4/http.html#Status-Codes
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest_asyncio
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.engine import Database
from tests.api.asking import patient, refused
from tests.api.test_bundles import bundle, entry, statuses
from tests.scene import Scene, as_owner, set_scene
from tests.world import World, open_world

MILLISECONDS = 1_000
PLAIN = "SELECT coalesce(nullif(current_setting('hallpass.ancestors', true), ''), '{}')::uuid[]"
ABOVE = "CREATE OR REPLACE FUNCTION hallpass.ancestors() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$ {} $$"


@pytest_asyncio.fixture(scope="module")
async def world(database: URL) -> AsyncIterator[World]:
    """A network with a short statement time-out."""
    async with open_world(Database(database, statement_timeout_ms=MILLISECONDS)) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A clinic with a release of one student's record."""
    return await set_scene(world, "Patient", "Encounter")


@asynccontextmanager
async def slow(world: World) -> AsyncIterator[None]:
    """The rule takes long to be judged meanwhile."""
    await as_owner(world, ABOVE.format("SELECT '{}'::uuid[] FROM pg_sleep(30)"))
    try:
        yield
    finally:
        await as_owner(world, ABOVE.format(PLAIN))


@asynccontextmanager
async def held(world: World, student: str) -> AsyncIterator[asyncio.Event]:
    """Somebody writes a student's record meanwhile, and comes to an end when the event is set."""
    done, began = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        engine = create_async_engine(world.db.owner)
        async with engine.begin() as connection:
            await connection.execute(
                text(
                    "SELECT pg_advisory_xact_lock(hallpass.index_key(r.compartment, r.custodian)),"
                    " pg_advisory_xact_lock(hallpass.release_key(r.compartment, r.custodian))"
                    " FROM hallpass.resource r WHERE r.id = CAST(:s AS uuid) AND r.current"
                ),
                {"s": student},
            )
            began.set()
            await done.wait()
        await engine.dispose()

    holding = asyncio.create_task(hold())
    await began.wait()
    yield done
    done.set()
    await holding


async def test_a_statement_that_is_stopped_is_too_costly_in_the_same_words_whatever_was_asked(scene: Scene) -> None:
    paths = ("/Encounter", f"/Patient/{scene.student['id']}", "/Patient?_count=1", "/_history")
    async with slow(scene.world):
        answers = await asyncio.gather(*(scene.clinic.get(path) for path in paths))
        refused(await scene.clinic.get("/Encounter?status=finished"), 503, "transient")  # it could not be entered
        batch = await scene.clinic.post("", bundle("batch", entry("GET", "Encounter"), entry("GET", "Patient")))
    for answer in answers:
        refused(answer, 422, "too-costly")
    assert len({answer.content for answer in answers}) == 1
    assert statuses(batch) == ["422", "422"]
    assert (await scene.clinic.get(paths[0])).json()["total"] == 1


async def test_a_lock_that_is_long_in_coming_is_a_503_that_says_when_to_try_again(scene: Scene) -> None:
    student = scene.student["id"]
    async with held(scene.world, student):
        read = await scene.clinic.get(f"/Patient/{student}")
        write = await scene.district.put(f"/Patient/{student}", {**scene.student, "active": False})
    for answer in (read, write):
        refused(answer, 503, "transient")
        assert answer.headers["Retry-After"]
    assert (await scene.clinic.get(f"/Patient/{student}")).status_code == 200


async def test_locks_that_are_long_in_coming_together_are_no_fault_of_the_request(scene: Scene) -> None:
    """Each comes before the time-out, and all of them after it."""
    students = [scene.student, *[await scene.district.create(patient()) for _ in range(2)]]
    students.sort(key=lambda s: str(s["id"]))
    changes = [entry("PUT", f"Patient/{s['id']}", {**s, "active": True}) for s in students]
    async with AsyncExitStack() as stack:
        free = [await stack.enter_async_context(held(scene.world, s["id"])) for s in students]
        write = asyncio.create_task(scene.district.post("", bundle("transaction", *changes)))
        for let_go in free:
            await asyncio.sleep(0.4 * MILLISECONDS / 1000)
            let_go.set()
        refused(await write, 503, "transient")
    assert statuses(await scene.district.post("", bundle("transaction", *changes))) == ["200"] * 3


async def test_an_answer_that_does_not_begin_in_time_is_a_503_and_what_was_done_is_undone(database: URL) -> None:
    """However its time was spent; the next request finds the server as it was. A batch says so entry by entry."""
    async with open_world(Database(database, statement_timeout_ms=30_000), request_seconds=2) as world:
        scene = await set_scene(world)
        path, slow_one = f"/Patient/{scene.student['id']}", {**scene.student, "gender": "female"}
        async with held(world, scene.student["id"]) as done:
            refused(await scene.district.put(path, slow_one), 503, "timeout")
            writing = entry("PUT", path[1:], slow_one)
            answer = await scene.district.post("", bundle("batch", entry("GET", path[1:]), writing, writing))
            done.set()
        assert answer.status_code == 200
        assert statuses(answer)[0] == "200"
        assert (await scene.district.get(path)).json()["meta"]["versionId"] == "1"
        assert (await scene.district.put(path, slow_one)).json()["meta"]["versionId"] == "2"
