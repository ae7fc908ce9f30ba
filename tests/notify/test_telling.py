"""What a subscriber is told: everything that it may see, nothing else, by number, and on the ledger."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.consent.codes import ACT_CODE, PART2
from tests import build
from tests.databases import rows
from tests.exchange.test_accompanying import part2_consent
from tests.notify.asking import active, subscription, telling, until
from tests.notify.endpoint import Endpoint, listening
from tests.scene import Scene, ledger, set_scene
from tests.world import World


async def test_a_referral_is_told_when_the_release_makes_it_visible_and_when_it_changes(
    scene: Scene, endpoint: Endpoint
) -> None:
    referral = scene.records["ServiceRequest"]
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url))
        await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 1)
        await scene.district.save({**referral, "priority": "urgent"})
        await until(lambda: len(endpoint.events) == 2)
    assert endpoint.events == [(n, f"ServiceRequest/{referral['id']}") for n in (1, 2)]
    assert all("resource" not in e for r in endpoint.of("event-notification") for e in r.bundle["entry"][1:])


async def test_what_was_visible_before_is_no_event(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url))
        second = await scene.district.create(build.referral(scene.student))
        await until(lambda: bool(endpoint.events))
    assert endpoint.events == [(1, f"ServiceRequest/{second['id']}")]


async def test_what_becomes_visible_while_the_exchange_shakes_hands_is_told(scene: Scene, endpoint: Endpoint) -> None:
    """What was there is counted before, so that nothing falls between the count and the first event."""
    endpoint.delay = 3.0
    async with telling(scene.world):
        created = await scene.clinic.create(subscription(endpoint.url))
        counted = f"SELECT 1 FROM hallpass.subscription WHERE id = '{created['id']}' AND since IS NOT NULL"

        async def is_counted() -> bool:
            return bool(await rows(scene.world.db.owner, counted))

        await until(is_counted)
        status = (await scene.clinic.get(f"/Subscription/{created['id']}")).json()["status"]
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
    assert status == "requested"
    assert endpoint.events == [(1, f"ServiceRequest/{scene.records['ServiceRequest']['id']}")]


async def test_nothing_is_told_of_what_no_release_opens(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world), listening() as own:
        await active(scene.world, scene.stranger, subscription(endpoint.url))
        await active(scene.world, scene.district, subscription(own.url))
        await scene.district.create(build.referral(scene.student))
        await until(lambda: bool(own.events))
        await asyncio.sleep(0.5)
    assert not endpoint.events


async def test_each_record_that_is_told_is_on_the_ledger_as_a_notification(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, content="full-resource"))
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
    (entry,) = endpoint.of("event-notification")[0].bundle["entry"][1:]
    assert entry["resource"]["id"] == scene.records["ServiceRequest"]["id"]
    assert "NORDSCLCD" in str(entry["resource"]["meta"]["security"])
    entered = await rows(
        scene.world.db.owner,
        "SELECT interaction, version FROM hallpass.disclosure"
        f" WHERE id = '{entry['resource']['id']}' AND recipient = '{scene.clinic.organization}'",
    )
    assert [tuple(r) for r in entered] == [("notification", 1)]


async def test_a_record_under_part_2_is_told_with_its_consent(scene: Scene, endpoint: Endpoint) -> None:
    """42 CFR 2.32. The Consent is no event, and on the ledger as well."""
    adult = await scene.district.create(build.patient("adult", birthDate="2000-05-02"))
    label = {"system": ACT_CODE, "code": PART2}
    referral = await scene.district.create(build.referral(adult, meta={"security": [label]}))
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, content="full-resource"))
        consent = await scene.district.create(part2_consent(scene, adult, "ServiceRequest"))
        await until(lambda: bool(endpoint.events))
    assert endpoint.events == [(1, f"ServiceRequest/{referral['id']}")]
    told = endpoint.of("event-notification")[0].bundle["entry"][1:]
    assert [e["resource"]["id"] for e in told] == [referral["id"], consent["id"]]
    assert ("Consent", UUID(consent["id"]), 1, "notification") in [
        e[:4] for e in await ledger(scene.world, scene.clinic)
    ]


async def test_an_empty_notification_names_nothing_and_is_entered_as_a_number(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, content="empty"))
        await scene.release("ServiceRequest")
        await until(lambda: bool(endpoint.events))
    (told,) = endpoint.of("event-notification")
    assert told.events == [(1, None)]
    assert len(told.bundle["entry"]) == 1
    assert not [s for s in (*scene.secrets, "topic") if s in told.body.decode()]
    assert await entered(scene) == [("query", None, ["_summary"], scene.district.organization)]


async def entered(scene: Scene) -> list[tuple[Any, ...]]:
    """What the clinic's notifications are on the ledger with."""
    found = await rows(
        scene.world.db.owner,
        "SELECT basis, student, parameters, custodian FROM hallpass.disclosure"
        f" WHERE recipient = '{scene.clinic.organization}' AND interaction = 'notification'",
    )
    return [tuple(r) for r in found]


@pytest.mark.parametrize("content", ["empty", "id-only"])
async def test_what_a_filter_asks_of_others_records_is_entered_whatever_it_finds(
    scene: Scene, endpoint: Endpoint, content: str
) -> None:
    """A filter is a question: that nothing is told answers it too."""
    await scene.release("ServiceRequest")
    student = scene.student["id"]
    asked = subscription(endpoint.url, "referral", f"patient=Patient/{student}", "priority:not=stat", content=content)
    async with telling(scene.world):
        made = await active(scene.world, scene.clinic, asked)
        await scene.district.create(build.referral(scene.student, priority="stat"))

        async def looked() -> bool:
            return bool(await entered(scene))

        await until(looked)
    asked_by = ["patient", "priority:not", *(["_summary"] if content == "empty" else [])]
    assert await entered(scene) == [("query", None, asked_by, scene.district.organization)]
    assert endpoint.events == []
    status = (await scene.clinic.get(f"/Subscription/{made['id']}/$status")).text
    assert '"events-since-subscription-start","valueString":"0"' in status


