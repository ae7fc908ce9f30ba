"""Who follows the feed has in the end what it may see: a few rounds of `python -m assurance.feed`."""

from __future__ import annotations

from sqlalchemy import URL

from app.db.engine import Database
from assurance.feed.rounds import open_rounds
from tests.world import open_world


async def test_who_follows_has_what_it_may_see_whatever_is_written_released_and_withdrawn(database: URL) -> None:
    async with open_world(Database(database)) as world:
        rounds = await open_rounds(world, 1)
        for _ in range(5):
            await rounds.run()
