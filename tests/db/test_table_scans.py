"""No table that grows is read from end to end, however small it was when the statement was planned."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, text

from app.db.engine import Database
from tests import build
from tests.scene import Scene, as_owner, set_scene
from tests.world import open_world

SMALL = {"client_limit", "client_usage", "witness_check"}
"""A row for each client that has a limit of its own or was here lately, and a single row."""
_SCANS = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE schemaname = 'hallpass'"


async def test_a_new_exchange_plans_as_one_that_holds_a_million_records(database: URL) -> None:
    async with open_world(Database(database, pool_size=1)) as world:
        scene = await set_scene(world, "ServiceRequest", "Encounter")
        before = await scans(scene)
        for do in (people, release, read):
            await do(scene)
        after = await scans(scene)
    assert {name for name, n in after.items() if n > before[name]} - SMALL == set()


async def people(scene: Scene) -> None:
    """A student and her mother come, are corrected, and the mother goes."""
    student = await scene.district.create(build.patient("S-2"))
    await store(scene, {**student, "birthDate": "2014-01-02"})
    mother = await scene.district.create(build.guardian(student))
    await store(scene, {**mother, "active": False})
    await scene.district.create(build.referral(student))


async def release(scene: Scene) -> None:
    """A release is signed and ended."""
    consent = await scene.release("Encounter")
    await store(scene, {**consent, "status": "inactive"})


async def read(scene: Scene) -> None:
    """Who a record is released to finds and reads it."""
    record = scene.records["ServiceRequest"]["id"]
    assert await scene.clinic.ids("/ServiceRequest?_count=5") == [record]
    assert (await scene.clinic.get(f"/ServiceRequest/{record}")).status_code == 200


async def store(scene: Scene, resource: dict[str, Any]) -> None:
    """The district's next version of a resource."""
    assert (await scene.district.put(f"/{resource['resourceType']}/{resource['id']}", resource)).status_code == 200


async def scans(scene: Scene) -> dict[str, int]:
    """How often each table was read from end to end; what the only connection did is counted with it."""
    async with scene.world.db.begin() as connection:
        await connection.execute(text("SELECT pg_stat_force_next_flush()"))
    return {row.relname: row.seq_scan for row in await as_owner(scene.world, _SCANS)}
