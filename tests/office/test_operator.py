"""The operator's pages: what the commands print, for that role alone, and no record. docs/guides/office.md"""

from __future__ import annotations

import pytest
import pytest_asyncio
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from app.exchange import overview
from app.office.roles import ROLES
from tests.office.people import Person, signed_in
from tests.office.test_record import text
from tests.scene import FAMILY, Scene, as_owner

PAGES = ("/office/operator", "/office/operator/clients", "/office/operator/jobs")


@pytest_asyncio.fixture
async def operator(scene: Scene) -> Person:
    """Somebody who operates the network."""
    return await signed_in(scene.world, scene.district, "operator")


async def test_the_network_lists_members_agreements_and_what_is_to_mend(scene: Scene, operator: Person) -> None:
    page = text((await operator.get(PAGES[0])).text)
    assert str(scene.district.organization) in page
    assert "-&gt;" in page
    assert "active no end" in page
    assert "no worker lives" in page


async def test_clients_are_listed_with_scopes_purposes_last_use_and_the_ages_of_keys(
    scene: Scene, operator: Person
) -> None:
    await as_owner(scene.world, "UPDATE hallpass.client SET disabled = now() WHERE id = :id", id=operator.staff.client)
    other = await signed_in(scene.world, scene.district, "operator")
    page = text((await other.get(PAGES[1])).text)
    assert "system/Task.rus" in page or "system/*.cruds" in page
    assert "TREAT" in page
    assert "disabled" in page
    assert "0 days" in page
    assert "signs in" in page


async def test_a_clients_keys_are_as_old_as_their_last_change(scene: Scene, operator: Person) -> None:
    client = "client-of-old"
    await as_owner(
        scene.world,
        "INSERT INTO hallpass.client (id, organization, name, scopes, purposes, jwks, created) "
        "VALUES (:id, :organization, :id, '{}', '{}', '{}', '2025-02-03T12:00:00Z')",
        id=client,
        organization=scene.district.organization,
    )
    assert "February 3, 2025" in (await operator.get(PAGES[1])).text
    changed = "SELECT hallpass.record_command(:organization, 'client ' || :id || ' has new keys')"
    await as_owner(scene.world, changed, id=client, organization=scene.district.organization)
    assert "February 3, 2025" not in (await operator.get(PAGES[1])).text


async def test_jobs_say_what_waits_and_that_no_worker_lives(operator: Person) -> None:
    page = text((await operator.get(PAGES[2])).text)
    assert "No worker lives" in page


async def test_no_other_role_sees_a_page_of_the_operators(scene: Scene) -> None:
    for role in sorted(set(ROLES) - {"operator"}):
        person = await signed_in(scene.world, scene.district, role)
        for path in PAGES:
            assert (await person.get(path)).status_code == 403, (role, path)
        assert "/office/operator" not in (await person.get("/office")).text


async def test_the_operator_sees_no_record_and_lands_on_the_network(scene: Scene, operator: Person) -> None:
    assert (await operator.get("/office")).url.path == "/office/operator"
    student = f"/office/students/{scene.student['id']}"
    paths = (student, f"{student}/record", f"{student}/releases", "/office/releases", "/office/referrals")
    for path in (*paths, f"/office/releases/{scene.records['Consent']['id']}", "/office/emergencies"):
        page = await operator.get(path)
        assert page.status_code == 403, path
        assert FAMILY not in page.text
    for path in PAGES:
        assert FAMILY not in (await operator.get(path)).text


async def test_who_operates_is_noted_with_what_they_looked_at(scene: Scene, operator: Person) -> None:
    await operator.get(PAGES[1])
    asked = "SELECT detail FROM hallpass.event WHERE kind = 'access' AND client = :id"
    rows = await as_owner(scene.world, asked, id=operator.staff.client)
    assert "operator: clients" in {row[0] for row in rows}


async def test_what_the_pages_read_by_can_write_nothing(scene: Scene) -> None:
    with pytest.raises(DBAPIError, match="read-only"):
        async with overview._reading(scene.world.db, scene.world.settings) as connection:
            await connection.execute(sql("DELETE FROM hallpass.staff_session"))


async def test_the_page_of_many_clients_says_that_there_are_more_and_stays_small(
    scene: Scene, operator: Person
) -> None:
    assert "There are more" not in (await operator.get(PAGES[1])).text
    many = """
        INSERT INTO hallpass.client (id, organization, name, scopes, purposes, jwks)
        SELECT gen_random_uuid(), :organization, 'A program of the many', '{system/Patient.cruds,system/Consent.cruds}',
               '{TREAT}', '{}' FROM generate_series(1, 300)
    """
    await as_owner(scene.world, many, organization=scene.district.organization)
    page = await operator.get(PAGES[1])
    assert "There are more" in page.text
    assert len(page.content) < 100_000
