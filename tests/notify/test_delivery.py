"""How a notification gets to its endpoint: in order, signed, tried again, and never after a revocation."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle

from app.auth import jose
from app.consent.codes import CONTACT_PERMISSION
from app.notify import deliver
from app.notify.rest_hook import RestHook
from tests import build
from tests.databases import rows
from tests.notify.asking import active, subscription, telling, until
from tests.notify.endpoint import Endpoint, listening
from tests.scene import FAMILY, Scene
from tests.statements import Statements
from tests.world import BASE


async def test_a_new_subscription_shakes_hands_and_becomes_active(scene: Scene, endpoint: Endpoint) -> None:
    created = await scene.clinic.create(subscription(endpoint.url, content="empty"))
    assert created["status"] == "requested"
    async with telling(scene.world):
        await until(lambda: bool(endpoint.received))
        (handshake,) = endpoint.of("handshake")

        async def is_active() -> bool:
            found = await scene.clinic.get(f"/Subscription/{created['id']}")
            return bool(found.json()["status"] == "active")

        await until(is_active)
    assert handshake.bundle["type"] == "history"
    assert handshake.headers["content-type"] == "application/fhir+json"
    assert (handshake.value("status"), handshake.value("events-since-subscription-start")) == ("requested", "0")
    assert not handshake.events


async def test_what_could_not_be_sent_and_was_revoked_meanwhile_keeps_its_number_and_loses_its_focus(
    scene: Scene, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", 0.3)
    async with telling(scene.world):
        created = await active(scene.world, scene.clinic, subscription(endpoint.url, content="full-resource"))
        endpoint.status = 503
        consent = await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
        failed = len(endpoint.of("event-notification"))
        await scene.district.save({**consent, "status": "inactive"})
        await asyncio.sleep(1)
        endpoint.status = 200
        await until(lambda: endpoint.events[-1] == (1, None))
        events = (await scene.clinic.get(f"/Subscription/{created['id']}/$events?content=full-resource")).json()
    assert failed >= 1
    later = endpoint.of("event-notification")[-1]
    assert not [s for s in (FAMILY, scene.records["ServiceRequest"]["id"]) if s in later.body.decode()]
    assert len(events["entry"]) == 1
    assert "focus" not in str(events)


async def test_a_delivery_that_fails_is_tried_again_in_order(
    scene: Scene, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", 0.1)
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        created = await active(scene.world, scene.clinic, subscription(endpoint.url))
        endpoint.status = 500
        made = [await scene.district.create(build.referral(scene.student)) for _ in range(3)]
        await until(lambda: len(endpoint.of("event-notification")) >= 2)
        found = (await scene.clinic.get(f"/Subscription/{created['id']}/$status")).json()
        endpoint.received.clear()
        endpoint.status = 204
        await until(lambda: {n for n, _ in endpoint.events} == {1, 2, 3})
    named = {p["name"]: p for p in found["entry"][0]["resource"]["parameter"]}
    assert "503" in str(named["error"]) or "500" in str(named["error"])
    assert [f for _, f in sorted(set(endpoint.events))] == [f"ServiceRequest/{r['id']}" for r in made]
    assert [n for n, _ in endpoint.events] == sorted(n for n, _ in endpoint.events)


async def test_an_endpoint_that_does_not_answer_delays_no_other(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with listening(delay=0) as slow, telling(scene.world):
        await active(
            scene.world, scene.clinic, subscription(slow.url, extensions={"backport-timeout": {"valueUnsignedInt": 5}})
        )
        await active(scene.world, scene.clinic, subscription(endpoint.url))
        slow.delay = 60
        for n in (1, 2):
            await scene.district.create(build.referral(scene.student))
            await until(lambda n=n: len(endpoint.events) == n, 4)  # type: ignore[misc]
    assert not slow.events


async def test_a_subscription_whose_endpoint_refuses_the_handshake_is_in_error_until_its_client_asks_again(
    scene: Scene, endpoint: Endpoint
) -> None:
    endpoint.status = 404
    created = await scene.clinic.create(subscription(endpoint.url))

    async def status() -> str:
        return str((await scene.clinic.get(f"/Subscription/{created['id']}")).json()["status"])

    async def in_error() -> bool:
        return await status() == "error"

    async def is_active() -> bool:
        return await status() == "active"

    async with telling(scene.world):
        await until(in_error)
        stored = (await scene.clinic.get(f"/Subscription/{created['id']}")).json()
        assert stored["error"] == "The endpoint answered with status 404."
        endpoint.status = 200
        await asyncio.sleep(0.5)
        assert await status() == "error"
        await scene.clinic.save({**stored, "status": "active"})
        await until(is_active)


async def test_a_redirect_is_not_followed(scene: Scene, endpoint: Endpoint) -> None:
    async with listening(status=307, headers=f"Location: {endpoint.url}\r\n") as first, telling(scene.world):
        await scene.clinic.create(subscription(first.url))
        await until(lambda: bool(first.received))
        await asyncio.sleep(0.5)
    assert not endpoint.received


async def test_a_subscription_ends_at_its_end(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        created = await active(scene.world, scene.clinic, subscription(endpoint.url))
        await rows(
            scene.world.db.owner,
            f"UPDATE hallpass.subscription SET ends = now() WHERE id = '{created['id']}' RETURNING 1",
        )

        async def is_off() -> bool:
            return bool((await scene.clinic.get(f"/Subscription/{created['id']}")).json()["status"] == "off")

        await until(is_off)


async def test_a_heartbeat_comes_when_nothing_was_sent_for_its_period(scene: Scene, endpoint: Endpoint) -> None:
    asked = subscription(endpoint.url, extensions={"backport-heartbeat-period": {"valueUnsignedInt": 60}})
    async with telling(scene.world):
        created = await active(scene.world, scene.clinic, asked)
        await rows(
            scene.world.db.owner,
            f"UPDATE hallpass.subscription SET heartbeat = 1 WHERE id = '{created['id']}' RETURNING 1",
        )
        await until(lambda: bool(endpoint.of("heartbeat")))
    assert endpoint.of("heartbeat")[0].value("events-since-subscription-start") == "0"


async def test_a_client_that_is_disabled_is_told_no_more(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url))
        disable = f"UPDATE hallpass.client SET disabled = now() WHERE id = '{scene.clinic.client_id}' RETURNING 1"
        await rows(scene.world.db.owner, disable)
        await scene.district.create(build.referral(scene.student))
        await asyncio.sleep(1)
    assert not endpoint.events


async def test_a_notification_is_signed_by_a_key_that_the_exchange_publishes(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await scene.clinic.create(subscription(endpoint.url, channel_more={"header": ["Authorization: Bearer t"]}))
        await until(lambda: bool(endpoint.received))
    received = endpoint.received[0]
    assert received.headers["authorization"] == "Bearer t"
    header, _, signature = received.headers["x-jws-signature"].split(".")
    payload = base64.urlsafe_b64encode(received.body).rstrip(b"=").decode()
    keys = (await scene.world.http.get(f"{BASE}/auth/jwks")).json()["keys"]
    jose.jws.verify(f"{header}.{payload}.{signature}", keys[0], algorithms=["ES384"])
    assert endpoint.url in base64.urlsafe_b64decode(header + "==").decode()


async def test_two_workers_send_each_event_once_while_the_endpoint_takes_them(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world), telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url))
        for _ in range(10):
            await scene.district.create(build.referral(scene.student))
        await until(lambda: len(endpoint.events) >= 10)
        await asyncio.sleep(0.5)
    assert [n for n, _ in endpoint.events] == list(range(1, 11))


async def test_a_deleted_subscription_is_told_nothing_and_kept_nowhere(scene: Scene, endpoint: Endpoint) -> None:
    created = await scene.clinic.create(subscription(endpoint.url))
    assert (await scene.clinic.delete(f"/Subscription/{created['id']}")).status_code == 204
    assert not await rows(scene.world.db.owner, f"SELECT 1 FROM hallpass.subscription WHERE id = '{created['id']}'")
    async with telling(scene.world):
        await asyncio.sleep(0.5)
    assert not endpoint.received


async def test_a_new_referral_under_a_standing_release_is_told_within_a_second(
    scene: Scene, endpoint: Endpoint
) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url))
        await scene.district.create(build.referral(scene.student))
        await until(lambda: bool(endpoint.events), 5)  # a second on an idle machine; bench/notify.py measures it


async def test_what_is_revoked_while_the_endpoint_is_slow_to_take_the_connection_does_not_leave(
    scene: Scene, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    consent = await scene.release("ServiceRequest")
    opened, go_on = asyncio.Event(), asyncio.Event()
    connect = RestHook._connect

    async def slowly(hook: RestHook, where: str) -> Any:
        found = await connect(hook, where)
        if endpoint.of("handshake"):
            opened.set()
            await go_on.wait()
        return found

    monkeypatch.setattr(RestHook, "_connect", slowly)
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, content="full-resource"))
        made = await scene.district.create(build.referral(scene.student))
        await opened.wait()
        await scene.district.save({**consent, "status": "inactive"})
        go_on.set()
        await until(lambda: bool(endpoint.events))
    assert endpoint.events == [(1, None)]
    assert made["id"] not in endpoint.of("event-notification")[0].body.decode()
    told = f"interaction = 'notification' AND id = '{made['id']}'"
    assert not await rows(scene.world.db.owner, f"SELECT 1 FROM hallpass.disclosure WHERE {told}")


async def test_a_notification_is_a_bundle_that_r4_allows(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, content="full-resource"))
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
    for received in endpoint.received:
        Bundle.model_validate(received.bundle)
        assert all({"fullUrl", "request", "response"} <= set(e) for e in received.bundle["entry"])


async def test_a_notification_holds_no_contact_data_that_may_not_be_used(scene: Scene, endpoint: Endpoint) -> None:
    mark = [{"url": CONTACT_PERMISSION, "valueCode": "none"}]
    phone = [{"system": "phone", "value": "555-0142"}]
    mother = {**build.guardian(scene.student, telecom=phone, extension=mark), "id": "m"}
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, content="full-resource"))
        await scene.release("ServiceRequest")
        referral = build.referral(scene.student, contained=[mother], supportingInfo=[{"reference": "#m"}])
        made = await scene.district.create(referral)
        await until(lambda: any(made["id"] in r.body.decode() for r in endpoint.received))
    sent = next(r.body.decode() for r in endpoint.received if made["id"] in r.body.decode())
    assert '"#m"' in sent
    assert "555-0142" not in sent


async def test_what_is_found_at_one_look_is_numbered_whole_and_sent_without_looking_again(
    scene: Scene, endpoint: Endpoint
) -> None:
    few = {"backport-max-count": {"valuePositiveInt": 2}}
    async with telling(scene.world):
        created = await active(scene.world, scene.clinic, subscription(endpoint.url, extensions=few))
    await scene.release("ServiceRequest")
    made = [await scene.district.create(build.referral(scene.student)) for _ in range(6)]
    statements = Statements(scene.world.db)
    async with telling(scene.world):
        await until(lambda: len(endpoint.events) == 7)
    assert [n for n, _ in endpoint.events] == list(range(1, 8))
    assert {f for _, f in endpoint.events} >= {f"ServiceRequest/{m['id']}" for m in made}
    assert [len(r.events) for r in endpoint.of("event-notification")] == [2, 2, 2, 1]
    numbered = f"SELECT count(*) FROM hallpass.subscription_event WHERE subscription = '{created['id']}'"
    assert (await rows(scene.world.db.owner, numbered))[0][0] == 7
    sent = statements.sent
    start = next(n for n, s in enumerate(sent) if "INSERT INTO hallpass.subscription_event" in s)
    end = [n for n, s in enumerate(sent) if n > start and "hallpass.finish_subscription" in s][3]
    between = [s for s in sent[start:end] if "hallpass.released_since" in s]
    assert between == [], "each walk judges all that waits: one for each notification grows with its square"


async def test_events_that_are_judged_again_are_read_in_one_statement(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        created = await active(scene.world, scene.clinic, subscription(endpoint.url))
        await scene.release("ServiceRequest")
        for _ in range(4):
            await scene.district.create(build.referral(scene.student))
        await until(lambda: len(endpoint.events) == 5)
    await scene.world.db.dispose()
    statements = Statements(scene.world.db)
    answer = await scene.clinic.get(f"/Subscription/{created['id']}/$events")
    assert answer.json()["entry"][0]["resource"]["parameter"][-1]["name"] == "notification-event"
    read = [s for s in statements.sent if "hallpass.resource.version = " in s]
    assert len(read) == 1, read
