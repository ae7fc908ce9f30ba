"""What the rule needs of an Organization: its place in the tree, its time zone, its state."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from app.consent import codes as c
from app.consent.recipients import BY_CODE, classes_of
from app.db import projections, write
from app.db import read as store
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.projections.projection import Projection, one_by_one
from app.resources.paths import first, values
from app.resources.refs import local_id
from app.session import Session


async def _compute(session: Session, row: Stored, content: dict[str, Any], _zone: ZoneInfo) -> Any:
    if row.deleted:
        return None
    honor = any(
        e.get("url") == c.HONOR_EXTENSION and e.get("valueBoolean") is True for e in values(content, "extension")
    )
    before = await projections.place(session.connection, row.id)
    kept = before[1] if before else session.settings.time_zone
    state, parent = first(content, "address.state"), local_id(content.get("partOf"))
    return projections.OrganizationPlace(parent, time_zone(content) or kept, honor, state, _classes(content))


def _classes(content: dict[str, Any]) -> frozenset[UUID]:
    try:
        return classes_of(content)
    except KeyError:
        text = f"Unknown class of recipients. Use one of: {', '.join(BY_CODE)}."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Organization.type", "code-invalid")) from None


async def _current(session: Session, row: Stored) -> Any:
    return await projections.place(session.connection, row.id)


async def _store(session: Session, row: Stored, place: Any) -> None:
    if place is None:
        if not await write.remove_organization(session.connection, row.id):
            raise HallpassError(
                Kind.CONFLICT,
                "The organization still has API clients, organizations under it, or records. Remove those first.",
            )
        return
    parent, zone, honor, state, classes = place
    before = await projections.place(session.connection, row.id)
    kept = before is not None and before[0] == parent
    if before is None and parent is None and not session.operator:
        text = "You can add an organization under your own: name it in partOf. Ask the operator for any other."
        raise HallpassError(Kind.FORBIDDEN, Issue(text, "Organization.partOf"))
    if before is not None and not session.operator and not await session.holds(row.id):
        text = "An organization's entry is its own, or that of one above it. Ask the operator to change it."
        raise HallpassError(Kind.FORBIDDEN, Issue(text, "Organization"))
    if parent is not None and not kept and not session.operator and not await session.holds(parent):
        text = "You can place an organization under your own. Ask the operator for any other move."
        raise HallpassError(Kind.FORBIDDEN, Issue(text, "Organization.partOf"))
    _require_own_classes(session, before, classes)
    if before and before[1] != zone and await store.holds_records(session.connection, row.id):
        text = "The time zone cannot change: the organization holds records whose dates are in it."
        raise HallpassError(Kind.CONFLICT, Issue(text, "Organization.extension", "business-rule"))
    placed = await write.place_organization(session.connection, row.id, parent, zone, honor, state, classes)
    if placed == "cycle":
        text = "An organization cannot be part of itself."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Organization.partOf", "business-rule"))
    if placed == "deep":
        text = "The tree of organizations is no deeper than 12. Place it under one that is nearer to the top."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Organization.partOf", "business-rule"))
    if placed == "member":
        text = (
            "This organization has API clients of its own. Where it belongs, its state, its time zone and its choice on"
            " releases past majority decide who sees its records. Ask it to change its own, or the operator."
        )
        raise HallpassError(Kind.FORBIDDEN, Issue(text, "Organization"))


def _require_own_classes(
    session: Session, before: projections.OrganizationPlace | None, classes: frozenset[UUID]
) -> None:
    """Raise FORBIDDEN where a member says of which class of recipients an organization is."""
    if classes != (before.classes if before else frozenset()) and not session.operator:
        text = "Which class of recipients an organization is of is the operator's to say: releases may name it."
        raise HallpassError(Kind.FORBIDDEN, Issue(text, "Organization.type"))


def time_zone(organization: dict[str, Any]) -> str | None:
    """The time zone that an Organization names. Raises UNPROCESSABLE for one that does not exist."""
    stated = [e for e in values(organization, "extension") if e.get("url") == c.TIME_ZONE_EXTENSION]
    name = str(stated[0].get("valueCode")) if stated else None
    if name is not None and name not in available_timezones():
        text = "Unknown time zone. Use a name such as America/Chicago."
        raise HallpassError(Kind.UNPROCESSABLE, Issue(text, "Organization.extension", "code-invalid"))
    return name


ORGANIZATION = Projection(_compute, _current, one_by_one(_store))
