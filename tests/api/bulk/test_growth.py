"""What the choice from one student costs does not grow with the export, though it is planned while that is empty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db import exports
from app.exchange.bulk.asked import Asked
from tests import build
from tests.scene import entered, set_scene
from tests.world import World

LINES = 3000
_READ = text("""
    SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables
    WHERE schemaname = 'hallpass' AND relname IN ('export_item', 'feed_entry')
""")
_MORE = text("""
    INSERT INTO hallpass.export_item
    SELECT :export, 'Patient', 1000 + n, gen_random_uuid(), gen_random_uuid(), 1, 'Patient'
    FROM generate_series(1, :lines) n
""")


async def test_what_an_export_holds_already_is_not_read_again_for_each_student(world: World) -> None:
    scene = await set_scene(world, "Patient", "Encounter")
    other = await scene.district.create(build.patient("growth-1"))
    asked = Asked(level="patient", types=("Patient", "Encounter"))
    export, at = uuid4(), datetime.now(UTC) + timedelta(hours=1)
    async with entered(world, scene.district) as connection:
        await exports.create(connection, export, scene.district.client_id, "/", asked.as_json(), asked.feed)
        moments = {"at": at, "horizon": at, "told": None}
        await exports.begin(connection, export, moments, asked.types, None)
        await _choose(connection, export, scene.student["id"], asked)
        await connection.execute(_MORE, {"export": export, "lines": LINES})
        before = await connection.scalar(_READ)
        await _choose(connection, export, other["id"], asked)
        assert (await connection.scalar(_READ)) - before < LINES / 10
        await connection.rollback()


async def _choose(connection: AsyncConnection, export: UUID, student: str, asked: Asked) -> None:
    await exports.choose(
        connection, export, asked.types, [UUID(student)], None, since=None, until=None, by_patient=False, consents=True
    )
