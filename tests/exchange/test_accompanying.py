"""A Bundle with records under 42 CFR Part 2 carries the Consent under which they leave. 42 CFR 2.32"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text

from app.api.binary import NOTICE
from app.consent.codes import ACT_CODE, ACTOR_ROLE, CONFIDENTIALITY_SYSTEM, PART2
from app.db.engine import Database
from tests import build
from tests.api.bulk.exports import exported
from tests.api.test_documents import document, scan
from tests.scene import Scene, ledger, set_scene
from tests.world import open_world

LABEL = {"system": ACT_CODE, "code": PART2}


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    """A clinic that sees an adult's visit under Part 2, and one that is none, by one Consent."""
    async with open_world(db) as world:
        found = await set_scene(world)
        adult = found.records["Patient"] = await found.district.create(build.patient("adult", birthDate="2000-05-02"))
        for name, more in (("Encounter", {"meta": {"security": [LABEL]}}), ("other", {})):
            found.records[name] = await found.district.create(build.encounter(adult, **more))
        consent = part2_consent(found, adult)
        found.records["Consent"] = await found.district.create(consent)
        yield found


def part2_consent(scene: Scene, adult: dict[str, Any], *classes: str) -> dict[str, Any]:
    """Signed by the adult student, for the clinic, of visits or other types, with the label and without."""
    exchange = {"role": {"coding": [{"system": ACTOR_ROLE, "code": "intermediary"}]}, "reference": {"display": "It"}}
    consent = build.consent(
        adult, adult, scene.district.reference, scene.clinic.reference, classes=classes or ("Patient", "Encounter")
    )
    consent["policy"] = [{"uri": "https://www.ecfr.gov/current/title-42/section-2.31"}]
    normal = {"system": CONFIDENTIALITY_SYSTEM, "code": "N"}
    consent["provision"] |= {"securityLabel": [LABEL, normal], "actor": [*consent["provision"]["actor"], exchange]}
    return consent


async def test_a_page_of_a_search_carries_the_consent_beside_its_matches(scene: Scene) -> None:
    """It is no match, and it is a disclosure of its own, on the ledger."""
    consent, visit = scene.records["Consent"]["id"], scene.records["Encounter"]["id"]
    before = len(await ledger(scene.world, scene.clinic))
    for path in (f"/Encounter?_id={visit}", f"/Encounter?_id={visit}&_elements=status"):
        page = (await scene.clinic.get(path)).json()
        assert page["total"] == 1
        found = [(e["resource"]["resourceType"], e["resource"]["id"], e["search"]["mode"]) for e in page["entry"]]
        assert found == [("Encounter", visit, "match"), ("Consent", consent, "include")]
        assert page["entry"][1]["resource"]["provision"]["type"] == "permit"
    entered = (await ledger(scene.world, scene.clinic))[before:]
    assert [e[:4] for e in entered if e[0] == "Consent"] == [("Consent", UUID(consent), 1, "search")] * 2


async def test_everything_carries_it_once_and_a_batch_carries_it_in_the_pages_of_its_searches(scene: Scene) -> None:
    student = scene.student["id"]
    everything = (await scene.clinic.get(f"/Patient/{student}/$everything?_type=Encounter")).json()["entry"]
    assert [e["resource"]["resourceType"] for e in everything].count("Consent") == 1
    asked = [{"request": {"method": "GET", "url": "Encounter"}}]
    answer = await scene.clinic.post("", {"resourceType": "Bundle", "type": "batch", "entry": asked})
    (page,) = [e["resource"] for e in answer.json()["entry"]]
    assert [e["resource"]["resourceType"] for e in page["entry"]].count("Consent") == 1


async def test_a_history_carries_it_as_the_version_that_it_is(scene: Scene) -> None:
    """Of one, of a type and of all: at its own time, said to be no part of the total, and entered on the ledger."""
    consent, visit = scene.records["Consent"], scene.records["Encounter"]["id"]
    before = len(await ledger(scene.world, scene.clinic))
    for path in (f"/Encounter/{visit}/_history", "/Encounter/_history", "/_history?_type=Encounter,Location"):
        page = (await scene.clinic.get(path)).json()
        versions = [e["resource"]["resourceType"] for e in page["entry"]]
        assert page["total"] == versions.count("Encounter") == len(versions) - 1
        (along,) = [e for e in page["entry"] if e["resource"]["resourceType"] == "Consent"]
        assert along["resource"]["id"] == consent["id"]
        assert along["request"] == {"method": "POST", "url": "Consent"}
        assert along["response"].pop("outcome")["issue"][0]["severity"] == "information"
        updated = consent["meta"]["lastUpdated"]
        assert along["response"] == {"status": "201", "etag": 'W/"1"', "lastModified": updated}
        assert "search" not in along
        times = [e["resource"]["meta"]["lastUpdated"] for e in page["entry"]]
        assert times == sorted(times, reverse=True)
    entered = (await ledger(scene.world, scene.clinic))[before:]
    assert [e[:4] for e in entered if e[0] == "Consent"] == [("Consent", UUID(consent["id"]), 1, "history")] * 3
    own = (await scene.district.get(f"/Encounter/{visit}/_history")).json()["entry"]
    assert [e["resource"]["resourceType"] for e in own] == ["Encounter"]


