"""decide() and PostgreSQL say the same of every record to every caller, and the access index misses nothing.

PROVE_EXAMPLES sets how many worlds are tried.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, event, given, settings
from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from app.consent.evaluate import Basis, Deny, Permit, decide, decide_version
from app.consent.model import PolicySet, Requester, ResourceAttributes
from app.consent.moments import birthday
from app.db import tables
from app.db.engine import Database
from tests.consent.drawing import worlds
from tests.consent.network import stop_the_clock
from tests.consent.storing import Store
from tests.consent.worlds import ORGANIZATIONS, World

EXAMPLES = int(os.environ.get("PROVE_EXAMPLES", "200"))

_ASKED = """
    CREATE FUNCTION public.asked(p_client text, p_purposes text[], p_emergency boolean, p_agreement boolean)
    RETURNS TABLE (id uuid, version integer, visible boolean, listed boolean, opened uuid, judged uuid)
    LANGUAGE plpgsql AS $$
    DECLARE
        v_seen   text[];
        v_listed uuid[];
    BEGIN
        PERFORM hallpass.set_caller(p_client, '', p_client::uuid, p_purposes, p_emergency, p_agreement);
        SET LOCAL ROLE hallpass_app;
        SELECT array_agg(r.id || '/' || r.version) INTO v_seen FROM hallpass.resource r;
        SELECT array_agg(x.id) INTO v_listed FROM (
            SELECT a.id FROM hallpass.access a
                LEFT JOIN hallpass.active_release k ON k.org = a.org AND k.consent = a.consent
                WHERE a.consent IS NULL OR k.consent IS NOT NULL
            UNION SELECT r.id FROM hallpass.tree t JOIN hallpass.resource r ON r.custodian = t.id
                WHERE t.ancestor = hallpass.caller()
            UNION SELECT r.id FROM hallpass.emergency m JOIN hallpass.resource r ON r.compartment = m.compartment) x;
        RESET ROLE;
        RETURN QUERY SELECT r.id, r.version, coalesce(r.id || '/' || r.version = ANY (v_seen), false),
            coalesce(r.id = ANY (v_listed), false),
            CASE WHEN r.student IS NOT NULL THEN hallpass.consent_permitting(
                r.compartment, r.custodian, r.type, r.id, r.profiles, r.codes, r.confidentiality, r.labels, r.refs,
                r.authors, r.clinical) END, j.consent
            FROM hallpass.resource r LEFT JOIN hallpass.judge(
                (SELECT array_agg(x.compartment ORDER BY x.id, x.version) FROM hallpass.resource x),
                (SELECT array_agg(x.id ORDER BY x.id, x.version) FROM hallpass.resource x),
                (SELECT array_agg(x.version ORDER BY x.id, x.version) FROM hallpass.resource x)) j
                ON j.compartment = r.compartment AND j.id = r.id AND j.version = r.version;
    END $$
"""
"""What a caller sees as the app's role and what its index lists; and, as the owner, what releases open of all there is:
by the rule for one record, and by the rule for many."""
_ASK = text("SELECT * FROM public.asked(:client, :purposes, :emergency, :agreement)")
_COMPUTED = """
    SELECT c.* FROM (SELECT compartment FROM hallpass.resource UNION SELECT compartment FROM hallpass.access) s
    CROSS JOIN LATERAL hallpass.expected_student_access(s.compartment) c
"""
_SETTLED = """
    NOT EXISTS (
        SELECT 1 FROM hallpass.index_backlog b WHERE b.compartment = d.compartment AND b.custodian = d.custodian)
"""
"""Not among what was put off."""
_DIFFERENT = text(f"""
    (SELECT 'too much' AS what, d.* FROM (TABLE hallpass.access EXCEPT {_COMPUTED}) d
     WHERE {_SETTLED})
    UNION ALL (SELECT 'missing' AS what, d.* FROM ({_COMPUTED} EXCEPT TABLE hallpass.access) d
     WHERE {_SETTLED})