async def test_what_an_ended_release_opened_is_told_again_when_another_opens_it(
    scene: Scene, endpoint: Endpoint
) -> None:
    referral = scene.records["ServiceRequest"]["id"]
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url))
        consent = await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 1)
        await scene.district.save({**consent, "status": "inactive"})
        await asyncio.sleep(1)
        await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 2)
    assert endpoint.events == [(1, f"ServiceRequest/{referral}"), (2, f"ServiceRequest/{referral}")]


@pytest.mark.parametrize("type_", ["ServiceRequest?", "ServiceRequest.", ""])
async def test_a_filter_is_read_in_each_of_its_spellings(scene: Scene, endpoint: Endpoint, type_: str) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, "referral", f"{type_}priority=urgent"))
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
        await active(scene.world, scene.clinic, subscription(endpoint.url, "correction"))
        unread = await scene.district.create(build.referral(scene.student))
        await scene.district.save({**unread, "priority": "urgent"})
        await scene.clinic.get(f"/ServiceRequest/{referral['id']}")
        await scene.district.save({**referral, "priority": "stat"})
        await until(lambda: bool(endpoint.events))
        await asyncio.sleep(0.5)
    assert endpoint.events == [(1, f"ServiceRequest/{referral['id']}")]


async def test_a_release_that_is_signed_and_ended_is_told(scene: Scene, endpoint: Endpoint) -> None:
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, "release"))
        consent = await scene.release("ServiceRequest")
        await until(lambda: len(endpoint.events) == 1)
        await scene.district.save({**consent, "status": "inactive"})
        await until(lambda: len(endpoint.events) == 2)
    assert endpoint.events == [(n, f"Consent/{consent['id']}") for n in (1, 2)]


async def test_events_are_read_by_number(scene: Scene, endpoint: Endpoint) -> None:
    await scene.release("ServiceRequest")
    async with telling(scene.world):
        created = await active(scene.world, scene.clinic, subscription(endpoint.url))
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


async def test_without_a_caller_the_apps_role_reads_no_subscription(scene: Scene, endpoint: Endpoint) -> None:
    await scene.clinic.create(subscription(endpoint.url))
    async with scene.world.db.begin() as connection:
        for table in ("subscription", "subscription_event"):
            assert not (await connection.execute(text(f"SELECT 1 FROM hallpass.{table}"))).all()


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
        asked = [await active(scene.world, member, subscription(where.url, "overdue")) for member, where in both]
        for shift, which in ((f"{days} days 1 minute", made), (f"{days} days -1 hour", fresh)):
            moved = f"updated = now() - interval '{shift}' WHERE id = '{which['id']}'"
            await rows(scene.world.db.owner, f"UPDATE hallpass.resource SET {moved} RETURNING 1")
        back = "since = since - interval '2 minutes', walked = '-infinity'"
        ids = ", ".join(f"'{a['id']}'" for a in asked)
        await rows(scene.world.db.owner, f"UPDATE hallpass.subscription SET {back} WHERE id IN ({ids}) RETURNING 1")
        await until(lambda: bool(endpoint.events) and bool(own.events))
        await asyncio.sleep(0.5)
    assert endpoint.events == own.events == [(1, f"Task/{made['id']}")]


async def test_of_a_record_that_becomes_visible_the_current_version_alone_is_an_event(
    scene: Scene, endpoint: Endpoint
) -> None:
    referral = scene.records["ServiceRequest"]
    for priority in ("urgent", "stat"):
        await scene.district.save({**referral, "priority": priority})
    async with telling(scene.world):
        await active(scene.world, scene.clinic, subscription(endpoint.url, content="full-resource"))
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
        await active(scene.world, narrow, subscription(endpoint.url, "correction"))
        for record in (visit, referral):
            await scene.clinic.get(f"/{record['resourceType']}/{record['id']}")
        await scene.district.save({**visit, "status": "cancelled"})
        await scene.district.save({**referral, "priority": "stat"})
        await until(lambda: bool(endpoint.events))
        await asyncio.sleep(0.5)
    assert endpoint.events == [(1, f"ServiceRequest/{referral['id']}")]


async def test_what_a_part_is_told_of_is_not_counted_for_the_whole(world: World, endpoint: Endpoint) -> None:
    """A release that names a clinic opens nothing to the network above it, and tells it of no number either."""
    scene = await set_scene(world)
    network = await world.member("Network of clinics")
    clinic = await world.member("Clinic of the network", part_of=network.organization)
    await world.agree(scene.district, clinic)
    async with telling(world):
        made = await active(world, clinic, subscription(endpoint.url))
        parties = scene.district.reference, clinic.reference
        signed = build.consent(scene.student, scene.records["RelatedPerson"], *parties, classes=("ServiceRequest",))
        await scene.district.create(signed)
        await until(lambda: len(endpoint.events) == 1)
    path = f"/Subscription/{made['id']}"
    assert len((await clinic.get(f"{path}/$events")).json()["entry"]) == 2
    assert (await clinic.get("/Subscription/$status")).json()["total"] == 1
    assert (await network.get(path)).status_code == 200
    assert (await network.get(f"{path}/$events")).status_code == 404
    for asked in ("/Subscription/$status", f"{path}/$status"):
        assert "notification-event" not in (answer := (await network.get(asked)).text)
        assert '"events-since-subscription-start"' not in answer
