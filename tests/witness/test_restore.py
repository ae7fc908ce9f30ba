"""A database that was restored to an earlier moment lets nothing out until what ended since has ended again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import URL, text
from typer.testing import Result

from app.auth import clients, jose
from app.consent.codes import CONFIDENTIALITY_SYSTEM, HONOR_EXTENSION
from app.consent.recipients import BY_CODE
from app.db import login
from app.db.engine import Database, owner_transaction
from app.exchange.expunging import expunge
from app.keyring import Keyring
from app.office import providers
from app.office import staff as registry
from app.office.guard import COOKIE
from app.office.providers import Provider
from tests import build
from tests.api.test_transfer import EDU, answer, proposed
from tests.databases import execute, rows
from tests.notify.asking import subscription
from tests.office.people import Person, browser, hidden, hire, signed_in
from tests.scene import Scene, set_scene
from tests.witness.restoring import again, command, copied, dump, restored, witnessed
from tests.world import BASE, Member, World, open_world


@pytest_asyncio.fixture(scope="module")
async def database(database: URL) -> URL:
    """A database whose login is its own: settling retires it, and a copy of the template shares the template's."""
    async with owner_transaction(database) as connection:
        await connection.execute(text("DELETE FROM hallpass.app_login"))
        await login.ensure(connection)
    return database


@pytest_asyncio.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the witness is."""
    return tmp_path_factory.mktemp("elsewhere") / "witness"


@pytest_asyncio.fixture(scope="module")
async def scene(database: URL, folder: Path) -> AsyncIterator[Scene]:
    """A district that has released Encounters to a clinic; everything is in the witness."""
    async with witnessed(database, folder) as world:
        found = await set_scene(world)
        found.records["Release"] = await found.release("Encounter")
        yield found


@dataclass
class Office:
    """The staff of before the backup, as their browsers have it: since then they left, each in another way."""

    out: Person
    """Signed out; `cookie` is what the browser had."""
    cookie: str
    linked: Person
    """Used their link."""
    gone: Person
    """Was shut out while they were signed in."""
    gone_cookie: str


async def staffed(scene: Scene) -> Office:
    """Staff of the district, and a provider by whom they can sign in."""
    world, district = scene.world, scene.district
    out, gone = [await signed_in(world, district, "privacy-officer", name) for name in ("Out", "Gone")]
    mine = Provider("cedar", district.organization, "https://login.example", "hallpass", "secret of ours")
    async with owner_transaction(world.db.owner) as connection:
        await providers.add(connection, mine, Keyring.of(world.settings), allow_http=False)
    linked = await hire(world, district, "privacy-officer", "Linked")
    return Office(out, out.http.cookies[COOKIE], linked, gone, gone.http.cookies[COOKIE])


async def leave(office: Office, owner: URL) -> None:
    """They leave, and the provider is taken away."""
    await office.out.send(await office.out.get("/office"), "/office/leave")
    await office.linked.sign_in()
    async with owner_transaction(owner) as connection:
        await registry.disable(connection, office.gone.staff.client, datetime.now(UTC))
        await providers.remove(connection, "cedar")


@dataclass
class Story:
    """A database that was lost, and restored from a backup that is older than what ended."""

    url: URL
    world: World
    backup: Path
    login: str
    """Of the app, before."""
    other: Member
    """A clinic whose client was disabled since."""
    rotated: Member
    """A client that has another key since."""
    key: dict[str, Any]
    agreement: str
    office: Office
    held: list[httpx.Response]
    """What the members were answered before it was settled."""
    said: Result
    """What `hallpass after-restore` said."""
    opened: Opened
    child: dict[str, Any]
    """Who was expunged since."""


@pytest_asyncio.fixture(scope="module")
async def story(
    server: URL, database: URL, scene: Scene, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    """A backup; then a guardian's authority, an agreement, a client, a client's key, an endpoint, a release and
    the staff's ways in end, a record is deleted, another gets a stricter label; then it is restored, and settled."""
    district = scene.district
    other = await scene.world.member("Another clinic")
    await scene.world.agree(district, other)
    rotated = await scene.world.client_of(district.organization, scopes="system/*.cruds", purposes=("TREAT",))
    agreements = await other.ids(f"/OrganizationAffiliation?primary-organization={district.organization}")
    note = await district.create(_observation(scene))
    aunt = await district.create(build.guardian(scene.student))
    child = await district.create(build.patient("expunged"))
    for member in (scene.clinic, district):  # two members' systems are of one vendor
        allowed = f"INSERT INTO hallpass.endpoint VALUES ('{member.organization}', 'https://ehr.example.org/')"
        await execute(database, allowed)
    opened = await _open(scene, database)
    office = await staffed(scene)
    [[role]] = await rows(database, "SELECT role FROM hallpass.app_login WHERE retired IS NULL")
    backup = tmp_path_factory.mktemp("backup") / "dump"
    await dump(database, backup)
    assert (await scene.clinic.get(encounter(scene))).status_code == 200
    await district.save({**scene.records["Release"], "status": "inactive"})
    await district.save({**aunt, "active": False})
    await scene.world.operator.end_agreement(UUID(agreements[0]))
    key = jose.public(jose.generate())
    async with owner_transaction(database) as connection:
        await clients.disable(connection, other.client_id, datetime.now(UTC))
        await clients.rotate_key(connection, rotated.client_id, jwks={"keys": [key]})
    await _take_back(scene, database, opened)
    await execute(database, "DELETE FROM hallpass.endpoint")
    await leave(office, database)
    restricted = [{"system": CONFIDENTIALITY_SYSTEM, "code": "R"}]
    await district.save({**scene.records["Encounter"], "meta": {"security": restricted}})
    assert (await district.delete(f"/Observation/{note['id']}")).status_code == 204
    await expunge(scene.world.operator, "Patient", UUID(child["id"]), "Order 24-117", "Records officer")
    async with restored(server, backup) as url, witnessed(url, folder) as world:
        held = [await world.http.get(f"{BASE}/health/ready")]
        held += [await m.get(encounter(scene)) for m in await again(scene, world)]
        said = await command(url, folder, "after-restore")
        yield Story(url, world, backup, role, other, rotated, key, agreements[0], office, held, said, opened, child)


