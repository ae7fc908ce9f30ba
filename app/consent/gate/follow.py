"""What follows from a write: the small tables that releases are judged against, and the releases themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from app.consent import codes as c
from app.consent.compile import read as read_consent
from app.consent.gate.door import Door
from app.consent.gate.situation import situation
from app.consent.rules import Agreement
from app.consent.signing import authority
from app.errors import HallpassError, Issue, Kind
from app.fhir.dates import BEGINNING, END, born, period
from app.resources import ResourceType
from app.resources.paths import values
from app.resources.refs import local_id
from app.store import read as store
from app.store import write
from app.store.rows import Stored

Follow = Callable[[Door, Stored, dict[str, Any], ZoneInfo], Awaitable[None]]


async def follow(door: Door, declared: ResourceType, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> None:
    """Bring what depends on this resource up to date, in the same transaction."""
    step = _STEPS.get(declared.name)
    if step is not None:
        await step(door, row, content, zone)


async def _patient(door: Door, row: Stored, content: dict[str, Any], _zone: ZoneInfo) -> None:
    day = content.get("birthDate")
    known = born(day) if day and not row.deleted else None
    await write.commit_everywhere(door.connection)
    await write.put_student(door.connection, row.shard, row.custodian, known)


async def _related_person(door: Door, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> None:
    window = None if row.deleted else authority(content, zone)
    await write.commit_everywhere(door.connection)
    await write.put_authority(door.connection, row.shard, row.id, row.custodian, window)


async def _affiliation(door: Door, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> None:
    await write.commit_everywhere(door.connection)
    await write.put_agreements(door.connection, row.id, [] if row.deleted else agreements(content, row, zone))


def agreements(content: dict[str, Any], row: Stored, zone: ZoneInfo) -> list[Agreement]:
    """Who may disclose to whom by an OrganizationAffiliation.

    `code` says the part of the participating organization: recipient (IRCP), discloser (CST), or both. Without a
    direction it agrees to nothing.
    """
    one, other = local_id(content.get("organization")), local_id(content.get("participatingOrganization"))
    if content.get("active") is not True or one is None or other is None:
        return []
    stated = period(content["period"], zone) if content.get("period") else None
    window = (stated.lower, stated.upper) if stated else (BEGINNING, END)
    roles = {x.get("code") for x in values(content, "code.coding") if x.get("system") == c.PARTICIPATION}
    found = []
    if "IRCP" in roles:
        found.append(Agreement(row.custodian, one, other, window))
    if "CST" in roles:
        found.append(Agreement(row.custodian, other, one, window))
    return found


async def _organization(door: Door, row: Stored, content: dict[str, Any], _zone: ZoneInfo) -> None:
    if row.deleted:
        if not await write.remove_organization(door.connection, row.id):
            raise HallpassError(Kind.CONFLICT, "The organization has clients, parts or records.")
        return
    parent = local_id(content.get("partOf"))
    line = await store.line(door.connection, row.id)
    if parent is not None and parent not in (*line[1:2], *door.below) and not door.operator:
        text = "An organization becomes a part of your own or of one below it; other moves are the operator's."
        raise HallpassError(Kind.FORBIDDEN, Issue(text, "Organization.partOf"))
    placed = await write.place_organization(
        door.connection, row.id, parent, time_zone(content) or door.settings.time_zone, _honours(content)
    )
    if placed == "cycle":
        raise HallpassError(
            Kind.UNPROCESSABLE, Issue("An organization is no part of itself.", "Organization.partOf", "business-rule")
        )
    if placed == "member":
        text = "The organization calls for itself: its place is the operator's to change."
        raise HallpassError(Kind.FORBIDDEN, Issue(text, "Organization.partOf"))


def time_zone(organization: dict[str, Any]) -> str | None:
    """The time zone that an Organization names. Raises UNPROCESSABLE for one that does not exist."""
    stated = [e for e in values(organization, "extension") if e.get("url") == c.TIME_ZONE_EXTENSION]
    name = str(stated[0].get("valueCode")) if stated else None
    if name is not None and name not in available_timezones():
        raise HallpassError(
            Kind.UNPROCESSABLE, Issue("There is no such time zone.", "Organization.extension", "code-invalid")
        )
    return name


def _honours(organization: dict[str, Any]) -> bool:
    return any(
        e.get("url") == c.HONOUR_EXTENSION and e.get("valueBoolean") is True for e in values(organization, "extension")
    )


async def _consent(door: Door, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> None:
    """Compile an active Consent, or take its release away. Raises UNPROCESSABLE with every gap."""
    await write.commit_everywhere(door.connection)
    before = await store.recipients(door.connection, row.shard, row.id)
    release = None
    if content.get("status") == "active" and not row.deleted:
        reading = read_consent(content, row.id, row.version, await situation(door, row, content, zone))
        if reading.gaps:
            raise HallpassError(Kind.UNPROCESSABLE, *reading.gaps)
        release = reading.release
    await write.put_release(door.connection, row.shard, row.id, release)
    reached = before | (release.recipients if release else frozenset())
    if reached:
        await write.index_student(door.connection, row.shard, reached)


_STEPS: dict[str, Follow] = {
    "Patient": _patient,
    "RelatedPerson": _related_person,
    "OrganizationAffiliation": _affiliation,
    "Organization": _organization,
    "Consent": _consent,
}
