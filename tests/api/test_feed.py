"""Who follows the feed has in the end what it may see: a few rounds of `python -m assurance.feed`."""

from __future__ import annotations

import asyncio

from sqlalchemy import URL

from app.db.engine import Database
from assurance.feed.follower import Follower
from assurance.feed.rounds import open_rounds
from tests import build
from tests.scene import set_scene
from tests.world import open_world


async def test_who_follows_has_what_it_may_see_whatever_is_written_released_and_withdrawn(database: URL) -> None:
    async with open_world(Database(database)) as world:
        rounds = await open_rounds(world, 1)
        for _ in range(5):
            await rounds.run()


async def test_a_referral_of_monday_that_is_released_on_wednesday_comes_and_what_is_withdrawn_is_told(
    database: URL,
) -> None:
    async with open_world(Database(database)) as world:
        scene = await set_scene(world)
        follower = Follower(scene.clinic, "ServiceRequest")
        referral = f"ServiceRequest/{scene.records['ServiceRequest']['id']}"
        await follower.poll()
        assert follower.held == {}
        release = await scene.release("ServiceRequest")
        await follower.poll()
        assert follower.held == {referral: 1}
        before = follower.since
        await scene.district.save({**release, "status": "inactive"})
        for _ in range(2):  # it is told again to who asks again since the answer before
            page = (await scene.clinic.get(f"/_history?_type=ServiceRequest&_since={before}")).json()
            (entry,) = page["entry"]
            assert (entry["request"]["method"], "resource" in entry) == ("DELETE", False)
            assert "Withdrawn" in entry["response"]["outcome"]["issue"][0]["details"]["text"]
        await follower.poll()
        assert follower.held == {}
        follower.since = page["meta"]["lastUpdated"]
        page = (await scene.clinic.get(f"/_history?_type=ServiceRequest&_since={follower.since}")).json()
        assert "entry" not in page
        await scene.release("ServiceRequest")
        await follower.poll()
        assert follower.held == {referral: 1}


async def test_what_is_not_committed_holds_the_feed_back_and_comes_in_the_next_answer(database: URL) -> None:
    async with open_world(Database(database)) as world:
        rounds = await open_rounds(world, 1)
        district = rounds.scene.district
        follower = Follower(district, "Encounter", by_entries=True)
        child = await district.create(build.patient("S-late"))
        slow = {**build.encounter(child), "meta": {"profile": ["urn:slow:0.5"]}}
        late = asyncio.create_task(district.create(slow))
        await asyncio.sleep(0.2)
        quick = await district.create(build.encounter(await district.create(build.patient("S-quick"))))
        await follower.poll()
        made = await late
        await follower.poll()
        assert {f"Encounter/{made['id']}", f"Encounter/{quick['id']}"} <= follower.held.keys()
