"""Gathers what a Consent is read against, from what its writer may see and nothing else."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.gate.door import Door
from app.consent.rules import Window
from app.consent.signing import Situation, authority
from app.fhir.dates import born
from app.fhir.json import parse
from app.resources.paths import first, values
from app.resources.refs import local_id, local_targets
from app.store import read as store
from app.store.rows import Stored


async def situation(door: Door, row: Stored, consent: dict[str, Any], zone: ZoneInfo) -> Situation:
    """The student's birth, the signers' authority, and which named organizations are of the network."""
    patient = await _content(door, "Patient", row.shard)
    people: dict[UUID, Window] = {}
    related: set[UUID] = set()
    for performer in values(consent, "performer"):
        person = local_id(performer, "RelatedPerson")
        content = await _content(door, "RelatedPerson", person) if person else None
        if person and content and local_id(content.get("patient"), "Patient") == row.shard:
            related.add(person)
            window = authority(content, zone)
            if window:
                people[person] = window
    named = {target for kind, target in local_targets(consent) if kind == "Organization"}
    birth_date = patient.get("birthDate") if patient else None
    holder = await _content(door, "Organization", row.custodian)
    return Situation(
        custodian=row.custodian,
        zone=zone,
        student=row.shard,
        now=await store.moment(door.connection),
        jurisdiction=first(holder, "address.state") if holder else None,
        born=born(birth_date) if birth_date else None,
        authorities=people,
        related=frozenset(related),
        organizations=await store.organizations(door.connection, named),
    )


async def _content(door: Door, type_name: str, resource_id: UUID) -> dict[str, Any] | None:
    found = await store.current(door.connection, type_name, resource_id)
    return parse(found.body) if found and not found.deleted else None
