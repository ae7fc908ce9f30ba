"""Subscriptions to test with, and a worker that does nothing but tell them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from app.exchange.service import AccessService
from app.limits.limits import Limits
from app.notify.deliver import Deliverer
from app.settings import Settings
from app.subscriptions.definition import PREFIX, PROFILE
from app.subscriptions.topics import OURS
from tests.databases import rows
from tests.world import Member, World


def subscription(
    endpoint: str,
    topic: str = "referral",
    *filters: str,
    content: str = "id-only",
    channel: str = "rest-hook",
    **more: Any,
) -> dict[str, Any]:
    """A Subscription to a topic of ours, or by its URL."""
    criteria = [{"url": f"{PREFIX}backport-filter-criteria", "valueString": f} for f in filters]
    extensions = [{"url": PREFIX + name, **value} for name, value in more.pop("extensions", {}).items()]
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [PROFILE]},
        "status": "requested",
        "reason": "To know of referrals",
        "criteria": topic if topic.startswith("http") else f"{OURS}/{topic}",
        **({"_criteria": {"extension": criteria}} if criteria else {}),
        "channel": {
            **({"extension": extensions} if extensions else {}),
            "type": channel,
            "endpoint": endpoint,
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": f"{PREFIX}backport-payload-content", "valueCode": content}]},
            **more.pop("channel_more", {}),
        },
        **more,
    }


@asynccontextmanager
async def telling(world: World, settings: Settings | None = None) -> AsyncIterator[Deliverer]:
    """A worker that looks all the time for what is to be told."""
    settings = settings or world.settings
    access_service = AccessService(world.db, settings, Limits(settings, world.db.pool_size).connections)
    deliverer = Deliverer(world.db, settings, access_service)

    stopping = asyncio.Event()

    async def run() -> None:
        while not stopping.is_set():
            await deliverer.step()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(run())
    try:
        yield deliverer
    finally:
        stopping.set()
        await task  # not in the midst of a step: what it claimed would wait for the end of its lease
        await deliverer.end()


async def until(condition: Callable[[], bool | Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(seconds):
        while True:
            found = condition()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.05)


async def active(world: World, member: Member, asked: dict[str, Any]) -> dict[str, Any]:
    """A Subscription that has shaken hands and has counted what was there before."""
    created = await member.create(asked)
    counted = f"SELECT since FROM hallpass.subscription WHERE id = '{created['id']}'"

    async def begun() -> bool:
        found = (await member.get(f"/Subscription/{created['id']}")).json()
        return bool(found["status"] == "active" and (await rows(world.db.owner, counted))[0][0] is not None)

    await until(begun)
    return created
