"""The definitions of the topics of the exchange, from their declarations.

https://hl7.org/fhir/R4B/subscriptiontopic.html
"""

from __future__ import annotations

from functools import cache

from app.search.parameters import PARAMETERS
from app.subscriptions.definition import CONTENTS
from app.subscriptions.matching import SERVED
from app.subscriptions.topics import OURS, TOPICS, Topic
from app.terminology.definition import PUBLISHED, PUBLISHER, VERSION, Json

HL7 = "http://hl7.org/fhir/StructureDefinition"


@cache
def topic_definitions() -> dict[str, Json]:
    """Each topic of ours by its id, the end of its URL; another guide's topics are defined there."""
    return {t.url.rpartition("/")[2]: _definition(t) for t in TOPICS if t.url.startswith(f"{OURS}/")}


def _definition(topic: Topic) -> Json:
    interactions = [] if topic.overdue else ["update"] if topic.corrects else ["create", "update"]
    asked = {"supportedInteraction": interactions} if interactions else {}
    return {
        "resourceType": "SubscriptionTopic",
        "id": topic.url.rpartition("/")[2],
        "url": topic.url,
        "version": VERSION,
        "title": topic.title,
        "status": "active",
        "experimental": False,
        "date": PUBLISHED,
        "publisher": PUBLISHER,
        "description": f"{topic.description} Told with one of these contents: {', '.join(CONTENTS)}.",
        "resourceTrigger": [
            {"description": topic.description, "resource": f"{HL7}/{name}", **asked} for name in topic.types
        ],
        "canFilterBy": [
            {"resource": f"{HL7}/{name}", "filterParameter": p.code, "filterDefinition": p.url}
            for name in topic.types
            for p in PARAMETERS[name].values()
            if (p.kind, None) in SERVED
        ],
        "notificationShape": [{"resource": f"{HL7}/{name}"} for name in topic.types],
    }
