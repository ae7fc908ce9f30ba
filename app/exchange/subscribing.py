"""What a write of a Subscription must hold, and what is kept of it for the worker.

https://hl7.org/fhir/uv/subscriptions-backport/STU1.1/workflow.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from app.caller import BREAK_THE_GLASS
from app.db import subscriptions
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.exchange import header_secrets
from app.keyring import Keyring
from app.scopes import EMERGENCY, allows
from app.session import Session
from app.subscriptions.definition import Definition, read

TYPE = "Subscription"


def definition_of(session: Session, content: dict[str, Any]) -> Definition:
    """What a Subscription asks for. Raises UNPROCESSABLE."""
    return read(content, session.zone, session.settings.fhir_base, allow_http=session.settings.allow_http_endpoints)


def without_secrets(session: Session, own: UUID, content: dict[str, Any]) -> dict[str, Any]:
    """A Subscription as it is stored, with its headers hidden; the session keeps their values until `keep`."""
    if session.worker or not isinstance(content.get("channel"), dict) or "header" not in content["channel"]:
        return content
    content, given = header_secrets.hidden(Keyring.of(session.settings), own, content)
    session.memory.headers[own] = given
    return content


def as_sent(session: Session, state: subscriptions.State, definition: Definition) -> Definition:
    """What a Subscription asks for, with the values of its headers: for a worker that calls the endpoint."""
    if state.headers is None:
        return definition
    headers = header_secrets.opened(Keyring.of(session.settings), state.id, state.headers)
    return replace(definition, headers=headers)


async def admit(session: Session, own: UUID, content: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """The content as it is stored. Raises UNPROCESSABLE for what the exchange will not do, FORBIDDEN by scope.

    `active` is the worker's to say, after a handshake: who asks for it asks for that.
    """
    if session.worker:
        return content
    definition = definition_of(session, content)
    header_secrets.require_known(content, before, session.memory.headers.get(own, {}))
    types = [t for t in definition.topic.types if allows(session.caller.scopes, t, "r")]
    if not types:
        needed = " or ".join(f"system/{t}.r" for t in definition.topic.types)
        raise HallpassError(Kind.FORBIDDEN, Issue(f"The topic needs a scope that the token lacks: {needed}."))
    await _require_allowed(session, definition)
    status = content.get("status")
    if status == "error" or (status == "active" and not before):
        text = "Set status to requested. The exchange sets active or error after it has tried the endpoint."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Subscription.status", "business-rule"))
    kept = {k: v for k, v in content.items() if k != "error"}
    return {**kept, "status": "requested"} if status == "active" else kept


async def keep(session: Session, row: Stored, content: dict[str, Any], before: dict[str, Any]) -> None:
    """Have the worker know of a Subscription that was written."""
    if session.worker:
        await subscriptions.set_status(session.connection, row.id, str(content["status"]))
        return
    definition = definition_of(session, content)
    values = {
        "id": row.id,
        "custodian": row.custodian,
        "client": session.caller.client,
        "purposes": sorted(session.caller.purposes - {BREAK_THE_GLASS}),
        "scopes": sorted(s.text for s in session.caller.scopes if s != EMERGENCY),
        "status": content["status"],
        "ends": definition.end,
        "heartbeat": definition.heartbeat,
        "headers": await _sealed(session, row.id, content),
        "restart": any(before.get(name) != content.get(name) for name in ("criteria", "_criteria")),
    }
    await subscriptions.put(session.connection, values)


async def forget(session: Session, subscription: UUID) -> None:
    """Have the worker know no more of a Subscription that was deleted."""
    await subscriptions.remove(session.connection, subscription)


async def _sealed(session: Session, own: UUID, content: dict[str, Any]) -> str | None:
    if not content["channel"].get("header"):
        return None
    before = (await subscriptions.states(session.connection, [own])).get(own)
    given = session.memory.headers.get(own, {})
    return header_secrets.sealed(Keyring.of(session.settings), own, content, given, before.headers if before else None)


async def _require_allowed(session: Session, definition: Definition) -> None:
    loopback = session.settings.allow_http_endpoints and definition.endpoint.startswith("http://")
    if not loopback and not await subscriptions.endpoint_allowed(session.connection, definition.endpoint):
        text = (
            "The operator has not allowed this endpoint for your organization. Ask for it (`hallpass endpoint allow`)."
        )
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Subscription.channel.endpoint", "business-rule"))
