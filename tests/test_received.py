"""What a client was given since a moment, as the operator lists it after a key was stolen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from app.db.engine import Database, owner_transaction
from app.ledger import received
from tests.scene import Scene, set_scene
from tests.world import open_world


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    async with open_world(db) as world:
        yield await set_scene(world, "Encounter")


async def test_everything_that_a_client_was_given_is_listed_and_nothing_of_anothers(scene: Scene) -> None:
    started = datetime.now(UTC) - timedelta(minutes=1)
    encounter = scene.records["Encounter"]["id"]
    for _ in range(3):
        assert (await scene.clinic.get(f"/Encounter/{encounter}")).status_code == 200
    assert (await scene.clinic.post("/Group", {"resourceType": "Group"})).status_code >= 400
    async with owner_transaction(scene.world.db.owner) as connection:
        received.AT_ONCE = 2  # so that there is more than one page
        until = datetime.now(UTC) + timedelta(minutes=1)
        found = [e async for e in received.received(connection, scene.clinic.client_id, started, until)]
        late = [e async for e in received.received(connection, scene.clinic.client_id, until, until)]
        others = [e async for e in received.received(connection, scene.stranger.client_id, started, until)]
        assert await received.refused(connection, scene.stranger.client_id, started, until) == []
    assert [str(e["id"]) for e in found if e["type"] == "Encounter"] == [encounter] * 3
    assert {str(e["student"]) for e in found if e["type"] == "Encounter"} == {scene.student["id"]}
    assert late == []
    assert [e for e in others if e["type"] == "Encounter"] == []