@dataclass(frozen=True)
class Opened:
    """What persons closed since: a transfer, two Subscriptions, a class, a choice on majority, a place in the tree."""

    transfer: str
    subscriptions: tuple[dict[str, Any], dict[str, Any]]
    part: dict[str, Any]


async def _open(scene: Scene, database: URL) -> Opened:
    district, stranger = scene.district, scene.stranger
    entry = (await stranger.get(f"/Organization/{stranger.organization}")).json()
    await stranger.save(entry | {"type": EDU})
    one, two = [await district.create(subscription("https://ehr.example.org/hook")) for _ in range(2)]
    part = await scene.world.operator.add_organization("A school", part_of=district.organization)
    await scene.world.operator.edit_organization(part, classes=["food", "housing"])
    content = (await district.get(f"/Organization/{part}")).json()
    honors = [{"url": HONOR_EXTENSION, "valueBoolean": True}]
    kept = await district.save({**content, "extension": [*content.get("extension", []), *honors]})
    await execute(
        database,
        "INSERT INTO hallpass.sync_source (name, client, kind, place, sealed, schedule, next_run)"
        " VALUES ('sis', 'x', 'inbox', '/x', 'sealed-secret', '0 3 * * *', now())",
    )
    return Opened(await proposed(scene), (one, two), kept)


async def _take_back(scene: Scene, database: URL, opened: Opened) -> None:
    district, part = scene.district, opened.part
    assert (await answer(district, opened.transfer, accept=False)).status_code == 200
    assert (await district.delete(f"/Subscription/{opened.subscriptions[0]['id']}")).status_code == 204
    await district.save({**opened.subscriptions[1], "status": "off"})
    await scene.world.operator.edit_organization(UUID(part["id"]), classes=["housing"])
    content = (await district.get(f"/Organization/{part['id']}")).json()
    await district.save({k: v for k, v in content.items() if k not in ("partOf", "extension")})
    await execute(database, "DELETE FROM hallpass.sync_source")


def encounter(scene: Scene) -> str:
    return f"/Encounter/{scene.records['Encounter']['id']}"


async def test_an_older_database_is_not_ready_and_answers_nobody(story: Story) -> None:
    assert [(a.status_code, "behind" in a.text or "restored" in a.text) for a in story.held] == [(503, True)] * 3


async def test_a_release_that_was_ended_after_the_backup_never_opens_again(story: Story, scene: Scene) -> None:
    release = scene.records["Release"]["id"]
    assert story.said.exit_code == 0, story.said.output
    assert f"release {release}" in story.said.output
    district, clinic = await again(scene, story.world)
    assert (await clinic.get(encounter(scene))).status_code == 404
    assert (await district.get(encounter(scene))).status_code == 200
    assert (await district.get(f"/Consent/{release}")).json()["status"] == "inactive"


async def test_what_was_expunged_after_the_backup_is_expunged_again(story: Story, scene: Scene) -> None:
    own_id = story.child["id"]
    assert f"expunged {own_id}" in story.said.output
    found = await rows(story.url, f"SELECT body FROM hallpass.resource WHERE id = '{own_id}'")
    assert {r["body"] for r in found} == {b"{}"}
    district, _ = await again(scene, story.world)
    assert (await district.get(f"/Patient/{own_id}")).status_code == 410


async def test_what_was_given_after_the_backup_is_told_and_on_record(story: Story, scene: Scene) -> None:
    clinic = scene.clinic
    assert f"1 versions to organization {clinic.organization}, client {clinic.client_id}" in story.said.output
    district, _ = await again(scene, story.world)
    record = await district.get(f"/AuditEvent?patient=Patient/{scene.student['id']}")
    assert "The database was restored" in record.text


