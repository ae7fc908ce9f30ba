"""A student who changes district: records are copied by the law's own exception, and the old releases end.

34 CFR 99.31(a)(2), 99.34.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from app.consent.codes import ACT_CODE, CONTACT_RESTRICTION, GUARDIAN_AUTHORITY, PART2, WHO_SIGNS
from app.exchange.verify import Verifier
from tests import build
from tests.scene import Scene, as_owner, ledger, set_scene
from tests.world import Member, World

EDU = [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/organization-type", "code": "edu"}]}]


@pytest_asyncio.fixture
async def scene(world: World) -> Scene:
    """A district with a student; the stranger is the district to which the student changes."""
    scene = await set_scene(world, "Encounter")
    entry = (await scene.stranger.get(f"/Organization/{scene.stranger.organization}")).json()
    await scene.stranger.save(entry | {"type": EDU})
    return scene


async def propose(scene: Scene, **more: Any) -> Any:
    given = [
        {"name": "to", "valueReference": more.get("to", scene.stranger.reference)},
        {"name": "notice", "valueCode": more.get("notice", "parent-notified")},
    ]
    asked = {"resourceType": "Parameters", "parameter": given}
    return await more.get("by", scene.district).post(f"/Patient/{scene.student['id']}/$transfer", asked)


async def answer(member: Member, transfer: str, *, accept: bool = True) -> Any:
    given = [{"name": "transfer", "valueId": transfer}, {"name": "accept", "valueBoolean": accept}]
    return await member.post("/Patient/$transfers", {"resourceType": "Parameters", "parameter": given})


async def entries(member: Member, type_name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await member.get(f"/{type_name}")).json()["entry"]
    return found


def parts(answer: Any, name: str = "transfer") -> list[dict[str, Any]]:
    """The parts of each parameter of a name, by theirs."""
    found = [p for p in answer.json().get("parameter", []) if p["name"] == name]
    return [{p["name"]: p for p in one["part"]} for one in found]


async def proposed(scene: Scene) -> str:
    (told,) = parts(await propose(scene))
    return str(told["id"]["valueId"])


async def test_the_new_district_gets_a_copy_in_its_own_custody_each_record_on_the_ledger(scene: Scene) -> None:
    """Under ids of its own, referring to one another. The old district keeps what it has, and who it was given to."""
    transfer = await proposed(scene)
    assert (await scene.stranger.get("/Patient")).json()["total"] == 0
    accepted = await answer(scene.stranger, transfer)
    assert accepted.status_code == 200
    (patient,) = (await scene.stranger.get("/Patient")).json()["entry"]
    assert patient["resource"]["id"] != scene.student["id"]
    assert patient["resource"]["name"] == scene.student["name"]
    (visit,) = (await scene.stranger.get("/Encounter")).json()["entry"]
    (referral,) = (await scene.stranger.get("/ServiceRequest")).json()["entry"]
    assert visit["resource"]["subject"] == build.ref(patient["resource"])
    assert visit["resource"]["basedOn"] == [build.ref(referral["resource"])]
    entered = [e for e in await ledger(scene.world, scene.stranger) if e[3] == "transfer"]
    copied = [scene.records[t] for t in ("Patient", "RelatedPerson", "ServiceRequest", "Encounter")]
    assert {e[1] for e in entered} >= {UUID(r["id"]) for r in copied}
    told = (await scene.district.get(f"/Patient/{scene.student['id']}/$disclosures?basis=transfer")).json()
    assert len(told["entry"]) == len(entered)
    assert [d async for d in Verifier(scene.world.db, scene.world.settings).run()] == []
    assert (await scene.district.get(f"/Encounter/{scene.records['Encounter']['id']}")).status_code == 200


async def test_who_proposes_may_read_all_that_is_handed_over(scene: Scene) -> None:
    home, scopes = scene.district.organization, "system/Patient.r system/Consent.u"
    narrow = await scene.world.client_of(home, scopes=scopes, purposes=("TREAT",))
    assert (await propose(scene, by=narrow)).status_code == 403
    whole = await scene.world.client_of(home, scopes="system/*.r system/Consent.u", purposes=("TREAT",))
    assert (await propose(scene, by=whole)).status_code == 200


async def test_the_old_districts_releases_end_and_the_list_says_which_wait_for_a_signature(scene: Scene) -> None:
    """The new district asks for signatures of its own: nothing of the copy is open to the clinic."""
    assert len(await scene.clinic.ids("/Encounter")) == 1
    (release,) = await scene.clinic.ids("/Consent")
    accepted = await answer(scene.stranger, await proposed(scene))
    assert await scene.clinic.ids("/Encounter") == []
    assert (await scene.district.get(f"/Consent/{release}")).json()["status"] == "inactive"
    for told in (
        accepted,
        await scene.district.get("/Patient/$transfers"),
        await scene.stranger.get("/Patient/$transfers"),
    ):
        waiting = [p for one in told.json()["parameter"] for p in one.get("part", []) if p["name"] == "waiting"]
        named = {p["name"]: p for one in waiting for p in one["part"] if f"Consent/{release}" in str(one)}
        assert named["recipient"]["valueReference"] == {"reference": f"Organization/{scene.clinic.organization}"}
        assert (named["purpose"]["valueCode"], named["type"]["valueCode"]) == ("TREAT", "Encounter")


async def test_what_another_law_keeps_back_stays_behind_and_nothing_tells_of_it(scene: Scene) -> None:
    """42 CFR Part 2 has no such exception, and what a minor signs for is not the parent's to know."""
    part2 = {"meta": {"security": [{"system": ACT_CODE, "code": PART2}]}}
    own = {"meta": {"security": [{"system": WHO_SIGNS, "code": "minor-signs"}]}}
    hidden = [await scene.district.create(build.encounter(scene.student, **more)) for more in (part2, own)]
    other = await scene.district.create(build.referral(scene.student, supportingInfo=[build.ref(hidden[0])]))
    talk = {
        "status": "completed",
        "subject": build.ref(scene.student),
        "payload": [{"contentReference": build.ref(hidden[0])}],
    }
    await scene.district.create({"resourceType": "Communication", **talk})
    accepted = await answer(scene.stranger, await proposed(scene))
    assert accepted.status_code == 200
    assert len(await scene.stranger.ids("/Encounter")) == 1
    assert not [r["id"] for r in hidden if r["id"] in accepted.text]
    assert not {UUID(r["id"]) for r in hidden} & {e[1] for e in await ledger(scene.world, scene.stranger)}
    copies = [e["resource"] for t in ("ServiceRequest", "Communication") for e in await entries(scene.stranger, t)]
    assert len(copies) == 3
    assert not [c for c in copies if "supportingInfo" in c or "payload" in c]
    assert UUID(other["id"]) in {e[1] for e in await ledger(scene.world, scene.stranger)}


