"""The referrals that wait for a signature, for their custodian. docs/referral.md"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from tests import build
from tests.scene import Scene, set_scene
from tests.world import Member, World

PATH = "/ServiceRequest/$awaiting-release"


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """A district with a referral to a clinic, and no release."""
    return await set_scene(world)


async def waiting(member: Member, query: str = "") -> list[dict[str, Any]]:
    """What waits: one dict for each, with lists by name."""
    response = await member.get(f"{PATH}{query}")
    assert response.status_code == 200, response.text
    return [read(p["part"]) for p in response.json().get("parameter", []) if p["name"] == "referral"]


def read(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Parts by name."""
    found: dict[str, Any] = {}
    for part in parts:
        value = next((v for k, v in part.items() if k.startswith("value")), None)
        value = value["reference"] if isinstance(value, dict) else read(part["part"]) if "part" in part else value
        found.setdefault(part["name"], []).append(value)
    return found


async def test_a_referral_waits_until_a_release_shows_it_and_again_when_that_ends(scene: Scene) -> None:
    referral = scene.records["ServiceRequest"]
    await no_tasks(scene)
    progress = build.task(scene.student, referral, scene.district.reference, scene.clinic.reference)
    task = await scene.district.create(progress)
    (found,) = await waiting(scene.district)
    assert found["request"] == [f"ServiceRequest/{referral['id']}"]
    assert found["task"] == [f"Task/{task['id']}"]
    assert found["provider"] == [scene.clinic.reference["reference"]]
    assert "no release" in found["why"][0]
    release = await scene.release("Patient", "ServiceRequest")
    assert await waiting(scene.district) == []
    await scene.district.save({**release, "status": "inactive"})
    (again,) = await waiting(scene.district)
    assert again["ended"] == [f"Consent/{release['id']}"]


async def test_a_draft_on_its_way_is_named_with_what_it_lacks(scene: Scene) -> None:
    await no_tasks(scene)
    mother, parties = scene.records["RelatedPerson"], (scene.district.reference, scene.clinic.reference)
    draft = build.consent(scene.student, mother, *parties, status="proposed")
    del draft["dateTime"]
    stored = await scene.district.create(draft)
    (found,) = await waiting(scene.district)
    assert found["draft"][0]["consent"] == [f"Consent/{stored['id']}"]
    assert found["draft"][0]["missing"][0]["expression"] == ["Consent.dateTime"]


async def no_tasks(scene: Scene) -> None:
    """End the scene's Task, so that the referral's performer counts."""
    response = await scene.district.delete(f"/Task/{scene.records['Task']['id']}")
    assert response.status_code == 204, response.text


async def test_a_release_of_other_things_is_weighed_and_does_not_help(scene: Scene) -> None:
    await no_tasks(scene)
    release = await scene.release("Encounter")
    (found,) = await waiting(scene.district)
    reasons = [w["why"][0] for w in found["weighed"] if w["consent"] == [f"Consent/{release['id']}"]]
    assert "class: another type" in reasons


async def test_to_others_nothing_waits(scene: Scene) -> None:
    await no_tasks(scene)
    await scene.release("Patient", "ServiceRequest")
    assert await waiting(scene.clinic) == []
    assert await waiting(scene.stranger, f"?patient={scene.student['id']}") == []


async def test_the_pages_go_through_all_that_is_active(scene: Scene) -> None:
    await no_tasks(scene)
    for _ in range(4):
        await scene.district.create(build.referral(scene.student, scene.clinic.reference))
    await scene.district.create(build.referral(scene.student, scene.clinic.reference, status="revoked"))
    found: list[str] = []
    link: str | None = f"{PATH}?_count=2"
    while link:
        page = (await scene.district.get(link)).json().get("parameter", [])
        found += [read(p["part"])["request"][0] for p in page if p["name"] == "referral"]
        link = next((p["valueUrl"] for p in page if p["name"] == "next"), None)
    assert len(found) == len(set(found)) == 5


async def test_who_may_not_search_referrals_does_not_ask(world: World, scene: Scene) -> None:
    narrow = await world.client_of(scene.district.organization, scopes="system/Patient.rs", purposes=("TREAT",))
    assert (await narrow.get(PATH)).status_code == 403
