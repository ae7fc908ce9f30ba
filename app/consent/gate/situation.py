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


async def situation(door: Door, student: UUID, custodian: UUID, consent: dict[str, Any], zone: ZoneInfo) -> Situation:
    """The student's birth, the signers' authority, and which named organizations are of the network."""
    subject = await current_of(door, "Patient", student)
    patient = parse(subject.body) if subject else None
    elsewhere = (
        {subject.id} if subject and not await store.in_line(door.connection, subject.custodian, custodian) else set()
    )
    people: dict[UUID, Window] = {}
    related: set[UUID] = set()
    for performer in values(consent, "performer"):
        person = local_id(performer, "RelatedPerson")
        signer = await current_of(door, "RelatedPerson", person) if person else None
        content = parse(signer.body) if signer else None
        if person and content and local_id(content.get("patient"), "Patient") == student:
            related.add(person)
            window = authority(content, zone)
            if window:
                people[person] = window
                if signer and not await store.in_line(door.connection, signer.custodian, custodian):
                    elsewhere.add(person)
    named = {target for kind, target in local_targets(consent) if kind == "Organization"}
    birth_date = patient.get("birthDate") if patient else None
    holder = await content_of(door, "Organization", custodian)
    return Situation(
        custodian=custodian,
        zone=zone,
        student=student,
        now=await store.moment(door.connection),
        jurisdiction=first(holder, "address.state") if holder else None,
        born=born(birth_date) if birth_date else None,
        authorities=people,
        related=frozenset(related),
        organizations=await store.organizations(door.connection, named),
        elsewhere=frozenset(elsewhere),
    )


async def content_of(door: Door, type_name: str, resource_id: UUID) -> dict[str, Any] | None:
    """A current resource that the caller sees, parsed; None where there is none."""
    found = await current_of(door, type_name, resource_id)
    return parse(found.body) if found else None


async def current_of(door: Door, type_name: str, resource_id: UUID) -> Stored | None:
    """A current resource that the caller sees and that is not deleted; None where there is none."""
    found = await store.current(door.connection, type_name, resource_id)
    return found if found and not found.deleted else None
