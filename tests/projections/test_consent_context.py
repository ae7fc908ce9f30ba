"""What a Consent is read against is gathered from the record, the signers and the custodian itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest_asyncio

from app.caller import Caller
from app.consent.signing import ConsentContext
from app.db.engine import Database
from app.projections.consent_context import consent_context
from app.session import Session
from tests import build
from tests.scene import entered
from tests.world import Member, World, open_world

ZONE = ZoneInfo("America/Los_Angeles")


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


async def _gathered(world: World, member: Member, consent: dict[str, Any], custodian: UUID) -> ConsentContext:
    caller = Caller(member.client_id, member.organization, frozenset(), frozenset(), "straight")
    async with entered(world, member) as connection:
        own = frozenset({member.organization})
        session = Session(connection, caller, world.settings, own, own, ZONE)
        return await consent_context(
            session, UUID(consent["patient"]["reference"].split("/")[1]), custodian, consent, ZONE
        )


async def test_the_custodians_state_says_whose_law_it_is(world: World) -> None:
    district, other = await world.member("District", state="CA"), await world.member("Other")
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    consent = build.consent(student, mother, district.reference, other.reference)
    found = await _gathered(world, district, consent, district.organization)
    assert (found.jurisdiction, found.custodian, found.zone) == ("CA", district.organization, ZONE)
    assert found.related == {UUID(mother["id"])}
    assert found.organizations == {district.organization, other.organization}
    for custodian in (other.organization, uuid4()):
        assert (await _gathered(world, district, consent, custodian)).jurisdiction is None
