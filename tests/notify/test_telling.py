"""A subscriber is told of everything that it may see, of nothing else, in order, by number, and never unsigned."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from sqlalchemy import text

from app.auth import jose
from app.db.engine import Database
from app.notify import deliver
from app.notify.rest_hook import RestHook
from tests import build
from tests.databases import rows
from tests.notify.asking import subscription, telling, until
from tests.notify.endpoint import Endpoint, listening
from tests.scene import FAMILY, Scene
from tests.world import BASE, Member


async def active(member: Member, asked: dict[str, Any], topic: str = "") -> dict[str, Any]:
    """A Subscription that has shaken hands and has counted what was there before."""
    created = await member.create(asked)

    async def begun() -> bool:
        found = (await member.get(f"/Subscription/{created['id']}")).json()
        return bool(found["status"] == "active" and await counted(created["id"]))

    async def counted(subscription_id: str) -> bool:
        from_db = await rows(OWNER[0], f"SELECT since FROM hallpass.subscription WHERE id = '{subscription_id}'")
        return from_db[0][0] is not None

    await until(begun)
    return created


OWNER: list[Any] = []


@pytest.fixture(autouse=True)
def _owner(db: Database) -> None:
    OWNER[:] = [db.owner]


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


async def test_a_referral_is_told_when_the_release_makes_it_visible_and_when_it_changes(
    scene: Scene, endpoint: Endpoint
) -> None:
    referral = scene.records["ServiceRequest"]
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url))
        await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 1)
        await scene.district.save({**referral, "priority": "urgent"})
        await until(lambda: len(endpoint.events) == 2)
    assert endpoint.events == [(n, f"ServiceRequest/{referral['id']}") for n in (1, 2)]
    assert all("resource" not in e for r in endpoint.of("event-notification") for e in r.bundle["entry"][1:])


async def test_what_was_visible_before_is_no_event(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url))
        second = await scene.district.create(build.referral(scene.student))
        await until(lambda: bool(endpoint.events))
    assert endpoint.events == [(1, f"ServiceRequest/{second['id']}")]


async def test_nothing_is_told_of_what_no_release_opens(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world), listening() as own:
        await active(scene.stranger, subscription(endpoint.url))
        await active(scene.district, subscription(own.url))
        await scene.district.create(build.referral(scene.student))
        await until(lambda: bool(own.events))
        await asyncio.sleep(0.5)
    assert not endpoint.events


async def test_each_record_that_is_told_is_on_the_ledger_as_a_notification(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url, content="full-resource"))
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
    (entry,) = endpoint.of("event-notification")[0].bundle["entry"][1:]
    assert entry["resource"]["id"] == scene.records["ServiceRequest"]["id"]
    assert "NORDSCLCD" in str(entry["resource"]["meta"]["security"])
    entered = await rows(
        OWNER[0],
        "SELECT interaction, version FROM hallpass.disclosure"
        f" WHERE id = '{entry['resource']['id']}' AND recipient = '{scene.clinic.organization}'",
    )
    assert [tuple(r) for r in entered] == [("notification", 1)]


async def test_an_empty_notification_names_nothing_and_discloses_nothing(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url, content="empty"))
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
    (told,) = endpoint.of("event-notification")
    assert told.events == [(1, None)]
    assert len(told.bundle["entry"]) == 1
    assert not [s for s in (*scene.secrets, "topic") if s in told.body.decode()]
    recipient = f"recipient = '{scene.clinic.organization}' AND interaction = 'notification'"
    assert not await rows(OWNER[0], f"SELECT 1 FROM hallpass.disclosure WHERE {recipient}")


async def test_what_could_not_be_sent_and_was_revoked_meanwhile_keeps_its_number_and_loses_its_focus(
    scene: Scene, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", 0.3)
    async with telling(scene.world):
        created = await active(scene.clinic, subscription(endpoint.url, content="full-resource"))
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


async def test_what_an_ended_release_opened_is_told_again_when_another_opens_it(
    scene: Scene, endpoint: Endpoint
) -> None:
    referral = scene.records["ServiceRequest"]["id"]
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url))
        consent = await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 1)
        await scene.district.save({**consent, "status": "inactive"})
        await asyncio.sleep(1)
        await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 2)
    assert endpoint.events == [(1, f"ServiceRequest/{referral}"), (2, f"ServiceRequest/{referral}")]


async def test_a_delivery_that_fails_is_tried_again_in_order(
    scene: Scene, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "FIRST_PAUSE", 0.1)
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        created = await active(scene.clinic, subscription(endpoint.url))
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
        await active(scene.clinic, subscription(slow.url, extensions={"backport-timeout": {"valueUnsignedInt": 5}}))
        await active(scene.clinic, subscription(endpoint.url))
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
        created = await active(scene.clinic, subscription(endpoint.url))
        await rows(OWNER[0], f"UPDATE hallpass.subscription SET ends = now() WHERE id = '{created['id']}' RETURNING 1")

        async def is_off() -> bool:
            return bool((await scene.clinic.get(f"/Subscription/{created['id']}")).json()["status"] == "off")

        await until(is_off)


async def test_a_heartbeat_comes_when_nothing_was_sent_for_its_period(scene: Scene, endpoint: Endpoint) -> None:
    asked = subscription(endpoint.url, extensions={"backport-heartbeat-period": {"valueUnsignedInt": 60}})
    async with telling(scene.world):
        created = await active(scene.clinic, asked)
        await rows(OWNER[0], f"UPDATE hallpass.subscription SET heartbeat = 1 WHERE id = '{created['id']}' RETURNING 1")
        await until(lambda: bool(endpoint.of("heartbeat")))
    assert endpoint.of("heartbeat")[0].value("events-since-subscription-start") == "0"


@pytest.mark.parametrize("type_", ["ServiceRequest?", "ServiceRequest.", ""])
async def test_a_filter_is_read_in_each_of_its_spellings(scene: Scene, endpoint: Endpoint, type_: str) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url, "referral", f"{type_}priority=urgent"))
        await scene.district.create(build.referral(scene.student, priority="routine"))
        urgent = await scene.district.create(build.referral(scene.student, priority="urgent"))
        await until(lambda: bool(endpoint.events))
    assert endpoint.events == [(1, f"ServiceRequest/{urgent['id']}")]


async def test_a_correction_is_told_of_a_record_that_was_given_and_of_no_other(
    scene: Scene, endpoint: Endpoint
) -> None:
    await scene.release("ServiceRequest")
    referral = scene.records["ServiceRequest"]
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url, "correction"))
        unread = await scene.district.create(build.referral(scene.student))
        await scene.district.save({**unread, "priority": "urgent"})
        await scene.clinic.get(f"/ServiceRequest/{referral['id']}")
        await scene.district.save({**referral, "priority": "stat"})
        await until(lambda: bool(endpoint.events))
        await asyncio.sleep(0.5)
    assert endpoint.events == [(1, f"ServiceRequest/{referral['id']}")]


async def test_a_release_that_is_signed_and_ended_is_told(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url, "release"))
        consent = await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 1)
        await scene.district.save({**consent, "status": "inactive"})
        await until(lambda: len(endpoint.events) == 2)
    assert endpoint.events == [(n, f"Consent/{consent['id']}") for n in (1, 2)]


async def test_a_client_that_is_disabled_is_told_no_more(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url))
        disable = f"UPDATE hallpass.client SET disabled = now() WHERE id = '{scene.clinic.client_id}' RETURNING 1"
        await rows(OWNER[0], disable)
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
        await active(scene.clinic, subscription(endpoint.url))
        for _ in range(10):
            await scene.district.create(build.referral(scene.student))
        await until(lambda: len(endpoint.events) >= 10)
        await asyncio.sleep(0.5)
    assert [n for n, _ in endpoint.events] == list(range(1, 11))


async def test_events_are_read_by_number(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        created = await active(scene.clinic, subscription(endpoint.url))
        made = [await scene.district.create(build.referral(scene.student)) for _ in range(3)]
        await until(lambda: len(endpoint.events) == 3)
    where = f"/Subscription/{created['id']}/$events?eventsSinceNumber=2&eventsUntilNumber=3"
    found = (await scene.clinic.get(where)).json()
    assert [e["fullUrl"].split("/")[-1] for e in found["entry"][1:]] == [r["id"] for r in made[1:]]
    assert {"name": "type", "valueCode": "query-event"} in found["entry"][0]["resource"]["parameter"]
    assert (await scene.stranger.get(where)).status_code == 404


async def test_the_status_is_its_clients_alone(scene: Scene, endpoint: Endpoint) -> None:
    created = await scene.clinic.create(subscription(endpoint.url))
    own = (await scene.clinic.get(f"/Subscription/$status?id={created['id']}&status=requested,active")).json()
    assert (own["type"], own["total"]) == ("searchset", 1)
    assert (await scene.clinic.get("/Subscription/$status?status=error")).json()["total"] == 0
    assert (await scene.stranger.get(f"/Subscription/$status?id={created['id']}")).json()["total"] == 0
    assert (await scene.stranger.get(f"/Subscription/{created['id']}/$status")).status_code == 404
    assert (await scene.stranger.get(f"/Subscription/{created['id']}")).status_code == 404


async def test_a_deleted_subscription_is_told_nothing_and_kept_nowhere(scene: Scene, endpoint: Endpoint) -> None:
    created = await scene.clinic.create(subscription(endpoint.url))
    assert (await scene.clinic.delete(f"/Subscription/{created['id']}")).status_code == 204
    assert not await rows(OWNER[0], f"SELECT 1 FROM hallpass.subscription WHERE id = '{created['id']}'")
    async with telling(scene.world):
        await asyncio.sleep(0.5)
    assert not endpoint.received


async def test_without_a_caller_the_apps_role_reads_no_subscription(scene: Scene, endpoint: Endpoint) -> None:
    await scene.clinic.create(subscription(endpoint.url))
    async with scene.world.db.begin() as connection:
        for table in ("subscription", "subscription_event"):
            assert not (await connection.execute(text(f"SELECT 1 FROM hallpass.{table}"))).all()


async def test_a_new_referral_under_a_standing_release_is_told_within_a_second(
    scene: Scene, endpoint: Endpoint
) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url))
        await scene.district.create(build.referral(scene.student))
        await until(lambda: bool(endpoint.events), 5)  # a second on an idle machine; bench/notify.py measures it


@pytest.mark.parametrize(("priority", "days"), [("urgent", 3), (None, 14)])
async def test_requester_and_owner_are_reminded_once_of_a_task_that_is_overdue_by_its_priority(
    scene: Scene, endpoint: Endpoint, priority: str | None, days: int
) -> None:
    await scene.release("ServiceRequest", "Task")
    referral = scene.records["ServiceRequest"]
    task = build.task(scene.student, referral, scene.district.reference, scene.clinic.reference)
    made = await scene.district.create({**task, **({"priority": priority} if priority else {})})
    fresh = await scene.district.create({**task, **({"priority": priority} if priority else {})})
    async with listening() as own, telling(scene.world):
        both = [(scene.clinic, endpoint), (scene.district, own)]
        asked = [await active(member, subscription(where.url, "overdue")) for member, where in both]
        for shift, which in ((f"{days} days 1 minute", made), (f"{days} days -1 hour", fresh)):
            moved = f"updated = now() - interval '{shift}' WHERE id = '{which['id']}'"
            await rows(OWNER[0], f"UPDATE hallpass.resource SET {moved} RETURNING 1")
        back = "since = since - interval '2 minutes', walked = '-infinity'"
        ids = ", ".join(f"'{a['id']}'" for a in asked)
        await rows(OWNER[0], f"UPDATE hallpass.subscription SET {back} WHERE id IN ({ids}) RETURNING 1")
        await until(lambda: bool(endpoint.events) and bool(own.events))
        await asyncio.sleep(0.5)
    assert endpoint.events == own.events == [(1, f"Task/{made['id']}")]


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
        await active(scene.clinic, subscription(endpoint.url, content="full-resource"))
        made = await scene.district.create(build.referral(scene.student))
        await opened.wait()
        await scene.district.save({**consent, "status": "inactive"})
        go_on.set()
        await until(lambda: bool(endpoint.events))
    assert endpoint.events == [(1, None)]
    assert made["id"] not in endpoint.of("event-notification")[0].body.decode()
    told = f"interaction = 'notification' AND id = '{made['id']}'"
    assert not await rows(OWNER[0], f"SELECT 1 FROM hallpass.disclosure WHERE {told}")


async def test_a_notification_is_a_bundle_that_r4_allows(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url, content="full-resource"))
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
    for received in endpoint.received:
        Bundle.model_validate(received.bundle)
        assert all({"fullUrl", "request", "response"} <= set(e) for e in received.bundle["entry"])


async def test_of_a_record_that_becomes_visible_the_current_version_alone_is_an_event(
    scene: Scene, endpoint: Endpoint
) -> None:
    referral = scene.records["ServiceRequest"]
    for priority in ("urgent", "stat"):
        await scene.district.save({**referral, "priority": priority})
    async with telling(scene.world):
        await active(scene.clinic, subscription(endpoint.url, content="full-resource"))
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
        await asyncio.sleep(0.5)
    assert endpoint.events == [(1, f"ServiceRequest/{referral['id']}")]
    assert endpoint.of("event-notification")[0].bundle["entry"][1]["resource"]["priority"] == "stat"


async def test_of_a_type_that_the_subscribers_scopes_do_not_have_nothing_is_told(
    scene: Scene, endpoint: Endpoint
) -> None:
    await scene.release("ServiceRequest", "Encounter")
    scopes = "system/Subscription.cruds system/ServiceRequest.rs"
    narrow = await scene.world.client_of(scene.clinic.organization, scopes=scopes, purposes=("TREAT",))
    visit, referral = scene.records["Encounter"], scene.records["ServiceRequest"]
    async with telling(scene.world):
        await active(narrow, subscription(endpoint.url, "correction"))
        for record in (visit, referral):
            await scene.clinic.get(f"/{record['resourceType']}/{record['id']}")
        await scene.district.save({**visit, "status": "cancelled"})
        await scene.district.save({**referral, "priority": "stat"})
        await until(lambda: bool(endpoint.events))
        await asyncio.sleep(0.5)
    assert endpoint.events == [(1, f"ServiceRequest/{referral['id']}")]
