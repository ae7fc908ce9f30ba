"""What the network's operator does at the console: organizations that hold themselves, and agreements.

It runs as the owner of the tables, so that it is no way for a client; it releases nothing.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.audit import trail
from app.auth.caller import Caller
from app.consent.codes import PARTICIPATION, TIME_ZONE_EXTENSION
from app.consent.gate import writes
from app.consent.gate.door import Door
from app.consent.gate.prepared import prepare
from app.resources import TYPES
from app.settings import Settings
from app.store import derived
from app.store.engine import Database
from app.store.enter import enter_as_operator


class Operator:
    """The operator of the network, at the database's owner's place."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._owner = db.owner
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

    async def _create(self, type_name: str, content: dict[str, Any], own_id: UUID, custodian: UUID) -> None:
        prepared = prepare(TYPES[type_name], content, self._settings.fhir_base)
        engine = create_async_engine(self._owner, hide_parameters=True)
        try:
            async with engine.begin() as connection:
                door = await self._door(connection, custodian)
                await writes.create(door, TYPES[type_name], prepared, own_id)
                await trail.note_command(connection, custodian, f"{type_name} {own_id} added")
        finally:
            await engine.dispose()

    async def _door(self, connection: AsyncConnection, custodian: UUID) -> Door:
        place = await derived.place(connection, custodian)
        zone = place[1] if place else self._settings.time_zone
        standing = await enter_as_operator(connection, custodian, zone)
        caller = Caller("operator", custodian, frozenset(), frozenset(), "")
        return Door(connection, caller, self._settings, standing.above, ZoneInfo(zone), True)
