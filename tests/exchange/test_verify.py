"""`hallpass verify` finds what differs from the resources, and mends it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from app.db.caller import lock_disclosure
from app.db.engine import Database
from app.exchange.verify import Verifier
from tests import build
from tests.scene import as_owner
from tests.world import Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network with a student, a release and a clinic that reads."""
    async with open_world(db) as found:
        district, clinic = await found.member("District"), await found.member("Clinic")
        await found.agree(district, clinic)
        await _fill(district, clinic)
        await found.operator.add_organization("Annex", part_of=district.organization)
        yield found


@pytest_asyncio.fixture(scope="module")
async def clinic(world: World) -> Member:
    """A clinic that is released the referral."""
    district, clinic = await world.member("Another District"), await world.member("Another Clinic")
    await world.agree(district, clinic)
    await _fill(district, clinic)
    return clinic


async def _fill(district: Member, clinic: Member) -> None:
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    await district.create(build.referral(student, clinic.reference))
    gone = await district.create(build.encounter(student))
    await district.create(build.consent(student, mother, district.reference, clinic.reference))
    await district.delete(f"/Encounter/{gone['id']}")
    await district.create({"resourceType": "Organization", "name": "School", "partOf": district.reference})
    assert len(await clinic.ids("/ServiceRequest")) == 1


async def _differences(world: World, *, repair: bool = False) -> list[str]:
    return [d.what async for d in Verifier(world.db, world.settings).run(repair=repair)]


async def test_what_the_access_service_wrote_has_no_difference_and_one_is_told_how_far_it_came(world: World) -> None:
    steps: list[tuple[int, int]] = []
    verifier = Verifier(world.db, world.settings)
    assert [d async for d in verifier.run(progress=lambda done, of: steps.append((done, of)))] == []
    assert steps == [(n + 1, len(steps)) for n in range(len(steps))]
    assert steps


async def test_what_a_party_writes_is_kept_by_the_clock_of_who_holds_it(world: World) -> None:
    zones = ("Asia/Tokyo", "America/Los_Angeles")
    district, clinic = [await world.member(zone, zone=zone) for zone in zones]
    await world.agree(district, clinic)
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    referral = await district.create(build.referral(student))
    await district.create(build.consent(student, mother, district.reference, clinic.reference))
    task = await district.create(build.task(student, referral, district.reference, clinic.reference))
    await clinic.save({**task, "status": "accepted"})
    assert await _differences(world) == []


async def test_a_difference_stays_until_it_is_to_be_mended(world: World) -> None:
    await as_owner(world, "DELETE FROM hallpass.term_token")
    verifier = Verifier(world.db, world.settings)
    found = [d.where async for d in verifier.run()]
    assert [d.where async for d in verifier.run()] == found
    assert [d.where async for d in verifier.run(repair=True)] == found
    assert await _differences(world) == []
    records = [
        tuple(row) for row in await as_owner(world, "SELECT compartment, id, type FROM hallpass.resource WHERE current")
    ]
    told = {where for _, id_, type_ in sorted(records) if (where := f"{type_}/{id_}") in found}
    assert found == [f"{t}/{i}" for _, i, t in sorted(records) if f"{t}/{i}" in told]


async def test_a_release_whose_signer_has_lost_the_authority_stands_without_effect_and_is_no_difference(
    world: World,
) -> None:
    district, clinic = await world.member("District"), await world.member("Clinic")
    student = await district.create(build.patient())
    mother = await district.create(build.guardian(student))
    await district.create(build.consent(student, mother, district.reference, clinic.reference))
    await district.save({**mother, "active": False})
    assert await _differences(world) == []
    await as_owner(
        world,
        "UPDATE hallpass.release SET closes = closes + interval '1 day' WHERE compartment = :compartment",
        compartment=student["id"],
    )
    assert await _differences(world, repair=True) == ["what releases are judged by"]
    assert await _differences(world) == []


async def test_the_facts_of_a_record_are_not_made_up_again(world: World) -> None:
    change = "UPDATE hallpass.resource SET labels = {} WHERE type = 'ServiceRequest'"
    await as_owner(world, change.format("'{SUD}'"))
    found = await _differences(world, repair=True)
    assert set(found) == {"the facts of the current version", "the access index"}
    assert set(await _differences(world)) == {"the facts of the current version"}
    await as_owner(world, change.format("'{}'"))
    assert set(await _differences(world, repair=True)) == {"the access index"}


