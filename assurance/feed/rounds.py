"""Rounds of the feed test: writers that take up to 300 ms, releases signed late and ended, and followers meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from assurance.feed.follower import Follower, visible
from tests import build
from tests.scene import Scene, as_owner, set_scene
from tests.world import Member, World

TYPES = "Encounter,ServiceRequest"
_SLOW = """
    CREATE OR REPLACE FUNCTION public.slowly() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_sleep(substring(convert_from(NEW.body, 'UTF8') FROM 'urn:slow:([0-9.]+)')::float);
        RETURN NEW;
    END $$
"""
_SLOWLY = """
    CREATE OR REPLACE TRIGGER slowly AFTER INSERT ON hallpass.resource FOR EACH ROW
    WHEN (position('urn:slow:'::bytea IN NEW.body) > 0) EXECUTE FUNCTION public.slowly()
"""


@dataclass
class Rounds:
    """A network, and who follows it: two clients of the clinic, and the district in both ways."""

    scene: Scene
    random: random.Random
    followers: list[Follower]

    async def run(self) -> None:
        """One round: act and follow at once, then ask once more and compare. Raises AssertionError."""
        child = await self.scene.district.create(build.patient(uuid4().hex))
        mother = await self.scene.district.create(build.guardian(child))
        acts: list[Awaitable[None]] = [self._writes(child) for _ in range(3)]
        acts += [self._releases(child, mother), *(self._follows(f) for f in self.followers)]
        await asyncio.gather(*acts)
        for follower in self.followers:
            await follower.poll()
            current, versions = await visible(follower.member, TYPES)
            assert follower.held == current, _difference(follower.held, current)
            lost = {v for v in versions - follower.given if v[0] in current}
            assert not lost, lost

    async def _writes(self, child: dict[str, Any]) -> None:
        """A visit that is created, changed and perhaps deleted, each within a transaction of some length."""
        district = self.scene.district
        made = await district.create(self._slow(build.encounter(child)))
        for status in ("cancelled", "finished"):
            await self._pause()
            made = await district.save(self._slow({**made, "status": status}))
        if self.random.random() < 0.3:
            await district.delete(f"/Encounter/{made['id']}")

    async def _releases(self, child: dict[str, Any], mother: dict[str, Any]) -> None:
        """A release that is signed late, and perhaps ended, and perhaps signed again."""
        district, clinic = self.scene.district, self.scene.clinic.reference
        await district.create(build.referral(child))
        for _ in range(self.random.choice((1, 1, 2))):
            await self._pause()
            signed = build.consent(child, mother, district.reference, clinic, classes=tuple(TYPES.split(",")))
            release = await district.create(self._slow(signed))
            await self._pause()
            if self.random.random() < 0.5:
                await district.save({**release, "status": "inactive"})

    async def _follows(self, follower: Follower) -> None:
        for _ in range(self.random.randint(1, 4)):
            await self._pause()
            await follower.poll()

    async def _pause(self) -> None:
        await asyncio.sleep(self.random.uniform(0, 0.15))

    def _slow(self, resource: dict[str, Any]) -> dict[str, Any]:
        seconds = self.random.choice((0.001, 0.02, 0.1, 0.3))
        return {**resource, "meta": {"profile": [f"urn:slow:{seconds}"]}}


def _difference(held: dict[str, int], current: dict[str, int]) -> str:
    return f"kept and not there: {held.items() - current.items()}; there and not kept: {current.items() - held.items()}"


async def open_rounds(world: World, seed: int) -> Rounds:
    """A network whose writes can take their time, with its followers."""
    await as_owner(world, _SLOW, _SLOWLY)
    scene = await set_scene(world)
    second = await world.client_of(scene.clinic.organization, scopes="system/*.rs", purposes=("TREAT",))
    members: list[Member] = [scene.clinic, second]
    followers = [Follower(m, TYPES) for m in members] + [Follower(scene.clinic, TYPES, count=3)]
    followers += [Follower(scene.district, TYPES), Follower(scene.district, TYPES, by_entries=True)]
    return Rounds(scene, random.Random(seed), followers)
