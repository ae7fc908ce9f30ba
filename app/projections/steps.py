"""What follows from a write: the small tables that releases are judged against, and the releases themselves.

Each step says what the tables should hold (`expect`), what they do hold (`load`), and puts it there (`save`), so
that a write and `hallpass verify` go by the same words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from sqlalchemy.ext.asyncio import AsyncConnection

from app.consent import codes as c
from app.consent.lapses import held
from app.consent.model import Agreement, Release, Window
from app.consent.narrowing import narrows
from app.consent.parse import ParsedConsent
from app.consent.parse import read as read_consent
from app.consent.recipients import BY_CODE, classes_of
from app.consent.signing import guards_an_adult
from app.db import projections, write
from app.db import read as store
from app.db.caller import Write, lock_writes
from app.db.rows import Stored
from app.errors import HallpassError, Issue, Kind
from app.fhir.dates import BEGINNING, END, born, period
from app.projections.consent_context import adult_by, consent_context, standing_authority, versions_of
from app.resources import ResourceType
from app.resources.paths import first, values
from app.resources.refs import local_id
from app.session import Session

Compute = Callable[[Session, Stored, dict[str, Any], ZoneInfo], Awaitable[Any]]
Current = Callable[[Session, Stored], Awaitable[Any]]
Store = Callable[[Session, Stored, dict[str, Any], Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Projection:
    """What depends on the resources of one type."""

    compute: Compute
    current: Current
    store: Store


async def update_projections(
    session: Session, declared: ResourceType, row: Stored, content: dict[str, Any], zone: ZoneInfo
) -> None:
    """Bring what depends on this resource up to date, in the same transaction.

    What ends or narrows a release commits on every standby before it is answered.
    """
    projection = PROJECTIONS.get(declared.name)
    if projection is not None:
        await write.commit_everywhere(session.connection)
        await projection.store(session, row, content, await projection.compute(session, row, content, zone))


async def _born(session: Session, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> Any:
    day = content.get("birthDate")
    return (born(day), await adult_by(session, row, content, zone)) if day and not row.deleted else None


async def _save_born(session: Session, row: Stored, _content: dict[str, Any], known: Any) -> None:
    before = await projections.born(session.connection, row.compartment)
    if before != known:
        await write.put_student(session.connection, row.compartment, row.custodian, known)
        await write.refresh_validity(session.connection, row.compartment, row.custodian)


async def _authority(session: Session, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> Any:
    window = await standing_authority(session, row, zone)
    return (window, guards_an_adult(content)) if window else None


async def _save_authority(session: Session, row: Stored, _content: dict[str, Any], window: Any) -> None:
    before = await projections.authority(session.connection, row.compartment, row.id)
    if before != window:
        await write.put_authority(session.connection, row.compartment, row.id, row.custodian, window)
        await write.refresh_validity(session.connection, row.compartment, row.custodian)


async def _agreements(session: Session, row: Stored, _content: dict[str, Any], zone: ZoneInfo) -> frozenset[Agreement]:
    """Who may and might disclose to whom by an OrganizationAffiliation, each time that it was so without a break."""
    versions = [(at, _agreed(content, zone)) for at, content in await versions_of(session, row)]
    return frozenset(
        Agreement(row.custodian, *pair, window)
        for pair in {pair for _, agreed in versions for pair in agreed}
        for window in held([(at, agreed.get(pair)) for at, agreed in versions])
    )


def _agreed(content: dict[str, Any] | None, zone: ZoneInfo) -> dict[tuple[UUID, UUID], Window]:
    """Discloser and recipient, with the window, by one version of an OrganizationAffiliation; None: it was deleted.

    `code` says the part of the participating organization: recipient (IRCP), discloser (CST), or both. Without a
    direction it agrees to nothing.
    """
    one, other = (local_id((content or {}).get(x)) for x in ("organization", "participatingOrganization"))
    if content is None or content.get("active") is not True or one is None or other is None:
        return {}
    stated = period(content["period"], zone) if content.get("period") else None
    window = (stated.lower, stated.upper) if stated else (BEGINNING, END)
    roles = {x.get("code") for x in values(content, "code.coding") if x.get("system") == c.PARTICIPATION}
    ways = {"IRCP": (one, other), "CST": (other, one)}
    return {ways[role]: window for role in roles & set(ways)}


async def _save_agreements(
    session: Session, row: Stored, _content: dict[str, Any], found: frozenset[Agreement]
) -> None:
    if ended := await projections.agreements(session.connection, row.id) - found:
        await write.lock_agreements(session.connection, ended)
    await write.put_agreements(session.connection, row.id, found)


async def _place(session: Session, row: Stored, content: dict[str, Any], _zone: ZoneInfo) -> Any:
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


async def _save_place(session: Session, row: Stored, _content: dict[str, Any], place: Any) -> None:
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


async def _release(session: Session, row: Stored, content: dict[str, Any], zone: ZoneInfo) -> ParsedConsent:
    """What a Consent comes to; nothing unless it is active."""
    if content.get("status") != "active" or row.deleted:
        return ParsedConsent(None, ())
    return read_consent(
        content, row.id, row.version, await consent_context(session, row.compartment, row.custodian, content, zone)
    )  # fmt: skip


async def _save_release(session: Session, row: Stored, _content: dict[str, Any], reading: ParsedConsent) -> None:
    """Put the release in the place of the one before. Raises UNPROCESSABLE with every gap."""
    if reading.missing:
        raise HallpassError(Kind.UNPROCESSABLE, *reading.missing)
    before = await projections.release(session.connection, row.compartment, row.id)
    await put_release(session.connection, row.compartment, row.custodian, row.id, before, reading.release)


async def put_release(
    connection: AsyncConnection,
    compartment: UUID,
    custodian: UUID,
    consent: UUID,
    before: Release | None,
    now: Release | None,
) -> None:
    """Put a release in the place of the one before, with what the access index has to know.

    What opens more is indexed here. What only ends or narrows writes a row for each organization named, whatever it
    had opened: the index is brought up to date later, and until then what it precomputed is judged.
    """
    if before == now:
        return
    opens = now is not None and any(p.permit for p in now.provisions) and not (before and narrows(before, now))
    excepted = now is not None and (before is None or len(now.provisions) != len(before.provisions))
    if opens:
        await lock_writes(connection, [Write(compartment, custodian, consent, "index")])
    await write.put_release(connection, compartment, consent, now)
    await write.refresh_validity(connection, compartment, custodian)
    if opens:
        await write.index_student(connection, compartment, custodian)
    else:
        await write.defer_index(connection, compartment, custodian, distrust=excepted)


async def _load_born(session: Session, row: Stored) -> Any:
    return await projections.born(session.connection, row.compartment)


async def _load_authority(session: Session, row: Stored) -> Any:
    return await projections.authority(session.connection, row.compartment, row.id)


async def _load_agreements(session: Session, row: Stored) -> Any:
    return await projections.agreements(session.connection, row.id)


async def _load_place(session: Session, row: Stored) -> Any:
    return await projections.place(session.connection, row.id)


async def _load_release(session: Session, row: Stored) -> Any:
    return await projections.release(session.connection, row.compartment, row.id)


PROJECTIONS: dict[str, Projection] = {
    "Patient": Projection(_born, _load_born, _save_born),
    "RelatedPerson": Projection(_authority, _load_authority, _save_authority),
    "OrganizationAffiliation": Projection(_agreements, _load_agreements, _save_agreements),
    "Organization": Projection(_place, _load_place, _save_place),
    "Consent": Projection(_release, _load_release, _save_release),
}
"""By type; the others have nothing that follows."""
