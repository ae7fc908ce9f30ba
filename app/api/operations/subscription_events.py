"""Subscription/[id]/$events: events by their numbers, judged again.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-events.html
"""

from __future__ import annotations

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Kind
from app.exchange import following
from app.exchange.following import Told
from app.exchange.service import PendingResult, Session
from app.notify.bundle import notification
from app.resources import ResourceType
from app.subscriptions.definition import CONTENTS

NAMES = {"eventsSinceNumber": "valueString", "eventsUntilNumber": "valueString", "content": "valueCode"}
LONGEST = 15
"""Digits of a number."""


async def answer(request: Request, context: RequestContext, _declared: ResourceType, id: str) -> Response:
    """A notification with the events from a number to another, both included."""
    http.require_acceptable(request)
    given = http.parameters(request, *NAMES)
    if request.method == "POST" and request.headers.get("Content-Length", "0") != "0":
        content = await context.body(request, "Subscription", "r")
        given |= {k: str(v) for k, v in parameters.read(content, NAMES).items()}
    first, last = _number(given, "eventsSinceNumber"), _number(given, "eventsUntilNumber")
    asked = given.get("content")
    if asked is not None and asked not in CONTENTS:
        raise HallpassError(Kind.INVALID, f"The content is one of: {', '.join(CONTENTS)}.")
    kept: list[Told] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        told, pending = await following.events(session, id, first or 1, last, asked)
        kept[:] = [told]
        return [pending]

    result = await context.one("notification", unit_of_work)
    return http.respond(request, notification(kept[0], result.released, context.base))


def _number(given: dict[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > LONGEST:
        raise HallpassError(Kind.INVALID, f"{name} is the number of an event.")
    return int(text)


OPERATIONS = (
    Operation(
        name="events",
        type="Subscription",
        calls=(
            Call("GET", "eventsOfSubscription", "Events of a Subscription by number"),
            Call("POST", "postEventsOfSubscription", "Events of a Subscription by number"),
        ),
        note="events by their numbers; one whose record is no longer visible keeps its number and has no focus",
        answer=answer,
        scopes=("system/Subscription.r",),
        parameters=(
            Parameter("eventsSinceNumber", "string", "The first number; 1 where it is left out."),
            Parameter("eventsUntilNumber", "string", "The last number."),
            Parameter(
                "content", "code", "empty, id-only or full-resource; that of the Subscription where it is left out."
            ),
            Parameter("return", "Bundle", "A notification of type query-event.", 1, use="out"),
        ),
        body=Body(("Parameters",), "The numbers and the content that are asked for.", required=False),
        returns_text="A notification of type query-event.",
    ),
)
