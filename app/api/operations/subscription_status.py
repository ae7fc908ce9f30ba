"""Subscription/$status and Subscription/[id]/$status: how Subscriptions stand.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/OperationDefinition-backport-subscription-status.html
"""

from __future__ import annotations

from fastapi import Request, Response

from app.api import http, parameters
from app.api.context import RequestContext
from app.capability.operation import Body, Call, Operation, Parameter
from app.errors import HallpassError, Kind, not_found
from app.exchange import following
from app.exchange.following import Told
from app.exchange.service import PendingResult, Session
from app.notify.bundle import statuses
from app.resources import ResourceType

STATUSES = frozenset({"requested", "active", "error", "off"})


async def answer(request: Request, context: RequestContext, _declared: ResourceType, id: str | None) -> Response:
    """The status of one Subscription, or of those that are asked for."""
    http.require_acceptable(request)
    ids, among = await _asked(request, context) if id is None else ([id], frozenset[str]())  # else both are ignored
    kept: list[Told] = []

    async def unit_of_work(session: Session) -> list[PendingResult]:
        kept[:] = await following.status(session, ids, among)
        return [PendingResult()]

    await context.one("status", unit_of_work)
    if id is not None and not kept:
        raise not_found()
    return http.respond(request, statuses(kept, context.base))


async def _asked(request: Request, context: RequestContext) -> tuple[list[str], frozenset[str]]:
    """Ids and statuses, from the query or from Parameters; repeated or with commas between them."""
    if request.method == "POST" and request.headers.get("Content-Length", "0") != "0":
        content = await context.body(request, "Subscription", "r")
        kinds = {"id": "valueId", "status": "valueCode"}
        given = parameters.read(content, kinds, many=frozenset(kinds))
        ids, among = _listed(given.get("id")), _listed(given.get("status"))
    else:
        unknown = set(request.query_params) - {"id", "status", "_format", "_pretty"}
        if unknown:
            raise HallpassError(Kind.UNKNOWN_PARAM, f"The parameter {sorted(unknown)[0]!r} is not known here.")
        query = request.query_params
        ids, among = ([v for t in query.getlist(n) for v in t.split(",") if v] for n in ("id", "status"))
    if set(among) - STATUSES:
        raise HallpassError(Kind.INVALID, f"A status is one of: {', '.join(sorted(STATUSES))}.")
    return ids, frozenset(among)


def _listed(value: object) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else [] if value is None else [str(value)]


def _call(method: str, *, instance: bool) -> Call:
    name = f"{'status' if method == 'GET' else 'postStatus'}Of{'Subscription' if instance else 'Subscriptions'}"
    summary = "How a Subscription stands" if instance else "How Subscriptions stand"
    return Call("GET" if method == "GET" else "POST", name, summary, instance=instance)


OPERATIONS = (
    Operation(
        name="status",
        type="Subscription",
        calls=(
            _call("GET", instance=False),
            _call("POST", instance=False),
            _call("GET", instance=True),
            _call("POST", instance=True),
        ),
        note="how Subscriptions stand: their status, how many events there were, and the last error",
        answer=answer,
        scopes=("system/Subscription.r",),
        parameters=(
            Parameter("id", "id", "Subscriptions that are asked for; all of the caller's where there is none.", 0, "*"),
            Parameter("status", "code", "Statuses that are asked for.", 0, "*"),
            Parameter(
                "return", "Bundle", "A searchset with one SubscriptionStatus, as Parameters, for each.", 1, use="out"
            ),
        ),
        body=Body(("Parameters",), "The ids and statuses that are asked for.", required=False),
        returns_text="A searchset with one SubscriptionStatus for each.",
    ),
)
