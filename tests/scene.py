"""A district with one record of each type about one student, a clinic with a release of some, and a stranger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.db.caller import set_caller
from tests import build
from tests.world import Member, World

FAMILY = "Quillfeather"
"""The student's name: found in an answer, it gives the record away."""


@dataclass
class Scene:
    """Who there is, and what the district holds: `records` by type, one each."""

    world: World
    district: Member
    clinic: Member
    stranger: Member
    records: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def student(self) -> dict[str, Any]:
        """The student."""
        return self.records["Patient"]

    @property
    def secrets(self) -> list[str]:
        """What must not stand in an answer to who sees none of it: the ids of the records, and the name."""
        return [FAMILY, *(r["id"] for r in self.records.values())]

    async def release(self, *classes: str, **more: Any) -> dict[str, Any]:
        """A signed release of these types to the clinic."""
        return await self.district.create(
            build.consent(
                self.student,
                self.records["RelatedPerson"],
                self.district.reference,
                self.clinic.reference,
                classes=classes,
                **more,
            )
        )


def patient(value: str) -> dict[str, Any]:
    """A student with the telling name."""
    return build.patient(value, name=[{"family": FAMILY, "given": ["Ana"]}])


def group(student: dict[str, Any]) -> dict[str, Any]:
    """A class list."""
    return {"resourceType": "Group", "type": "person", "actual": True, "member": [{"entity": build.ref(student)}]}


async def set_scene(world: World, *classes: str) -> Scene:
    """Three members, and the district's records; `classes` are released to the clinic."""
    district, clinic, stranger = [await world.member(f"{n} {uuid4().hex[:6]}") for n in ("District", "Clinic", "Other")]
    await world.agree(district, clinic)
    scene = Scene(world, district, clinic, stranger)
    student = scene.records["Patient"] = await district.create(patient(f"S-{uuid4().hex[:8]}"))
    mother = scene.records["RelatedPerson"] = await district.create(build.guardian(student))
    referral = scene.records["ServiceRequest"] = await district.create(build.referral(student, clinic.reference))
    minutes = {"value": 45, "system": "http://unitsofmeasure.org", "code": "min"}
    scene.records["Encounter"] = await district.create(
        build.encounter(student, basedOn=[build.ref(referral)], length=minutes, meta={"profile": ["urn:test:visit"]})
    )
    scene.records["Task"] = await district.create(build.task(student, referral, district.reference, district.reference))
    scene.records["Group"] = await district.create(group(student))
    scene.records["Consent"] = await district.create(
        build.consent(student, mother, district.reference, district.reference, classes=("Encounter",))
    )
    if classes:
        await scene.release(*classes)
    return scene


@asynccontextmanager
async def entered(world: World, member: Member) -> AsyncIterator[AsyncConnection]:
    """A transaction of the app's role, entered as a member: what it sees behind the access service."""
    async with world.db.begin() as connection:
        standing = await set_caller(
            connection,
            client=member.client_id,
            token="straight",
            organization=member.organization,
            purposes=["TREAT"],
            emergency=False,
            agreement_required=True,
        )
        assert standing is not None
        yield connection


async def as_owner(world: World, *statements: str, **values: Any) -> list[Any]:
    """Run statements as the owner of the tables; answer the rows of the last one that has some."""
    engine = create_async_engine(world.db.owner)
    rows: list[Any] = []
    async with engine.begin() as connection:
        for statement in statements:
            result = await connection.execute(text(statement), values)
            rows = list(result) if result.returns_rows else rows
    await engine.dispose()
    return rows


async def ledger(world: World, recipient: Member) -> list[tuple[str, UUID, int, str, UUID | None, int | None]]:
    """What was disclosed to a member so far: type, id, version, interaction, Consent and its version."""
    rows = await as_owner(
        world,
        "SELECT type, id, version, interaction, consent, consent_version FROM hallpass.disclosure"
        " WHERE recipient = :recipient AND student IS NOT NULL ORDER BY at, request, id, version",
        recipient=recipient.organization,
    )
    return [tuple(r) for r in rows]
