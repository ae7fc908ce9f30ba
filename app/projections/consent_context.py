"""Gathers what a Consent is read against, from what its writer may see and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from app.consent.lapses import unbroken
from app.consent.model import AdultFrom, Window
from app.consent.signing import ConsentContext, adult_from, authority, guards_an_adult, may_be_adult
from app.db import read as store
from app.db.rows import Stored
from app.fhir.dates import born
from app.fhir.json import parse
from app.resources.paths import first, values
from app.resources.refs import local_id, local_targets
from app.session import Session


async def consent_context(
    session: Session, student: UUID, custodian: UUID, consent: dict[str, Any], zone: ZoneInfo
) -> ConsentContext:
    """The student's birth, the signers' authority, and which named organizations are of the network."""
    subject = await current_of(session, "Patient", student)
    patient = parse(subject.body) if subject else None
    elsewhere = (
        {subject.id} if subject and not await store.in_line(session.connection, subject.custodian, custodian) else set()
    )
    people: dict[UUID, Window] = {}
    related: set[UUID] = set()
    adult_guardians: set[UUID] = set()
    for performer in values(consent, "performer"):
        person = local_id(performer, "RelatedPerson")
        signer = await current_of(session, "RelatedPerson", person) if person else None
        content = parse(signer.body) if signer else None
        if person and content and local_id(content.get("patient"), "Patient") == student:
            related.add(person)
            window = await standing_authority(session, signer, zone) if signer else None
            if window:
                people[person] = window
                if guards_an_adult(content):
                    adult_guardians.add(person)
                if signer and not await store.in_line(session.connection, signer.custodian, custodian):
                    elsewhere.add(person)
    named = {target for kind, target in local_targets(consent) if kind == "Organization"}
    birth_date = patient.get("birthDate") if patient else None
    holder = await content_of(session, "Organization", custodian)
    return ConsentContext(
        custodian=custodian,
        zone=zone,
        student=student,
        now=await store.moment(session.connection),
        jurisdiction=first(holder, "address.state") if holder else None,
        born=born(birth_date) if birth_date else None,
        authorities=people,
        related=frozenset(related),
        organizations=await store.organizations(session.connection, named),
        elsewhere=frozenset(elsewhere),
        adult=await adult_by(session, subject, patient, zone) if subject and patient else AdultFrom(),
        adult_guardians=frozenset(adult_guardians),
        intermediary=session.settings.operator_is_intermediary,
    )


async def standing_authority(session: Session, row: Stored, zone: ZoneInfo) -> Window | None:
    """The window in which a RelatedPerson's signature counts, from the last break of its authority on."""
    versions = await versions_of(session, row)
    return unbroken([(at, authority(content, zone) if content else None) for at, content in versions])


async def adult_by(session: Session, row: Stored, patient: dict[str, Any], zone: ZoneInfo) -> AdultFrom:
    """From when a minor signs as an adult, by what its Patient says and since when it has said so."""
    return adult_from(await versions_of(session, row), zone) if may_be_adult(patient) else AdultFrom()


async def versions_of(session: Session, row: Stored) -> list[tuple[datetime, dict[str, Any] | None]]:
    """When each version of a resource up to this one was written, and its content; None where it was deleted."""
    before = await store.earlier(session.connection, row) if row.version > 1 else []
    return [(r.updated, None if r.deleted else parse(r.body)) for r in [*before, row]]


async def content_of(session: Session, type_name: str, resource_id: UUID) -> dict[str, Any] | None:
    """A current resource that the caller sees, parsed; None where there is none."""
    found = await current_of(session, type_name, resource_id)
    return parse(found.body) if found else None


async def current_of(session: Session, type_name: str, resource_id: UUID) -> Stored | None:
    """A current resource that the caller sees and that is not deleted; None where there is none."""
    found = await store.current(session.connection, type_name, resource_id)
    return found if found and not found.deleted else None
