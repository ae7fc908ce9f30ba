"""Each topic of ours is defined where its URL says. https://hl7.org/fhir/R4B/subscriptiontopic.html"""

from __future__ import annotations

import pytest
from fhir.resources.R4B.subscriptiontopic import SubscriptionTopic

from app.subscriptions.topics import OURS, TOPICS
from tests.world import BASE, World


@pytest.mark.parametrize("topic", [t for t in TOPICS if t.url.startswith(OURS)], ids=lambda t: t.title)
async def test_a_topic_is_defined_under_its_url_with_its_types_and_filters(world: World, topic: object) -> None:
    url = topic.url  # type: ignore[attr-defined]
    found = (await world.http.get(f"{BASE}/fhir/SubscriptionTopic/{url.rpartition('/')[2]}")).json()
    SubscriptionTopic.model_validate(found)
    assert found["url"] == url
    triggers = [t["resource"].rpartition("/")[2] for t in found["resourceTrigger"]]
    assert triggers == list(topic.types)  # type: ignore[attr-defined]
    assert "status" in {f["filterParameter"] for f in found["canFilterBy"]} or {"Patient", "Group"} & {*triggers}


async def test_an_unknown_topic_is_absent_and_a_known_one_is_told_in_xml(world: World) -> None:
    assert (await world.http.get(f"{BASE}/fhir/SubscriptionTopic/none")).status_code == 404
    told = await world.http.get(f"{BASE}/fhir/SubscriptionTopic/referral?_format=xml")
    assert told.text.startswith('<?xml version="1.0" encoding="UTF-8"?><SubscriptionTopic xmlns=')
