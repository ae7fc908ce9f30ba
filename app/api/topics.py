"""The topics that a Subscription can name, each a SubscriptionTopic under its canonical URL, without a token.

https://hl7.org/fhir/R4B/subscriptiontopic.html — R4 has no such type, so this is R4B's, which the guide is written for.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from app.api import http
from app.capability.topics import topic_definitions
from app.errors import not_found
from app.fhir.json import dump


def add(router: APIRouter) -> None:
    """The route of the topics."""

    @router.get("/SubscriptionTopic/{id}", operation_id="readTopic", summary="A topic", tags=["Definitions"])
    async def read(request: Request, id: str) -> Response:
        http.require_acceptable(request)
        http.parameters(request)
        found = topic_definitions().get(id)
        if found is None:
            raise not_found()
        return http.respond(request, dump(found))
