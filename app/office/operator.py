"""The operator's pages: members, agreements, clients, keys, jobs and health. Who operates sees no record here.

They show what `hallpass org list`, `agreement list`, `client list`, `jobs` and `doctor` print.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from app.auth.clients import Client
from app.db.network import Member
from app.errors import HallpassError, Kind
from app.exchange import overview
from app.exchange.overview import Clients
from app.exchange.service import PendingResult
from app.exchange.service import Session as Transaction
from app.office import words
from app.office.guard import get
from app.office.roles import OPERATOR
from app.office.staff import NOT_A_KEY
from app.office.visit import Visit

PATH = "/office/operator"
MOST = 150
"""Of one kind, that a page lists: it stays under 100 kB. The commands print all."""


def add(router: APIRouter) -> None:
    """The routes."""
    get(router, PATH, _network)
    get(router, f"{PATH}/clients", _clients)
    get(router, f"{PATH}/jobs", _jobs)


async def _enter(visit: Visit, looked: str) -> ZoneInfo:
    """Note who looks at what, and answer their time zone. Raises FORBIDDEN for another role."""
    if visit.staff.role is not OPERATOR:
        raise HallpassError(Kind.FORBIDDEN, "These pages are the operator's.")

    async def nothing(_transaction: Transaction) -> list[PendingResult]:
        return []

    return (await visit.perform("search", nothing, f"operator: {looked}")).zone


async def _network(request: Request, visit: Visit) -> Response:
    await _enter(visit, "network")
    found = await overview.of_network(request.app.state.db, visit.settings)
    return visit.page(
        "operator.html",
        findings=found.findings,
        agreements=found.agreements[:MOST],
        members=_below(found.members)[:MOST],
        more=max(len(found.agreements), len(found.members)) > MOST,
    )


def _below(members: list[Member]) -> list[tuple[Member, str]]:
    """Each with the name of the one that it is a part of; they come in the order of a tree."""
    line: list[str] = []
    found = []
    for member in members:
        line = [*line[: member.depth - 1], member.name]
        found.append((member, line[-2] if len(line) > 1 else ""))
    return found


async def _clients(request: Request, visit: Visit) -> Response:
    zone = await _enter(visit, "clients")
    found = await overview.of_clients(request.app.state.db, visit.settings)
    names = {m.id: m.name for m in found.members}
    now = datetime.now(UTC)
    keys = [
        {
            "kid": k.kid,
            "since": words.moment(k.created, zone),
            "age": f"{(now - k.created).days} days",
            "until": words.moment(k.retires, zone) if k.retires else "",
        }
        for k in found.signing
    ]
    rows = [{**_row(c, found, zone), "member": names.get(c.organization, "")} for c in found.clients[:MOST]]
    return visit.page("operator_clients.html", clients=rows, keys=keys, more=len(found.clients) > MOST)


def _row(client: Client, found: Clients, zone: ZoneInfo) -> dict[str, object]:
    """A client in words."""
    used, keys = found.used.get(client.id), found.keys.get(client.id)
    where = "signs in" if (client.jwks_uri or "").startswith(NOT_A_KEY) else "at its own address"
    return {
        "id": client.id,
        "name": client.name,
        "disabled": client.disabled is not None,
        "scopes": " ".join(client.scopes),
        "purposes": " ".join(sorted(client.purposes)),
        "emergency": client.emergency,
        "used": words.moment(used, zone) if used else "",
        "since": words.moment(keys, zone) if keys else where,
    }


async def _jobs(request: Request, visit: Visit) -> Response:
    zone = await _enter(visit, "jobs")
    found = await overview.of_jobs(request.app.state.db, visit.settings)
    kinds = [
        {
            "name": k.name,
            "waiting": k.waiting,
            "running": k.running,
            "failed": k.failed,
            "done": words.moment(k.done, zone) if k.done else "",
            "due": words.moment(k.due, zone) if k.due else "",
        }
        for k in found.kinds
    ]
    workers = [{"host": w.host, "since": words.moment(w.started, zone)} for w in found.workers]
    return visit.page("operator_jobs.html", kinds=kinds, failed=found.failed, workers=workers)
