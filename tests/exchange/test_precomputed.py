"""Where the access index alone says who sees a record, it follows at once whatever it was precomputed by."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from app.consent import codes as c
from app.db.engine import Database
from app.exchange.verify import Verifier
from tests.scene import Scene, as_owner, ledger, set_scene
from tests.world import World, open_world

Change = Callable[[Scene, bool], Awaitable[Any]]


@pytest_asyncio.fixture(scope="module")
async def world(db: Database) -> AsyncIterator[World]:
    """A network."""
    async with open_world(db) as found:
        yield found


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """A clinic that one release, alone, lets see a student's referral."""
    found = await set_scene(world)
    found.records["release"] = await found.release("ServiceRequest")
    return found


async def precomputed(scene: Scene) -> list[Any]:
    """What the index says of the clinic and the referral."""
    return await as_owner(
        scene.world,
        "SELECT k.consent, k.version, k.purposes, greatest(k.since, k.root_since) AS since,"
        " least(k.until, k.root_until, k.majority) AS until FROM hallpass.access a"
        " JOIN hallpass.validity k ON k.org = a.org AND k.consent = a.consent AND k.exact"
        " WHERE a.org = :org AND a.id = :id AND a.precomputed AND k.until > k.since ORDER BY k.consent",
        org=scene.clinic.organization,
        id=scene.records["ServiceRequest"]["id"],
    )


async def _birth_date(scene: Scene, in_force: bool) -> None:
    """A mother's signature counts no more for one who turns out to have been of age when she gave it."""
    day = scene.records["Patient"]["birthDate"] if in_force else "1990-01-01"
    student = (await scene.district.get(f"/Patient/{scene.student['id']}")).json()
    await scene.district.save({**student, "birthDate": day})


async def _authority(scene: Scene, in_force: bool) -> None:
    mother = (await scene.district.get(f"/RelatedPerson/{scene.records['RelatedPerson']['id']}")).json()
    await scene.district.save({**mother, "active": in_force})
    await _signed_again(scene, in_force)


async def _agreement(scene: Scene, in_force: bool) -> None:
    found = (await scene.district.get("/OrganizationAffiliation")).json()["entry"]
    (own,) = [e["resource"] for e in found if e["resource"]["organization"] == scene.district.reference]
    await scene.district.save({**own, "active": in_force})
    await _signed_again(scene, in_force)


async def _signed_again(scene: Scene, in_force: bool) -> None:
    """What came back carries what is signed from then on."""
    if in_force:
        assert await scene.clinic.ids("/ServiceRequest") == []
        await scene.release("ServiceRequest", dateTime=datetime.now(UTC).isoformat())


async def _label(scene: Scene, in_force: bool) -> None:
    """The release names no sensitivity, so that it opens nothing that has one."""
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
    referral = (await scene.district.get(f"/ServiceRequest/{scene.records['ServiceRequest']['id']}")).json()
    plain = {k: v for k, v in referral.items() if k != "meta"}
    await scene.district.save(plain if in_force else {**plain, "meta": {"security": [label]}})


async def _denial(scene: Scene, in_force: bool) -> None:
    """A second Consent, signed by the same mother, that forbids it."""
    if in_force:
        denied = scene.records["denial"]
        await scene.district.save({**denied, "status": "inactive"})
    else:
        scene.records["denial"] = await scene.release("ServiceRequest", provision={"type": "deny"})


async def _itself(scene: Scene, in_force: bool) -> None:
    """The release ends, and another is signed in its place."""
    if in_force:
        scene.records["release"] = await scene.release("ServiceRequest")
    else:
        await scene.district.save({**scene.records["release"], "status": "inactive"})


@pytest.mark.parametrize(
    "change",
    [_birth_date, _authority, _agreement, _label, _denial, _itself],
    ids=["birth date", "authority", "agreement", "label", "denial", "release"],
)
async def test_what_ends_a_release_ends_at_once_what_was_settled_by_it(scene: Scene, change: Change) -> None:
    referral = scene.records["ServiceRequest"]["id"]
    for in_force in (False, True):
        await change(scene, in_force)
        assert await scene.clinic.ids("/ServiceRequest") == ([referral] if in_force else [])
        read = await scene.clinic.get(f"/ServiceRequest/{referral}")
        assert read.status_code == (200 if in_force else 404)
        different = [d async for d in Verifier(scene.world.db, scene.world.settings).run()]
        assert different == []


async def test_a_release_alone_is_settled_until_its_end(scene: Scene) -> None:
    """The end is the first of the release's, and of the student's 18th birthday."""
    release = scene.records["release"]
    ((consent, version, purposes, since, until),) = await precomputed(scene)
    assert (str(consent), version, purposes) == (release["id"], 1, ["TREAT"])
    assert (since.isoformat(), until.isoformat()) == ("2026-09-15T04:00:00+00:00", "2027-07-01T04:00:00+00:00")
    student = (await scene.district.get(f"/Patient/{scene.student['id']}")).json()
    await scene.district.save({**student, "birthDate": "2009-02-03"})
    ((*_, until),) = await precomputed(scene)
    assert until.isoformat() == "2027-02-03T05:00:00+00:00"


async def test_what_is_seen_by_the_index_is_entered_under_its_release(scene: Scene) -> None:
    referral, release = scene.records["ServiceRequest"]["id"], scene.records["release"]
    assert (await scene.clinic.get(f"/ServiceRequest/{referral}")).status_code == 200
    ((_, found, _, _, consent, version),) = await ledger(scene.world, scene.clinic)
    assert (str(found), str(consent), version) == (referral, release["id"], 1)


async def test_a_renewal_leaves_a_record_settled_by_either_release(scene: Scene) -> None:
    """A page costs no more for it; and what is left when one of them ends still opens the record."""
    first = scene.records["release"]
    second = await scene.release("ServiceRequest")
    assert [str(r.consent) for r in await precomputed(scene)] == sorted([first["id"], second["id"]])
    referral = scene.records["ServiceRequest"]["id"]
    assert await scene.clinic.ids("/ServiceRequest") == [referral]
    cited = (await ledger(scene.world, scene.clinic))[-1][4]
    assert str(cited) == min(first["id"], second["id"])
    await scene.district.save({**second, "status": "inactive"})
    assert await scene.clinic.ids("/ServiceRequest") == [referral]
    assert [str(r.consent) for r in await precomputed(scene)] == [first["id"]]


async def test_what_is_narrowed_is_judged_at_once_and_settled_again_later(scene: Scene) -> None:
    """An exception that denies all of it: the index is brought up to date when there is time, the answer at once."""
    release = (await scene.district.get(f"/Consent/{scene.records['release']['id']}")).json()
    denied = {"type": "deny", "class": release["provision"]["class"]}
    await scene.district.save({**release, "provision": {**release["provision"], "provision": [denied]}})
    assert await scene.clinic.ids("/ServiceRequest") == []
    assert await precomputed(scene) == []
    assert [d async for d in Verifier(scene.world.db, scene.world.settings).run()] == []
    assert await scene.clinic.ids("/ServiceRequest") == []


async def test_an_exception_that_could_bear_on_it_leaves_a_record_to_the_rule(scene: Scene) -> None:
    """One about another purpose could, for a caller that has that one too."""
    await scene.district.save({**scene.records["release"], "status": "inactive"})
    excepted = {"type": "deny", "purpose": [{"system": c.ACT_REASON, "code": "HPAYMT"}]}
    await scene.release("ServiceRequest", provision={"provision": [excepted]})
    assert await precomputed(scene) == []
    assert await scene.clinic.ids("/ServiceRequest") == [scene.records["ServiceRequest"]["id"]]
