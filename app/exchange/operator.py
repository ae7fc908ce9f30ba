"""What the network's operator does at the console: organizations that hold themselves, and agreements.

It runs as the owner of the tables, so that it is no way for a client; it releases nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from app.caller import Caller
from app.consent.codes import (
    CONFIDENTIALITY_SYSTEM,
    HONOR_EXTENSION,
    PARTICIPATION,
    RECIPIENT_CLASS,
    TIME_ZONE_EXTENSION,
)
from app.consent.recipients import BY_CODE
from app.db import projections, read, write
from app.db.caller import set_operator
from app.db.engine import Database, owner_transaction
from app.errors import HallpassError, Kind
from app.exchange import writes
from app.exchange.validated import validate_now
from app.fhir.json import parse
from app.ledger import security_log
from app.resources import TYPES
from app.resources.paths import values
from app.session import Session
from app.settings import Settings

VERY_RESTRICTED = {"system": CONFIDENTIALITY_SYSTEM, "code": "V", "display": "very restricted"}


class Operator:
    """The operator of the network, at the database's owner's place."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self.owner = db.owner
        self._settings = settings

    async def add_organization(
        self,
        name: str,
        *,
        part_of: UUID | None = None,
        identifier: tuple[str, str] | None = None,
        state: str | None = None,
        zone: str | None = None,
    ) -> UUID:
        """Store an organization that is its own custodian; answer its id."""
        own_id = uuid4()
        content: dict[str, Any] = {"resourceType": "Organization", "active": True, "name": name}
        if identifier:
            content["identifier"] = [{"system": identifier[0], "value": identifier[1]}]
        if part_of:
            content["partOf"] = {"reference": f"Organization/{part_of}"}
        if state:
            content["address"] = [{"state": state}]
        if zone:
            content["extension"] = [{"url": TIME_ZONE_EXTENSION, "valueCode": zone}]
        await self._create("Organization", content, own_id, own_id)
        return own_id

    async def add_agreement(self, discloser: UUID, recipient: UUID, *, both_ways: bool, end: str | None = None) -> UUID:
        """Store the agreement under which one organization may share with another; held by the discloser.

        Both ways takes two, since each side's is its own to hold; the first one's id is answered.
        """
        own_id = uuid4()
        await self._agreement(discloser, recipient, end, own_id)
        if both_ways:
            await self._agreement(recipient, discloser, end, uuid4())
        return own_id

    async def _agreement(self, discloser: UUID, recipient: UUID, end: str | None, own_id: UUID) -> None:
        content: dict[str, Any] = {
            "resourceType": "OrganizationAffiliation",
            "active": True,
            "organization": {"reference": f"Organization/{discloser}"},
            "participatingOrganization": {"reference": f"Organization/{recipient}"},
            "code": [{"coding": [{"system": PARTICIPATION, "code": "IRCP", "display": "information recipient"}]}],
        }
        if end:
            content["period"] = {"end": end}
        await self._create("OrganizationAffiliation", content, own_id, discloser)

    async def end_agreement(self, agreement: UUID) -> None:
        """Make an agreement inactive: no release rests on it from now on. Raises NOT_FOUND."""
        await self._update("OrganizationAffiliation", agreement, {"active": False}, "ended")

    async def end(self, type_name: str, own_id: UUID, done: str = "closed again after a restore") -> bool:
        """End a Consent, a Subscription, or what is active or not; False where there is none. `done`: for the log."""
        status = {"Consent": "inactive", "Subscription": "off"}.get(type_name)
        return await self._again(type_name, own_id, {"status": status} if status else {"active": False}, done)

    async def place_again(
        self, organization: UUID, above: Sequence[UUID], honor: bool, classes: Collection[UUID]
    ) -> bool:
        """Take back what an organization has beside these, and put it where it was moved; False where there is none.

        Where the one above it is not there any more, it is part of none.
        """
        async with owner_transaction(self.owner) as connection:
            row = await read.current(connection, "Organization", organization)
            there = bool(above) and await projections.place(connection, above[0]) is not None
        if row is None or row.deleted:
            return False
        content = parse(row.body)
        codings = [
            x for t in content.get("type", []) for x in t.get("coding", []) if x.get("system") == RECIPIENT_CLASS
        ]
        changes: dict[str, Any] = {"partOf": {"reference": f"Organization/{above[0]}"} if there else []}
        if codings:
            changes["type"] = [{"coding": [x]} for x in codings if BY_CODE[x["code"]].id in classes]
        if not honor:
            changes["extension"] = [{"url": HONOR_EXTENSION, "valueBoolean": False}]
        return await self._again("Organization", organization, changes)

    async def restrict(self, type_name: str, own_id: UUID) -> bool:
        """Label a record as very restricted, until its custodian says what it is; False where there is none."""
        return await self._again(type_name, own_id, {"meta": {"security": [VERY_RESTRICTED]}})

    async def _again(
        self, type_name: str, own_id: UUID, changes: dict[str, Any], done: str = "closed again after a restore"
    ) -> bool:
        try:
            await self._update(type_name, own_id, changes, done)
        except HallpassError as e:
            if e.kind is not Kind.NOT_FOUND:
                raise
            return False
        return True

    async def edit_organization(
        self,
        organization: UUID,
        *,
        name: str | None = None,
        state: str | None = None,
        zone: str | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        """Change what is given, and nothing else; `classes` are all its classes of recipients. Raises NOT_FOUND."""
        changes: dict[str, Any] = {"name": name} if name else {}
        if state:
            changes["address"] = [{"state": state}]
        if zone:
            changes["extension"] = [{"url": TIME_ZONE_EXTENSION, "valueCode": zone}]
        if classes is not None:
            changes["type"] = [{"coding": [{"system": RECIPIENT_CLASS, "code": code}]} for code in classes]
        await self._update("Organization", organization, changes, "edited")

    async def verify_identifier(self, organization: UUID, system: str, value: str) -> None:
        """Let releases name an organization by this identifier. Raises NOT_FOUND; CONFLICT where it is another's."""
        async with owner_transaction(self.owner) as connection:
            if await projections.place(connection, organization) is None:
                raise HallpassError(Kind.NOT_FOUND, "There is no Organization with this id.")
            if not await write.verify_identifier(connection, organization, system, value):
                raise HallpassError(Kind.CONFLICT, "The identifier is verified as another organization's.")
            await security_log.record_command(connection, organization, f"identifier of {organization} verified")

    async def _update(self, type_name: str, own_id: UUID, changes: dict[str, Any], done: str) -> None:
        async with owner_transaction(self.owner) as connection:
            row = await read.current(connection, type_name, own_id)
            if row is None or row.deleted:
                raise HallpassError(Kind.NOT_FOUND, f"There is no {type_name} with this id.")
            session = await self.session(connection, row.custodian)
            if type_name == "Subscription":  # whose client it is stays
                session = replace(session, worker=True)
            joined = {**parse(row.body), **_joined(parse(row.body), changes)}
            content = {k: v for k, v in joined.items() if v != []}
            validated = validate_now(TYPES[type_name], content, self._settings.fhir_base)
            await writes.update(session, TYPES[type_name], validated, str(own_id), None)
            await security_log.record_command(connection, row.custodian, f"{type_name} {own_id} {done}")

    async def _create(self, type_name: str, content: dict[str, Any], own_id: UUID, custodian: UUID) -> None:
        validated = validate_now(TYPES[type_name], content, self._settings.fhir_base)
        async with owner_transaction(self.owner) as connection:
            session = await self.session(connection, custodian)
            await writes.create(session, TYPES[type_name], validated, own_id)
            await security_log.record_command(connection, custodian, f"{type_name} {own_id} added")

    async def session(self, connection: AsyncConnection, custodian: UUID) -> Session:
        place = await projections.place(connection, custodian)
        zone = place[1] if place else self._settings.time_zone
        standing = await set_operator(connection, custodian, zone)
        caller = Caller("operator", custodian, frozenset(), frozenset(), "")
        return Session(connection, caller, self._settings, standing.ancestors, ZoneInfo(zone), True)


def _joined(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The changes, beside what they do not replace: other lines of an address, other extensions."""
    joined = dict(changes)
    if "meta" in changes:
        meta = content.get("meta", {})
        others = [s for s in meta.get("security", []) if s.get("system") != CONFIDENTIALITY_SYSTEM]
        joined["meta"] = {**meta, "security": [*others, *changes["meta"]["security"]]}
    if "address" in changes and content.get("address"):
        first, *others = content["address"]
        joined["address"] = [{**first, **changes["address"][0]}, *others]
    if "extension" in changes:
        told = {e["url"] for e in changes["extension"]}
        kept = [e for e in content.get("extension", []) if e.get("url") not in told]
        joined["extension"] = [*kept, *changes["extension"]]
    if "type" in changes:
        kept = [t for t in content.get("type", []) if RECIPIENT_CLASS not in values(t, "coding.system")]
        joined["type"] = [*kept, *changes["type"]]
    return joined