async def test_everything_else_that_ended_after_the_backup_is_ended_again(story: Story) -> None:
    state = """
        SELECT (SELECT count(*) FROM hallpass.authority) AS authorities,
               (SELECT count(*) FROM hallpass.endpoint) AS endpoints,
               (SELECT array_agg(id ORDER BY id COLLATE "C") FROM hallpass.client
                WHERE disabled IS NOT NULL) AS disabled,
               (SELECT jwks #>> '{keys,0,x}' FROM hallpass.client WHERE id = '%s') AS key,
               (SELECT bool_or(closes > now()) FROM hallpass.agreement WHERE id = '%s') AS agreed,
               (SELECT array_agg(confidentiality ORDER BY type) FROM hallpass.resource
                WHERE current AND type IN ('Encounter', 'Observation')) AS labels
    """
    [found] = await rows(story.url, state % (story.rotated.client_id, story.agreement))
    assert dict(found) == {
        "authorities": 1,  # of the mother, who has hers
        "endpoints": 0,
        "disabled": sorted([story.other.client_id, story.office.gone.staff.client]),
        "key": story.key["x"],
        "agreed": False,
        "labels": [5, 5],
    }


async def test_what_persons_took_back_after_the_backup_does_not_open_again(story: Story, scene: Scene) -> None:
    state = """
        SELECT (SELECT count(*) FROM hallpass.transfer) AS transfers,
               (SELECT count(*) FROM hallpass.sync_source) AS sources,
               (SELECT array_agg(DISTINCT status) FROM hallpass.subscription) AS subscriptions,
               (SELECT array_agg(DISTINCT client) FROM hallpass.subscription) AS clients,
               o.honor, o.classes, o.ancestors, (SELECT array_agg(ancestor) FROM hallpass.tree WHERE id = o.id) AS above
        FROM hallpass.organization o WHERE o.id = '%s'
    """
    [found] = await rows(story.url, state % story.opened.part["id"])
    part = UUID(story.opened.part["id"])
    assert dict(found) == {
        "transfers": 0,
        "sources": 0,
        "subscriptions": ["off"],
        "clients": [scene.district.client_id],
        "honor": False,
        "classes": [BY_CODE["housing"].id],
        "ancestors": [part],
        "above": [part],
    }
    for kind in ("transfer", "subscription", "sync_source", "organization"):
        assert f"of kind {kind}" in story.said.output


def test_the_witness_holds_no_secret_of_what_was_removed(story: Story, folder: Path) -> None:
    assert "of kind sync_source" in story.said.output
    assert not any("sealed-secret" in day.read_text() for day in folder.glob("*.ndjson"))


async def test_tokens_and_logins_of_before_the_restore_end_with_it(story: Story, scene: Scene) -> None:
    db = Database(story.url)
    async with open_world(db) as world:
        old = await world.http.get(f"{BASE}/fhir/Patient", headers=scene.district.headers)
    assert old.status_code == 401
    await db.dispose()
    assert await rows(story.url, f"SELECT 1 FROM pg_roles WHERE rolname = '{story.login}'") == []


async def test_staff_who_left_after_the_backup_do_not_come_back_by_cookie_link_or_provider(story: Story) -> None:
    office = story.office
    for cookie in (office.cookie, office.gone_cookie):
        old = browser(story.world, cookies={COOKIE: cookie})
        assert (await old.get(f"{BASE}/office")).url.path == "/office/sign-in"
    again = browser(story.world)
    used = await again.post(office.linked.link, data=hidden(await again.get(office.linked.link)))
    assert used.status_code == 403
    assert (await again.get(f"{BASE}/office/sign-in/cedar")).status_code == 404
    assert await rows(story.url, "SELECT 1 FROM hallpass.staff_session") == []


def test_the_witness_has_what_a_provider_is_and_not_its_secret(story: Story, folder: Path) -> None:
    assert "provider cedar" in story.said.output
    kept = b"".join(f.read_bytes() for f in folder.iterdir())
    assert b"login.example" in kept
    assert b"sealed" not in kept


async def test_settling_again_finds_nothing_to_settle(story: Story, folder: Path) -> None:
    again = await command(story.url, folder, "after-restore")
    assert (again.exit_code, "nothing to settle" in again.output) == (0, True)


async def test_a_backup_from_before_the_witness_cannot_be_settled(
    server: URL, template: URL, story: Story, folder: Path
) -> None:
    async with copied(server, template) as url:
        refused = await command(url, folder, "after-restore")
    assert (refused.exit_code, "Restore a younger backup" in refused.output) == (1, True)


async def test_without_its_witness_a_database_lets_nothing_out_until_that_is_given_up(
    server: URL, story: Story, scene: Scene, tmp_path: Path
) -> None:
    async with restored(server, story.backup) as url, witnessed(url, tmp_path / "empty") as world:
        district, _ = await again(scene, world)
        assert (await district.get(encounter(scene))).status_code == 503
        refused = await command(url, tmp_path / "empty", "after-restore")
        assert (refused.exit_code, "HALLPASS_WITNESS is empty" in refused.output) == (1, True)
        given_up = await command(url, None, "after-restore", "--without-witness")
        assert given_up.exit_code == 0, given_up.output
        district, _ = await again(scene, world)
        assert (await district.get(encounter(scene))).status_code == 200


def _observation(scene: Scene) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
        "subject": {"reference": f"Patient/{scene.student['id']}"},
        "effectiveDateTime": "2026-09-20",
    }
