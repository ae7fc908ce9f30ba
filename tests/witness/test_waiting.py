"""While a witness is kept: an ending is acknowledged once it is in it, and a restart is compared before it serves."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from sqlalchemy import URL

from app.db.engine import Database
from tests.databases import execute, rows
from tests.scene import set_scene
from tests.witness.restoring import again, witnessed
from tests.world import open_world


async def test_a_restart_is_compared_and_then_serves_by_itself(database: URL, tmp_path: Path) -> None:
    async with witnessed(database, tmp_path / "witness") as world:
        scene = await set_scene(world)
        district = f"/Patient/{scene.student['id']}"
    await execute(database, "UPDATE hallpass.witness_check SET started = started - interval '1 second'")
    db = Database(database)
    async with open_world(db) as alone:
        member, _ = await again(scene, alone)
        assert (await member.get(district)).status_code == 503
    await db.dispose()
    async with witnessed(database, tmp_path / "witness") as world:
        deadline = time.monotonic() + 60
        while not (await rows(database, "SELECT hallpass.database_is_current()"))[0][0]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        member, _ = await again(scene, world)
        assert (await member.get(district)).status_code == 200


async def test_an_ending_is_not_acknowledged_while_no_worker_keeps_the_witness(database: URL, tmp_path: Path) -> None:
    async with witnessed(database, tmp_path / "witness") as world:
        scene = await set_scene(world)
        release = await scene.release("Encounter")
    db = Database(database, statement_timeout_ms=500)
    async with open_world(db) as world:
        district, clinic = await again(scene, world)
        answer = await district.put(f"/Consent/{release['id']}", {**release, "status": "inactive"})
        assert (answer.status_code, "witness" in answer.text) == (503, True)
        assert (await clinic.get(f"/Encounter/{scene.records['Encounter']['id']}")).status_code == 404
    await db.dispose()
