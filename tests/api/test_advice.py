"""A Consent that denies by `related` what was recorded in an Encounter is stored with a warning."""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from app.consent.codes import WHO_SIGNS
from tests import build
from tests.scene import Scene, set_scene
from tests.world import World


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A student with a visit."""
    return await set_scene(world, "ServiceRequest")


def denying(scene: Scene) -> dict[str, Any]:
    """A release of visits, one of them excepted."""
    data = [{"meaning": "related", "reference": build.ref(scene.records["Encounter"])}]
    signed = build.consent(
        scene.student,
        scene.records["RelatedPerson"],
        scene.district.reference,
        scene.clinic.reference,
        classes=("Encounter",),
    )
    return {**signed, "provision": {**signed["provision"], "provision": [{"type": "deny", "data": data}]}}


def severities(outcome: dict[str, Any]) -> list[str]:
    return [i["severity"] for i in outcome["issue"]]


async def test_the_writer_is_warned_who_asks_for_an_outcome(scene: Scene) -> None:
    headers = {"Prefer": "return=OperationOutcome"}
    answer = await scene.district.post("/Consent", denying(scene), headers=headers)
    assert answer.status_code == 201, answer.text
    assert severities(answer.json()) == ["information", "warning"]


async def test_validation_warns(scene: Scene) -> None:
    answer = await scene.district.post("/Consent/$validate", denying(scene))
    assert "warning" in severities(answer.json())
    assert "error" not in severities(answer.json())


async def test_an_entry_of_a_bundle_is_stored_with_the_warning(scene: Scene) -> None:
    entry = {"resource": denying(scene), "request": {"method": "POST", "url": "Consent"}}
    answer = await scene.district.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    (found,) = answer.json()["entry"]
    assert found["response"]["status"].startswith("201")
    assert severities(found["response"]["outcome"]) == ["information", "warning"]


async def test_a_nested_denial_of_a_denial_is_told_its_type_alone(scene: Scene) -> None:
    consent = denying(scene)
    consent["provision"] = {"type": "deny", "provision": [{"type": "deny"}]}
    answer = await scene.district.post("/Consent", consent)
    assert answer.status_code == 422
    assert [i["expression"] for i in answer.json()["issue"]] == [["Consent.provision.provision[0].type"]]


async def test_a_release_says_which_covered_records_its_signatures_do_not_reach(scene: Scene) -> None:
    """A mother alone signs for visits, of which the minor controls one. What the release does not cover is not told."""
    own = {"meta": {"security": [{"system": WHO_SIGNS, "code": "minor-signs"}]}, "period": {"start": "2026-09-01"}}
    await scene.district.create(build.encounter(scene.student, **own))
    for classes, told in ((("Encounter",), 1), (("ServiceRequest",), 0)):
        consent = build.consent(
            scene.student,
            scene.records["RelatedPerson"],
            scene.district.reference,
            scene.clinic.reference,
            classes=classes,
        )
        answer = await scene.district.post("/Consent", consent, headers={"Prefer": "return=OperationOutcome"})
        assert answer.status_code == 201
        warned = [i for i in answer.json()["issue"] if i.get("expression") == ["Consent.performer"]]
        assert len(warned) == told
        assert all("1 of the records that it covers (Encounter) stay closed" in i["details"]["text"] for i in warned)
    student = build.consent(
        scene.student, scene.student, scene.district.reference, scene.clinic.reference, classes=("Encounter",)
    )
    both = student | {"performer": [build.ref(scene.records["RelatedPerson"]), build.ref(scene.student)]}
    answer = await scene.district.post("/Consent", both, headers={"Prefer": "return=OperationOutcome"})
    assert [i["severity"] for i in answer.json()["issue"]] == ["information"]
