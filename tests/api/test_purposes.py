"""The purposes that a recipient's clients can assert: whoever files a release to it finds them in the directory."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from app.auth import clients
from app.db.engine import owner_transaction
from tests.scene import Scene
from tests.world import World


async def test_the_purposes_of_a_recipient_are_in_the_directory(world: World, scene: Scene) -> None:
    """Also those of its parts' clients; a client that is shut out counts no more."""
    pantry = await world.member("Pantry", purposes=("TREAT",))
    branch = await world.client_of(pantry.organization, scopes="system/*.rs", purposes=("COC", "TREAT"))
    ask = f"/Organization/{pantry.organization}/$purposes"

    async def told() -> list[str]:
        response = await scene.stranger.get(ask)
        assert response.status_code == 200, response.text
        return [p["valueCode"] for p in response.json().get("parameter", [])]

    before = await told()
    async with owner_transaction(world.db.owner) as connection:
        await clients.disable(connection, branch.client_id, datetime.now(UTC))
    assert (before, await told()) == (["COC", "TREAT"], ["TREAT"])


async def test_there_are_no_purposes_of_what_is_no_organization(scene: Scene) -> None:
    asked = [f"/Organization/{i}/$purposes" for i in (uuid4(), scene.student["id"])]
    assert [(await scene.district.get(url)).status_code for url in asked] == [404, 404]