async def test_a_mark_that_opens_is_for_the_new_district_to_make_and_one_that_closes_comes_along(scene: Scene) -> None:
    for code, url in (("PRN", GUARDIAN_AUTHORITY), ("FTH", CONTACT_RESTRICTION)):
        mark = [{"url": url, "valueBoolean": True}]
        await scene.district.create(build.guardian(scene.student, code, extension=mark))
    await answer(scene.stranger, await proposed(scene))
    people = (await scene.stranger.get("/RelatedPerson")).json()["entry"]
    marks = [e["url"] for p in people for e in p["resource"].get("extension", [])]
    assert marks == [CONTACT_RESTRICTION]


async def test_a_proposal_is_accepted_once_by_whom_it_names_and_can_be_taken_back(scene: Scene) -> None:
    """To everyone else it is absent. Until it is accepted it tells no more than who proposed it."""
    transfer = await proposed(scene)
    (told,) = parts(await scene.stranger.get("/Patient/$transfers"))
    assert "patient" not in told
    assert not [s for s in scene.secrets if s in str(told)]
    assert parts(await scene.clinic.get("/Patient/$transfers")) == []
    for member in (scene.clinic, scene.district):
        assert (await answer(member, transfer)).status_code == 404
    assert (await answer(scene.stranger, transfer, accept=False)).status_code == 404
    assert (await answer(scene.district, transfer, accept=False)).status_code == 200
    assert (await answer(scene.stranger, transfer)).status_code == 404
    assert len(await scene.clinic.ids("/Encounter")) == 1
    again = await proposed(scene)
    assert [(await answer(scene.stranger, again)).status_code for _ in range(2)] == [200, 404]
    assert (await answer(scene.district, again, accept=False)).status_code == 404