async def test_a_student_that_is_being_read_is_waited_for(world: World) -> None:
    """Its ledger is being written."""
    named = "SELECT id, custodian FROM hallpass.resource WHERE type = 'Patient' LIMIT 1"
    ((compartment, custodian),) = await as_owner(world, named)
    engine = create_async_engine(world.db.owner)
    async with engine.connect() as reader:
        await lock_disclosure(reader, [(compartment, custodian)])
        looking = asyncio.create_task(_differences(world))
        while not looking.done():
            ((waiting,),) = await as_owner(world, "SELECT count(*) FROM pg_locks WHERE NOT granted")
            if waiting:
                break
        assert not looking.done()
        await reader.rollback()
    await engine.dispose()
    assert await looking == []


async def test_an_error_tells_no_value_of_a_record(world: World) -> None:
    await as_owner(
        world,
        "DELETE FROM hallpass.term_token",
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$",
        "CREATE TRIGGER refuse BEFORE INSERT ON hallpass.term_token EXECUTE FUNCTION public.refuse()",
    )
    with pytest.raises(DBAPIError) as caught:
        await _differences(world, repair=True)
    await as_owner(world, "DROP TRIGGER refuse ON hallpass.term_token", "DROP FUNCTION public.refuse")
    assert "parameters" in str(caught.value)
    assert not any(value in str(caught.value) for value in ("urn:test", "final", "District", "Clinic", "active"))
    await _differences(world, repair=True)


@pytest.mark.parametrize(
    ("tampering", "finding"),
    [
        ("DELETE FROM hallpass.access WHERE type = 'ServiceRequest'", "the access index"),
        ("INSERT INTO hallpass.access (compartment, org, id, type, updated, custodian, precomputed) "
         "SELECT compartment, gen_random_uuid(), id, type, updated, custodian, precomputed "
         "FROM hallpass.access LIMIT 1", "the access index"),
        ("UPDATE hallpass.access SET precomputed = NOT precomputed WHERE consent IS NOT NULL", "the access index"),
        ("UPDATE hallpass.validity SET until = until + interval '1 day'", "when releases have effect"),
        ("DELETE FROM hallpass.validity", "when releases have effect"),
        ("DELETE FROM hallpass.custody_count", "a count of records"),
        ("INSERT INTO hallpass.custody_count SELECT custodian, type, 1 FROM hallpass.custody_count LIMIT 1",
         "a count of records"),
        ("DELETE FROM hallpass.tree WHERE ancestor <> id", "the tree of organizations"),
        ("DELETE FROM hallpass.term_token WHERE type = 'Patient'", "the search index"),
        ("UPDATE hallpass.student SET born_from = '2001-01-01'", "what releases are judged by"),
        ("UPDATE hallpass.authority SET closes = now()", "what releases are judged by"),
        ("DELETE FROM hallpass.agreement", "what releases are judged by"),
        ("UPDATE hallpass.release SET closes = closes + interval '1 day'", "what releases are judged by"),
        ("UPDATE hallpass.organization SET ancestors = ARRAY[id] WHERE cardinality(ancestors) = 2",
         "what releases are judged by"),
        ("INSERT INTO hallpass.release SELECT compartment, gen_random_uuid(), version, custodian, signed, signer, age, "
         "part2, opens, closes, recipients FROM hallpass.release LIMIT 1", "a release without its Consent"),
        ("UPDATE hallpass.release SET age = age + 1", "what releases are judged by"),
        ("UPDATE hallpass.provision SET classes = '{Encounter}'", "what releases are judged by"),
    ],
)  # fmt: skip
async def test_a_difference_is_found_and_mended(world: World, tampering: str, finding: str) -> None:
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await connection.execute(text(tampering))
    await engine.dispose()
    assert finding in await _differences(world, repair=True)
    assert await _differences(world) == []


async def test_a_ledger_entry_that_cites_nothing_is_found(world: World) -> None:
    engine = create_async_engine(world.db.owner)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE hallpass.disclosure SET version = 99 WHERE type = 'ServiceRequest'"))
    found = await _differences(world, repair=True)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE hallpass.disclosure SET version = 1 WHERE version = 99"))
    await engine.dispose()
    assert found == ["a ledger entry that cites what is not there", "a ledger entry that was changed"]


