"""Invariant 8: the second wall. What the app's role reads straight from the tables, the access service aside."""

from __future__ import annotations

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.resources import REGISTRY, TYPES, Visibility
from tests.scene import Scene, as_owner, entered, set_scene
from tests.world import World

BEFORE_THE_CALLER = frozenset({"client", "assertion", "signing_key", "revoked_token", "alembic_version"})
"""What says who calls has to be read before anybody does. There is no record in it."""
OF_RECORDS = frozenset(
    {"resource", "access", "student", "authority", "release", "provision", "disclosure"}
    | {"term_token", "term_string", "term_reference", "term_date", "term_uri", "term_quantity"}
)
"""Tables with rows about the scene's records: a test that finds none elsewhere means something."""


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A student of whom the clinic may see the referral, and the stranger nothing."""
    found = await set_scene(world, "ServiceRequest")
    await found.clinic.ids("/ServiceRequest")
    return found


@pytest_asyncio.fixture(scope="module")
async def tables(world: World) -> list[str]:
    """Every table of the exchange, so that a new one is covered by itself."""
    rows = await as_owner(world, "SELECT relname FROM pg_class WHERE relnamespace = 'hallpass'::regnamespace"
                          " AND relkind IN ('r', 'p', 'v', 'm')")  # fmt: skip
    return sorted(r.relname for r in rows)


async def rows(connection: AsyncConnection, table: str) -> list[str]:
    """All rows of a table that this role sees, as text; none where it may not read it at all."""
    try:
        async with connection.begin_nested():
            return list(await connection.scalars(text(f"SELECT t::text FROM hallpass.{table} t")))
    except DBAPIError as e:
        if "permission denied" not in str(e):
            raise
        return []


async def test_no_table_shows_a_member_the_records_of_another(scene: Scene, tables: list[str]) -> None:
    assert set(tables) >= OF_RECORDS | BEFORE_THE_CALLER
    hidden = [r["id"] for r in scene.records.values()]
    async with entered(scene.world, scene.stranger) as connection:
        for table in tables:
            seen = "\n".join(await rows(connection, table))
            assert not [i for i in hidden if i in seen], table
    for table in sorted(OF_RECORDS):
        there = "\n".join(r[0] for r in await as_owner(scene.world, f"SELECT t::text FROM hallpass.{table} t"))
        assert [i for i in hidden if i in there], f"{table} has nothing to hide, so that the test proves nothing"


async def test_without_a_caller_no_table_shows_anything(scene: Scene, tables: list[str]) -> None:
    async with scene.world.db.begin() as connection:
        for table in sorted(set(tables) - BEFORE_THE_CALLER):
            assert await rows(connection, table) == [], table


async def test_what_is_read_before_the_caller_is_known_holds_no_record(scene: Scene) -> None:
    async with scene.world.db.begin() as connection:
        for table in sorted(BEFORE_THE_CALLER):
            seen = "\n".join(await rows(connection, table))
            assert not [s for s in scene.secrets if s in seen], table


async def test_a_recipient_sees_the_rows_that_its_release_opens_and_no_others(scene: Scene) -> None:
    async with entered(scene.world, scene.clinic) as connection:
        seen = set(await connection.scalars(text("SELECT id::text FROM hallpass.resource WHERE NOT directory")))
    release = next(e["resource"]["id"] for e in (await scene.clinic.get("/Consent")).json()["entry"])
    assert seen == {scene.records["ServiceRequest"]["id"], release}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE hallpass.disclosure SET interaction = 'none'",
        "DELETE FROM hallpass.disclosure",
        "INSERT INTO hallpass.disclosure SELECT * FROM hallpass.disclosure",
        "UPDATE hallpass.chain_end SET n = 0",
        "UPDATE hallpass.batch SET link = ''",
        "DELETE FROM hallpass.batch",
        "INSERT INTO hallpass.batch VALUES (0, 1, now(), 1, '')",
        "DELETE FROM hallpass.event",
        "SELECT hallpass.drop_ledger(now())",
        "UPDATE hallpass.resource SET body = ''",
        "DELETE FROM hallpass.resource",
        "DELETE FROM hallpass.access",
        "INSERT INTO hallpass.access (compartment, org, id, type, updated, custodian, precomputed)"
        " SELECT compartment, hallpass.caller(), id, type, updated, custodian, true FROM hallpass.access",
        "UPDATE hallpass.validity SET until = 'infinity'",
        "INSERT INTO hallpass.tree SELECT hallpass.caller(), id FROM hallpass.organization",
        "INSERT INTO hallpass.custody_count VALUES (hallpass.caller(), 'Patient', 1)",
        "DELETE FROM hallpass.index_backlog",
        "UPDATE hallpass.organization SET ancestors = ancestors",
        "UPDATE hallpass.client SET emergency = true",
        "ALTER TABLE hallpass.resource DISABLE ROW LEVEL SECURITY",
        "DROP POLICY see ON hallpass.resource",
        "SELECT hallpass.set_operator(hallpass.caller())",
    ],
)
async def test_the_apps_role_may_not_change_what_was_written_nor_the_wall(scene: Scene, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with entered(scene.world, scene.district) as connection:
            await connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO hallpass.resource SELECT compartment, gen_random_uuid(), 1, type, :other, student, directory,"
        " false,"
        " deleted, updated, method, body, label_at, digest, profiles, codes, confidentiality, labels, '{}', refs,"
        " authors, clinical FROM hallpass.resource WHERE NOT directory LIMIT 1",
        "INSERT INTO hallpass.student VALUES (gen_random_uuid(), :other, now(), now())",
        "INSERT INTO hallpass.authority VALUES (gen_random_uuid(), gen_random_uuid(), :other, now(), now())",
        "INSERT INTO hallpass.agreement VALUES (gen_random_uuid(), :other, :other, :own, now(), now())",
        "INSERT INTO hallpass.release VALUES (gen_random_uuid(), gen_random_uuid(), 1, :other, now(), NULL, 0, false,"
        " now(), now(), ARRAY[:own]::uuid[])",
    ],
)
async def test_the_wall_lets_nobody_write_in_anothers_name(scene: Scene, statement: str) -> None:
    named = {"own": scene.clinic.organization, "other": scene.district.organization}
    used = {k: v for k, v in named.items() if f":{k}" in statement}
    with pytest.raises(DBAPIError, match="row-level security"):
        async with entered(scene.world, scene.clinic) as connection:
            await connection.execute(text(statement), used)


async def test_the_wall_hides_from_an_update_what_it_hides_from_a_read(scene: Scene) -> None:
    async with entered(scene.world, scene.clinic) as connection:
        changed = await connection.execute(text("UPDATE hallpass.resource SET current = false WHERE NOT directory"))
        assert changed.rowcount == 0
        for table in ("student", "authority", "release", "provision"):
            removed = await connection.execute(text(f"DELETE FROM hallpass.{table}"))
            assert removed.rowcount == 0, table


AS_OWNER = frozenset(
    {"accept_transfer", "agreed_custodians", "agreed_since", "asserted_purposes", "break_glass", "claim_subscriptions"}
    | {"clear_index_backlog", "client_is_active", "consent_permitting", "count_custody", "counts_as", "defer_index"}
    | {"database_is_current", "note_closed_records", "note_ending", "witnessed", "client_limits"}
    | {"disclose", "disclosure_keys", "endpoint_allowed", "enter_query"}
    | {"exports_running", "fail_export", "finish_subscription", "fold_custody_counts", "sweep_exports"}
    | {"export_withhold", "exports_over", "fail_submission", "sweep_submissions"}
    | {"given_before", "glass_broken", "honoring", "index_records", "index_student", "judge", "lapsed_custodians"}
    | {"lock_writes", "party_versions", "permitting_by_referrer", "place_organization", "put_terms", "reached"}
    | {"record_security_event", "refresh_validity", "released_since", "releasing", "remove_organization"}
    | {"sees_current", "set_caller", "share_usage", "standbys_follow"}
    | {"keep_staff_passkey", "staff_passkey_key", "staff_passkeys", "take_challenge", "use_staff_passkey"}
    | {"begin_staff_session", "end_staff_session", "forget_keyed", "staff_of_session", "use_staff_link"}
    | {"sign_in_provider", "vouched_staff"}
)
"""The functions that see past the wall on the app's behalf: each answers for the caller alone, or tells no record."""


async def test_no_other_function_sees_past_the_wall(scene: Scene) -> None:
    """One more has to be thought about: what does it tell whom?"""
    found = await as_owner(
        scene.world,
        "SELECT proname FROM pg_proc WHERE pronamespace = 'hallpass'::regnamespace AND prosecdef"
        " AND has_function_privilege('hallpass_app', oid, 'EXECUTE')",
    )
    assert {r.proname for r in found} == AS_OWNER


async def test_the_types_of_the_directory_are_those_of_the_registry(scene: Scene) -> None:
    """Their terms are seen by every member: a type too many would show a student's."""
    types = ", ".join(f"('{name}')" for name in TYPES)
    found = await as_owner(scene.world, f"SELECT n FROM (VALUES {types}) t(n) WHERE hallpass.in_directory(n)")
    assert {r.n for r in found} == {t.name for t in REGISTRY if t.visibility is Visibility.DIRECTORY}