async def test_a_proposal_lapses_after_sixty_days(scene: Scene) -> None:
    transfer = await proposed(scene)
    await as_owner(scene.world, "UPDATE hallpass.transfer SET closes = now() WHERE id = :id", id=transfer)
    assert (await answer(scene.stranger, transfer)).status_code == 404


async def test_where_the_releases_cannot_be_ended_nothing_is_copied(scene: Scene) -> None:
    """The client that proposed it stands no more."""
    transfer = await proposed(scene)
    await as_owner(
        scene.world, "UPDATE hallpass.client SET disabled = now() WHERE id = :id", id=scene.district.client_id
    )
    assert (await answer(scene.stranger, transfer)).status_code == 409
    assert await scene.stranger.ids("/Patient") == []


async def test_more_records_than_one_transfer_copies_is_said_before_any_release_ends(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the proposal; and by the acceptance, where they came since."""
    transfer = await proposed(scene)
    monkeypatch.setitem(scene.world.settings.__dict__, "max_released", 4)
    await scene.district.create(build.encounter(scene.student))
    for refused in (await propose(scene), await answer(scene.stranger, transfer)):
        assert refused.status_code == 422
        (issue,) = refused.json()["issue"]
        assert issue["code"] == "too-costly"
        assert "5 records" in issue["details"]["text"]
    assert len(await scene.clinic.ids("/Encounter")) >= 1
    assert await scene.stranger.ids("/Patient") == []


async def test_a_proposal_is_worth_what_its_client_may_now_and_only_while_the_new_district_is_a_school(
    scene: Scene,
) -> None:
    """What was taken from either since is not brought back by an old proposal."""
    transfer = await proposed(scene)
    entry = (await scene.stranger.get(f"/Organization/{scene.stranger.organization}")).json()
    await scene.stranger.save({k: v for k, v in entry.items() if k != "type"})
    assert (await answer(scene.stranger, transfer)).status_code == 409
    await scene.stranger.save(entry)
    await as_owner(
        scene.world,
        "UPDATE hallpass.client SET scopes = '{system/Patient.cruds}' WHERE id = :id",
        id=scene.district.client_id,
    )
    assert (await answer(scene.stranger, transfer)).status_code == 409
    assert len(await scene.clinic.ids("/Encounter")) == 1
    assert await scene.stranger.ids("/Patient") == []


async def test_what_the_old_district_closed_after_it_proposed_is_closed_in_the_copy(scene: Scene) -> None:
    mother = await scene.district.create(build.guardian(scene.student, "MTH"))
    transfer = await proposed(scene)
    closed = {**mother, "active": False, "extension": [{"url": GUARDIAN_AUTHORITY, "valueBoolean": False}]}
    await scene.district.save(closed)
    await answer(scene.stranger, transfer)
    copied = [e["resource"] for e in await entries(scene.stranger, "RelatedPerson")]
    assert [c["extension"] for c in copied if c.get("active") is False] == [closed["extension"]]


@pytest.mark.parametrize(("more", "status"), [
    ({"notice": "none"}, 422),
    ({"to": "itself"}, 422),
    ({"to": "clinic"}, 422),
    ({"by": "clinic"}, 404),
    ({"by": "stranger"}, 404),
])  # fmt: skip
async def test_only_the_custodian_proposes_to_a_school_and_says_how_the_parent_knows(
    scene: Scene, more: dict[str, str], status: int
) -> None:
    members = {"itself": scene.district, "clinic": scene.clinic, "stranger": scene.stranger}
    given: dict[str, Any] = dict(more)
    if "to" in more:
        given["to"] = members[more["to"]].reference
    if "by" in more:
        given["by"] = members[more["by"]]
    assert (await propose(scene, **given)).status_code == status