@pytest.mark.parametrize(
    ("tampering", "finding"),
    [
        ("UPDATE hallpass.disclosure SET purposes = '{HPAYMT}' WHERE id = :id", "a ledger entry that was changed"),
        ("UPDATE hallpass.disclosure SET at = at - interval '1 day' WHERE id = :id", "a ledger entry on no batch"),
        ("UPDATE hallpass.disclosure SET at = at - interval '1 day' WHERE id = :id", "a gap in the ledger"),
        ("UPDATE hallpass.disclosure SET chain = chain + 1 WHERE id = :id", "a ledger entry on no batch"),
        ("INSERT INTO hallpass.disclosure SELECT compartment, at, gen_random_uuid(), id, version, type, interaction, "
         "student, custodian, recipient, client, agent, purposes, basis, consent, consent_version, reason, chain, batch"
         " "
         "FROM hallpass.disclosure WHERE id = :id", "a ledger entry that was changed"),
        ("DELETE FROM hallpass.disclosure WHERE id = :id", "a gap in the ledger"),
        ("DELETE FROM hallpass.disclosure", "a gap in the ledger"),
        ("UPDATE hallpass.batch SET link = sha256('forged') WHERE (chain, n) = (:chain, :n)",
         "a ledger entry that was changed"),
        ("UPDATE hallpass.batch SET entries = entries + 1 WHERE (chain, n) = (:chain, :n)", "a gap in the ledger"),
        ("DELETE FROM hallpass.batch WHERE (chain, n) = (:chain, :n)", "a ledger entry on no batch"),
        ("DELETE FROM hallpass.batch WHERE (chain, n) = (:chain, :n)", "a gap in the ledger"),
        ("DELETE FROM hallpass.batch WHERE (chain, n) = (:chain, :n + 1)", "the end of the ledger is missing"),
        ("WITH e AS (DELETE FROM hallpass.disclosure WHERE chain = :chain AND batch = :n + 1) "
         "DELETE FROM hallpass.batch WHERE (chain, n) = (:chain, :n + 1)", "the end of the ledger is missing"),
        ("WITH e AS (DELETE FROM hallpass.disclosure) DELETE FROM hallpass.batch", "the end of the ledger is missing"),
        ("UPDATE hallpass.chain_end SET n = n - 1 WHERE chain = :chain", "a ledger entry past the end of the chain"),
        (
            "UPDATE hallpass.chain_end SET link = sha256('forged') WHERE chain = :chain",
            "the end of the ledger is missing",
        ),
        ("DELETE FROM hallpass.chain_end WHERE chain = :chain", "a ledger entry past the end of the chain"),
    ],
)  # fmt: skip
async def test_a_change_or_a_gap_in_the_ledger_is_found_and_never_mended(
    world: World, clinic: Member, tampering: str, finding: str
) -> None:
    """Of a batch that has one before it, or none, and one behind it in its chain."""
    engine = create_async_engine(world.db.owner)
    async with engine.connect() as connection:
        while (target := (await connection.execute(TWO_IN_A_CHAIN)).one_or_none()) is None:
            await clinic.ids("/ServiceRequest")
            await connection.rollback()
    async with engine.begin() as connection:
        for table in KEPT:
            await connection.execute(text(f"CREATE TABLE kept_{table} AS TABLE hallpass.{table}"))
        named = {k: v for k, v in target._mapping.items() if f":{k}" in tampering}
        done = await connection.execute(text(tampering), named)
        assert done.rowcount > 0
    found = [await _differences(world, repair=True), await _differences(world)]
    async with engine.begin() as connection:
        for table in KEPT:
            await connection.execute(text(f"DELETE FROM hallpass.{table}"))
            await connection.execute(text(f"INSERT INTO hallpass.{table} TABLE kept_{table}"))
            await connection.execute(text(f"DROP TABLE kept_{table}"))
    await engine.dispose()
    assert all(finding in differences for differences in found)
    assert await _differences(world) == []


KEPT = ("disclosure", "batch", "chain_end")
TWO_IN_A_CHAIN = text("""
    SELECT s.chain, s.n, (
        SELECT d.id FROM hallpass.disclosure d WHERE d.chain = s.chain AND d.batch = s.n LIMIT 1) AS id
    FROM hallpass.batch s JOIN hallpass.chain_end c ON c.chain = s.chain AND c.n = s.n + 1 ORDER BY s.n DESC LIMIT 1
""")
