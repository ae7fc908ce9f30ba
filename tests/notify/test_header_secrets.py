"""The headers of a Subscription are sent to its endpoint, and shown to nobody."""

from __future__ import annotations

import pytest

from tests.databases import rows
from tests.notify.asking import subscription, telling, until
from tests.notify.endpoint import Endpoint
from tests.scene import Scene

SECRET = "Bearer quite-a-secret"
HEADERS = {"header": [f"Authorization: {SECRET}", "X-Tenant: north"]}
PLACES = "SELECT string_agg(convert_from(r.body, 'UTF8'), '') FROM hallpass.resource r WHERE r.id = '{0}'"


async def test_the_secret_of_a_header_is_stored_sealed_and_never_shown(scene: Scene, endpoint: Endpoint) -> None:
    created = await scene.clinic.create(subscription(endpoint.url, channel_more=HEADERS))
    path = f"/Subscription/{created['id']}"
    seen = [str(created), *[(await scene.clinic.get(p)).text for p in (path, f"{path}/_history", "/Subscription")]]
    seen.append(str(await rows(scene.world.db.owner, PLACES.format(created["id"]))))
    kept = f"SELECT * FROM hallpass.subscription WHERE id = '{created['id']}'"
    seen.append(str(await rows(scene.world.db.owner, kept)))
    assert not [text for text in seen if "quite-a-secret" in text or "north" in text]
    assert [h.partition(" (")[0] for h in created["channel"]["header"]] == [
        "Authorization: ********",
        "X-Tenant: ********",
    ]


async def test_a_push_of_the_same_secret_writes_no_version_and_of_another_does(
    scene: Scene, endpoint: Endpoint
) -> None:
    asked = subscription(endpoint.url, channel_more=HEADERS)
    created = await scene.clinic.create(asked)
    path = f"/Subscription/{created['id']}"
    again = await scene.clinic.put(path, {**asked, "id": created["id"]})
    assert again.json()["meta"]["versionId"] == "1"
    other = {**asked["channel"], "header": ["Authorization: Bearer new", "X-Tenant: north"]}
    changed = await scene.clinic.put(path, {**asked, "id": created["id"], "channel": other})
    assert changed.json()["meta"]["versionId"] == "2"
    async with telling(scene.world):
        await until(lambda: bool(endpoint.received))
    assert endpoint.received[0].headers["authorization"] == "Bearer new"


async def test_who_sends_back_what_it_read_keeps_its_secret(scene: Scene, endpoint: Endpoint) -> None:
    created = await scene.clinic.create(subscription(endpoint.url, channel_more=HEADERS))
    changed = await scene.clinic.put(f"/Subscription/{created['id']}", {**created, "reason": "Another reason"})
    assert changed.status_code == 200, changed.text
    async with telling(scene.world):
        await until(lambda: bool(endpoint.received))
    assert endpoint.received[0].headers["authorization"] == SECRET
    assert endpoint.received[0].headers["x-tenant"] == "north"


@pytest.mark.parametrize("other", ["endpoint", "mark"])
async def test_a_hidden_secret_goes_to_no_other_endpoint_and_is_not_guessed(
    scene: Scene, endpoint: Endpoint, other: str
) -> None:
    created = await scene.clinic.create(subscription(endpoint.url, channel_more=HEADERS))
    channel = dict(created["channel"])
    if other == "endpoint":
        channel["endpoint"] += "/elsewhere"
    else:
        channel["header"] = ["Authorization: ******** (0123456789abcdef)"]
    refused = await scene.clinic.put(f"/Subscription/{created['id']}", {**created, "channel": channel})
    assert refused.status_code == 422, refused.text
    assert refused.json()["issue"][0]["expression"] == ["Subscription.channel.header"]
    assert "quite-a-secret" not in refused.text