""")
_CAUGHT_UP = text("SELECT hallpass.clear_index_backlog(1000)")


_BIRTHDAYS = text("""
    SELECT day AS born, hallpass.birthday(day, :age, :zone) AS reached FROM unnest(CAST(:days AS date[])) day
""")
ZONES = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "Pacific/Guam",
    "America/Havana",
    "America/Santiago",
    "America/Nuuk",
    "America/Asuncion",
    "Atlantic/Azores",
    "Asia/Beirut",
    "Africa/Cairo",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
]
"""Those of the United States, and others whose clocks change at, before or after midnight."""


@pytest_asyncio.fixture(scope="module")
async def owner(db: Database) -> AsyncIterator[AsyncConnection]:
    """The tables' owner, on a database whose clock a test sets and in which each organization has a client."""
    await stop_the_clock(db.owner)
    engine = create_async_engine(db.owner)
    async with engine.connect() as connection:
        await connection.execute(text(_ASKED))
        await connection.commit()
        yield connection
    await engine.dispose()


@given(world=worlds())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
async def test_both_forms_of_the_rule_are_equal(owner: AsyncConnection, world: World) -> None:
    """The same is visible by both, under the same Consent, and listed; the access index is as if made again."""
    try:
        await Store(owner, world).everything()
        assert [tuple(row) for row in await owner.execute(_DIFFERENT)] == []
        clients = [{"id": str(o), "organization": o, "name": "", "scopes": [], "purposes": []} for o in ORGANIZATIONS]
        await owner.execute(insert(tables.client), [c | {"jwks": {}, "emergency": True} for c in clients])
        for requester in world.requesters:
            await _compare(owner, world, requester)
        if await owner.scalar(_CAUGHT_UP):
            assert [tuple(row) for row in await owner.execute(_DIFFERENT)] == []
            for requester in world.requesters:
                await _compare(owner, world, requester)
    finally:
        await owner.rollback()


async def _compare(owner: AsyncConnection, world: World, requester: Requester) -> None:
    """Every version of every record, as this caller."""
    who = {
        "client": str(requester.organization),
        "purposes": sorted(requester.purposes),
        "emergency": requester.emergency,
        "agreement": world.agreement_required,
    }
    said = {(row.id, row.version): row for row in await owner.execute(_ASK, who)}
    for record in world.records:
        policies = world.policies(record.now.student)
        for number, attributes in enumerate(record.versions, 1):
            row = said[attributes.id, number]
            decision = decide_version(policies, requester, attributes, record.now)
            permitted = isinstance(decision, Permit)
            event(decision.basis.value if isinstance(decision, Permit) else "denied")
            assert row.visible == permitted, (requester, attributes, decision)
            assert row.opened == row.judged == _released(policies, requester, attributes), (
                requester,
                attributes,
                decision,
            )
            if permitted and attributes is record.now and not record.deleted and not attributes.directory:
                assert row.listed, (requester, attributes, decision)


@pytest.mark.parametrize("zone", ZONES)
async def test_both_forms_begin_a_birthday_at_the_same_moment(owner: AsyncConnection, zone: str) -> None:
    """On each day of eight years, those on which the clock is changed and leap days among them."""
    born = [date(2000, 1, 1) + timedelta(days=n) for n in range(8 * 365 + 2)]
    different = []
    for age in (12, 18):
        found = await owner.execute(_BIRTHDAYS, {"age": age, "zone": zone, "days": born})
        different += [row.born for row in found if row.reached != birthday(row.born, age, ZoneInfo(zone))]
    await owner.rollback()
    assert different == []


def _released(policies: PolicySet, requester: Requester, attributes: ResourceAttributes) -> UUID | None:
    """The Consent that opens a record, whatever else would."""
    alone = replace(requester, descendants=frozenset(), emergency=False)
    decision = decide(policies, alone, replace(attributes, parties=frozenset(), directory=False))
    assert isinstance(decision, Deny) or decision.basis is Basis.RELEASE
    return decision.consent if isinstance(decision, Permit) else None
