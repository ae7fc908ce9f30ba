"""A made-up network for the measurements: one student's record, written through the API, to make copies of."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from tests import build
from tests.world import Member, World

SAMPLE = "S-00000000"
NOTE = "Referred by the school counselor after a meeting with the family; attendance and sleep are a concern. " * 6


@dataclass
class Network:
    """The members, and the ids of the student that the copies are made from, by what they are."""

    district: Member
    clinic: Member
    nobody: Member
    """A member that is released nothing."""
    sample: dict[str, str]


async def members(world: World) -> Network:
    """A district, a clinic, a member that sees nothing, and one student's record released to the clinic."""
    district = await world.member("Grand Bend District")
    clinic = await world.member("Riverside Clinic")
    nobody = await world.member("Elsewhere Clinic")
    await world.agree(district, clinic)
    student = await district.create(build.patient(SAMPLE, address=[{"city": "Grand Bend", "postalCode": "48001"}]))
    mother = await district.create(build.guardian(student))
    referral = await district.create(
        build.referral(student, clinic.reference, note=[{"text": NOTE}], identifier=[ident("referral")])
    )
    visit = await district.create(build.encounter(student, identifier=[ident("visit")]))
    release = await district.create(
        build.consent(
            student, mother, district.reference, clinic.reference, classes=("Patient", "ServiceRequest", "Encounter")
        )
    )
    found = {"Patient": student, "RelatedPerson": mother, "ServiceRequest": referral, "Encounter": visit}
    return Network(district, clinic, nobody, {k: r["id"] for k, r in {**found, "Consent": release}.items()})


def ident(kind: str) -> dict[str, str]:
    """An identifier that is each copy's own."""
    return {"system": f"urn:bench:{kind}", "value": SAMPLE}


def copy_id(own: str, number: int) -> UUID:
    """The id of a copy of a resource; as bench/copies.py makes it in the database."""
    return UUID(hashlib.md5(f"{own}/{number}".encode(), usedforsecurity=False).hexdigest())