async def test_who_follows_a_feed_gets_it_beside_what_is_new_and_is_never_told_that_it_is_withdrawn(
    scene: Scene,
) -> None:
    """It is in the pages with such records alone, and once where it is a version of the page itself."""
    adult = scene.student
    first = (await scene.clinic.get("/Encounter/_history?_count=1")).json()
    since = first["meta"]["lastUpdated"]
    again = f"/Encounter/_history?_since={since.replace('+', '%2B')}"
    assert "entry" not in (await scene.clinic.get(again)).json()
    visit = await scene.district.create(build.encounter(adult, meta={"security": [LABEL]}))
    page = (await scene.clinic.get(again)).json()
    assert page["total"] == 1
    assert [e["resource"]["resourceType"] for e in page["entry"]] == ["Encounter", "Consent"]
    both = (await scene.clinic.get("/_history?_type=Encounter,Consent")).json()
    ids = [e["resource"]["id"] for e in both["entry"]]
    assert both["total"] == len(ids) == len(set(ids))
    gone = await scene.district.delete(f"/Encounter/{visit['id']}")
    assert gone.status_code == 204
    since = page["meta"]["lastUpdated"]
    page = (await scene.clinic.get(f"/Encounter/_history?_since={since.replace('+', '%2B')}")).json()
    assert [(e["request"]["method"], "resource" in e) for e in page["entry"]] == [("DELETE", False)]


async def test_a_feed_leaves_out_a_consent_that_is_newer_than_what_its_answer_reaches(scene: Scene) -> None:
    """Who goes on from the latest entry would miss what was being written meanwhile."""
    async with scene.world.db.begin() as writing:
        await writing.execute(text("SELECT hallpass.stamp()"))
        held = scene.records["Consent"]
        new = {k: v for k, v in held.items() if k not in ("id", "meta")} | {"dateTime": "2026-09-18"}
        old = {**held, "status": "inactive"}
        assert (await scene.district.put(f"/Consent/{held['id']}", old)).status_code == 200
        scene.records["Consent"] = await scene.district.create(new)
        page = (await scene.clinic.get("/Encounter/_history")).json()
        resources = [e["resource"] for e in page["entry"] if "resource" in e]
        assert {r["resourceType"] for r in resources} == {"Encounter"}
        assert "The consent is" in str(resources)
    page = (await scene.clinic.get("/Encounter/_history")).json()
    assert f"Consent/{scene.records['Consent']['id']}" in {e["fullUrl"][-44:] for e in page["entry"]}


async def test_a_plan_names_the_consent_that_it_was_made_under(scene: Scene) -> None:
    """Each resource of a document is one that its Composition leads to."""
    held = scene.records["Consent"]
    new = {k: v for k, v in held.items() if k not in ("id", "meta")} | {"dateTime": "2026-09-16"}
    classes = [build.type_class(name) for name in ("Patient", "Condition")]
    await scene.district.create(new | {"provision": held["provision"] | {"class": classes}})
    need = {
        "resourceType": "Condition", "subject": build.ref(scene.student), "code": {"text": "Sleep"},
        "meta": {"security": [LABEL]},
    }  # fmt: skip
    await scene.district.create(need)
    document = (await scene.clinic.get(f"/Patient/{scene.student['id']}/$support-plan")).json()
    consents = [e["resource"] for e in document["entry"] if e["resource"]["resourceType"] == "Consent"]
    assert len(consents) == 2, "that of the need, and that of the visit"
    last = document["entry"][0]["resource"]["section"][-1]
    assert (last["title"], last["entry"]) == ("Disclosed under", [build.ref(c) for c in consents])


async def test_the_bytes_of_a_document_carry_the_notice_and_the_scope_in_a_header(scene: Scene) -> None:
    """They have no place for a label."""
    label = {"meta": {"security": [LABEL]}}
    binary = await scene.district.create(scan(scene.student, **label))
    await scene.district.create(document(scene.student, binary, **label))
    assert (await scene.clinic.get(f"/Binary/{binary['id']}")).status_code == 404
    consent = part2_consent(scene, scene.student, "DocumentReference", "Binary")
    made = await scene.district.create(consent | {"dateTime": "2026-09-17"})
    raw = await scene.clinic.get(f"/Binary/{binary['id']}")
    assert raw.headers[NOTICE].startswith(
        "42 CFR part 2 prohibits unauthorized use or disclosure of these records. The"
    )
    assert f"Consent/{made['id']}/" in raw.headers["Link"]
    assert NOTICE not in (await scene.district.get(f"/Binary/{binary['id']}")).headers


async def test_an_export_carries_it_in_a_file_of_its_own(scene: Scene) -> None:
    """Where the token may read it, and not with what is no record under Part 2."""
    found = await exported(scene.world, scene.clinic, "/Patient/$export?_type=Encounter")
    assert f"Consent/{scene.records['Consent']['id']}" in found.ids
    assert {o["type"] for o in found.manifest["output"]} == {"Encounter", "Consent"}
    of_patients = await exported(scene.world, scene.clinic, "/Patient/$export?_type=Patient")
    assert {o["type"] for o in of_patients.manifest["output"]} == {"Patient"}
    own = await exported(scene.world, scene.district, "/Patient/$export?_type=Encounter")
    assert {o["type"] for o in own.manifest["output"]} == {"Encounter"}


async def test_without_a_record_under_part_2_none_comes_nor_to_the_custodian_nor_without_the_scope(
    scene: Scene,
) -> None:
    """The label of each record has the explanation, then."""
    path = f"/Encounter?_id={scene.records['other']['id']}"
    assert [e["resource"]["resourceType"] for e in (await scene.clinic.get(path)).json()["entry"]] == ["Encounter"]
    own = (await scene.district.get(f"/Encounter?_id={scene.records['Encounter']['id']}")).json()["entry"]
    assert [e["resource"]["resourceType"] for e in own] == ["Encounter"]
    before = dict(scene.clinic.headers)
    await scene.world.login(scene.clinic, "system/Encounter.rs")
    (entry,) = (await scene.clinic.get(f"/Encounter?_id={scene.records['Encounter']['id']}")).json()["entry"]
    scene.clinic.headers = before
    assert "The consent is" in str(entry["resource"]["meta"]["security"])
