"""The clinic is told of the referral when the release makes it visible, and a stranger is not.
https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/
"""

from __future__ import annotations

import asyncio
import time

from app.demo.api import Api, Json, reference
from app.demo.listener import SECONDS, Listener
from app.demo.steps.referral import Referrals
from app.demo.steps.scene import Scene
from app.subscriptions.definition import PREFIX, PROFILE
from app.subscriptions.topics import OURS


def subscription(endpoint: str) -> Json:
    """To be told of referrals by their ids alone."""
    payload = {"extension": [{"url": f"{PREFIX}backport-payload-content", "valueCode": "id-only"}]}
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [PROFILE]},
        "status": "requested",
        "reason": "New referrals",
        "criteria": f"{OURS}/referral",
        "channel": {
            "type": "rest-hook",
            "endpoint": endpoint,
            "payload": "application/fhir+json",
            "_payload": payload,
        },
    }


async def subscribe(scene: Scene, listener: Listener) -> list[Json]:
    """The clinic and a stranger subscribe; answers both Subscriptions, once they are active."""
    t = scene.telling
    t.say(f"{scene.clinic.member.name} would rather be told than ask again and again: it subscribes to referrals.")
    t.say(f"So does {scene.strangers[0].member.name}, to whom no release will be signed.")
    made = []
    for api, path in ((scene.clinic, ""), (scene.strangers[0], "/stranger")):
        created = await api.create(subscription(listener.url + path))
        t.hold(f"{api.member.name}'s Subscription is active.", await _active(api, created))
        made.append(created)
    shaken = [r for r in listener.received if r.kind == "handshake"]
    t.hold("The exchange has shaken hands with both addresses, and signed it.", len(shaken) == 2 and shaken[0].signed)
    return made


async def come(scene: Scene, listener: Listener, referrals: Referrals, subscribed: list[Json]) -> None:
    """What the release opened was told to the clinic, by its id, and nothing to the stranger."""
    t, wanted = scene.telling, reference(referrals.request)
    told = await listener.first(lambda r: r.kind == "event-notification" and wanted in r.focuses)
    t.hold("The clinic is told of the referral that the signature opened, by its id.", told is not None)
    heard = [f for r in listener.received for f in r.focuses]
    t.hold("It is told once, and of the other referral nothing.", heard == [wanted], heard)
    for api, own, events in ((scene.clinic, subscribed[0], 1), (scene.strangers[0], subscribed[1], 0)):
        path = f"{reference(own)}/$status"
        status = (await api.resource("GET", path))["entry"][0]["resource"]["parameter"]
        number = next(p["valueString"] for p in status if p["name"] == "events-since-subscription-start")
        t.hold(f"Events that {api.member.name}'s Subscription counts: {events}.", int(number) == events, number)
        await api.save({**await api.resource("GET", reference(own)), "status": "off"})


async def _active(api: Api, created: Json) -> bool:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        if (await api.resource("GET", reference(created)))["status"] == "active":
            return True
        await asyncio.sleep(0.1)
    return False
