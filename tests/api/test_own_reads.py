"""What a client reads of its own organization's students is in the security log, where a setting asks for it."""

from __future__ import annotations

import pytest

from app.db.engine import Database
from tests.scene import Scene, as_owner, set_scene
from tests.world import open_world


async def _accesses(scene: Scene) -> set[str]:
    rows = await as_owner(
        scene.world,
        "SELECT detail FROM hallpass.event WHERE kind = 'access' AND organization = :organization",
        organization=scene.district.organization,
    )
    return {row.detail for row in rows}


@pytest.mark.parametrize("asked", [True, False])
async def test_own_reads_are_logged_by_student_and_type_where_it_is_asked(db: Database, asked: bool) -> None:
    """The recipient's reads are on the ledger, and are none of these. The custodian finds them as AuditEvents."""
    async with open_world(db, log_own_reads=asked) as world:
        scene = await set_scene(world, "Encounter")
        await as_owner(world, "DELETE FROM hallpass.event WHERE kind = 'access'")
        visit, student = scene.records["Encounter"]["id"], scene.student["id"]
        for path in (f"/Encounter/{visit}", f"/Encounter/{visit}/_history/1", "/ServiceRequest", "/Organization"):
            await scene.district.get(path)
        await scene.clinic.get(f"/Encounter/{visit}")
        read = {f"{way} of Patient/{student}" for way in ("read Encounter", "vread Encounter", "search ServiceRequest")}
        assert await _accesses(scene) == (read if asked else set())
        found = (await scene.district.get("/AuditEvent?subtype=access&_total=accurate")).json()
        assert found["total"] == (len(read) if asked else 0)
