"""Invariant 9: what ending a release writes, locks and reads does not grow with what anybody else has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests import build
from tests.scene import Scene, as_owner, set_scene
from tests.world import World

MANY = 2000
TABLES = ("access", "validity", "custody_count", "index_backlog", "tree", "release", "provision", "term_token")
Ending = Callable[[Scene], Awaitable[Any]]


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """A clinic that a release lets see a student's referral."""
    found = await set_scene(world)
    found.records["release"] = await found.release("ServiceRequest")
    assert len(await found.clinic.ids("/ServiceRequest")) == 1
    return found


async def _end(scene: Scene) -> None:
    found = (await scene.district.get(f"/Consent/{scene.records['release']['id']}")).json()
    await scene.district.save({**found, "status": "inactive"})


async def _narrow(scene: Scene) -> None:
    found = (await scene.district.get(f"/Consent/{scene.records['release']['id']}")).json()
    denied = {"type": "deny", "class": found["provision"]["class"]}
    await scene.district.save({**found, "provision": {**found["provision"], "provision": [denied]}})


async def _authority(scene: Scene) -> None:
    mother = (await scene.district.get(f"/RelatedPerson/{scene.records['RelatedPerson']['id']}")).json()
    await scene.district.save({**mother, "active": False})


async def _birth_date(scene: Scene) -> None:
    student = (await scene.district.get(f"/Patient/{scene.student['id']}")).json()
    await scene.district.save({**student, "birthDate": "1990-01-01"})


async def _organizations(scene: Scene) -> None:
    """The recipient has founded parts of itself."""
    await as_owner(
        scene.world,
        "SELECT hallpass.place_organization(gen_random_uuid(), :clinic, 'UTC', false) FROM generate_series(1, :many)",
        clinic=scene.clinic.organization,
        many=MANY,
    )


async def _records(scene: Scene) -> None:
    """The recipient has written about the student."""
    await as_owner(
        scene.world,
        "INSERT INTO hallpass.resource SELECT compartment, gen_random_uuid(), 1, type, :clinic, student, directory,"
        " true, deleted, updated, method, body, label_at, digest, profiles, codes, confidentiality, labels, parties,"
        " refs, authors, clinical FROM hallpass.resource CROSS JOIN generate_series(1, :many)"
        " WHERE id = :encounter AND current",
        clinic=scene.clinic.organization,
        encounter=scene.records["Encounter"]["id"],
        many=MANY,
    )


async def _consents(scene: Scene) -> None:
    """The recipient has signed the student's releases of its own records."""
    await as_owner(
        scene.world,
        "INSERT INTO hallpass.release (compartment, consent, version, custodian, signed, signer, age, part2, opens,"
        " closes, recipients) SELECT compartment, gen_random_uuid(), 1, :clinic, signed, signer, age, part2, opens,"
        " closes, recipients FROM hallpass.release CROSS JOIN generate_series(1, :many) WHERE consent = :consent",
        "INSERT INTO hallpass.provision SELECT e.compartment, e.consent, p.node, p.parent, p.permit, p.opens, p.closes,"
        " p.recipients, p.purposes, p.classes, p.codes, p.confidentiality, p.labels, p.instances, p.related,"
        " p.dependents, p.authored, p.about FROM hallpass.release e JOIN hallpass.provision p"
        " ON p.consent = :consent WHERE e.custodian = :clinic AND e.compartment = p.compartment",
        "SELECT hallpass.refresh_validity(:student, :clinic)",
        clinic=scene.clinic.organization,
        consent=scene.records["release"]["id"],
        student=scene.student["id"],
        many=MANY,
    )


async def _written(scene: Scene) -> dict[str, int]:
    """How many rows have been inserted, updated and deleted in each table so far."""
    engine = create_async_engine(scene.world.db.owner)
    async with engine.connect() as connection:
        await connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        rows = await connection.execute(
            text(
                "SELECT relname, n_tup_ins + n_tup_upd + n_tup_del AS n FROM pg_stat_user_tables"
                " WHERE schemaname = 'hallpass' AND relname = ANY (:names)"
            ),
            {"names": list(TABLES)},
        )
        found = {row.relname: int(row.n) for row in rows}
    await engine.dispose()
    return found


async def _cost(scene: Scene, ending: Ending) -> dict[str, int]:
    """The rows that an ending writes."""
    await scene.world.db.dispose()  # what a connection has counted is told when it closes
    before = await _written(scene)
    await ending(scene)
    await scene.world.db.dispose()
    after = await _written(scene)
    return {name: after[name] - before[name] for name in TABLES}


@pytest.mark.parametrize("ending", [_end, _narrow, _authority, _birth_date], ids=lambda f: f.__name__[1:])
@pytest.mark.parametrize("growth", [_organizations, _records, _consents], ids=lambda f: f.__name__[1:])
async def test_what_ends_a_release_writes_as_much_whatever_a_recipient_has(
    world: World, scene: Scene, ending: Ending, growth: Ending
) -> None:
    """And it opens nothing more from then on."""
    other = await set_scene(world)
    other.records["release"] = await other.release("ServiceRequest")
    plain = await _cost(other, ending)
    await growth(scene)
    assert await _cost(scene, ending) == plain
    assert plain["access"] <= 2
    assert plain["validity"] <= 3  # of each of the custodian's two releases of the student, at the most
    assert await scene.clinic.ids(f"/ServiceRequest?_id={scene.records['ServiceRequest']['id']}") == []


async def test_a_recipients_new_part_writes_nothing_to_the_index(scene: Scene) -> None:
    """It sees what the recipient sees all the same."""
    before = await as_owner(scene.world, "SELECT count(*) FROM hallpass.access")
    part = await scene.clinic.create(
        {"resourceType": "Organization", "name": f"Desk {uuid4()}", "partOf": scene.clinic.reference}
    )
    assert await as_owner(scene.world, "SELECT count(*) FROM hallpass.access") == before
    desk = await scene.world.client_of(part["id"], scopes="system/*.rs", purposes=("TREAT",))
    assert len(await desk.ids("/ServiceRequest")) == 1


async def test_another_organizations_birth_date_neither_ends_nor_opens_a_release(world: World) -> None:
    """A clinic files a Consent of its own records of the district's Patient: it rests on what the clinic saw."""
    scene = await set_scene(world, "Patient", "RelatedPerson")
    partner = await world.member(f"Partner {uuid4()}")
    await world.agree(scene.clinic, partner)
    visit = await scene.clinic.create(build.encounter(scene.student))
    await scene.clinic.create(
        build.consent(
            scene.student,
            scene.records["RelatedPerson"],
            scene.clinic.reference,
            partner.reference,
            classes=("Encounter",),
        )
    )
    assert await partner.ids("/Encounter") == [visit["id"]]
    await _birth_date(scene)
    assert await partner.ids("/Encounter") == [visit["id"]]
    await _authority(scene)
    assert await partner.ids("/Encounter") == [visit["id"]]
    assert await scene.clinic.ids("/Patient") == []
