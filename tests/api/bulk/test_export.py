"""Bulk export: a client gets what releases open to it, each line on the ledger, and nothing after a release ended.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html
"""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from app.consent.codes import ACT_CODE, ACTOR_ROLE
from app.exchange.bulk import export
from tests import build
from tests.api.bulk.exports import (
    CLASSES,
    STARTED,
    Exported,
    entries,
    exported,
    fetched,
    kick_off,
    named,
    sent,
    work,
)
from tests.scene import Scene
from tests.world import BASE, EVERYTHING, World

# what comes ---------------------------------------------------------------------------------------------------------


async def test_a_recipient_gets_what_is_released_to_it_and_the_ledger_says_so(world: World, scene: Scene) -> None:
    found = await exported(world, scene.clinic)
    records = {i for i in found.ids if not i.startswith("Consent/")}
    assert records == named(scene, *CLASSES)
    given = {(r["resourceType"], r["id"], int(r["meta"]["versionId"])) for r in found.resources}
    assert await entries(world, scene.clinic) == given
    assert all("NORDSCLCD" in str(r["meta"].get("security")) for r in found.resources if r["resourceType"] in CLASSES)


async def test_a_custodian_gets_all_that_it_holds_and_nothing_is_disclosed_by_it(world: World, scene: Scene) -> None:
    found = await exported(world, scene.district)
    assert named(scene, *CLASSES, "RelatedPerson", "Task") <= found.ids
    assert await entries(world, scene.district) == set()


async def test_a_stranger_gets_nothing_and_the_same_manifest_as_if_nothing_were_there(
    world: World, scene: Scene
) -> None:
    found = await exported(world, scene.stranger)
    assert found.manifest["output"] == found.manifest["error"] == []
    assert found.manifest["requiresAccessToken"] is True
    assert not [secret for secret in scene.secrets if secret in str(found.manifest)]


async def test_the_system_level_brings_the_directory_and_groups_too(world: World, scene: Scene) -> None:
    found = await exported(world, scene.district, "/$export")
    assert {"Organization", "Group", "Patient"} <= {r["resourceType"] for r in found.resources}


async def test_a_group_export_is_of_its_members_alone(world: World, scene: Scene) -> None:
    other = await scene.district.create(build.patient("other-1"))
    found = await exported(world, scene.district, f"/Group/{scene.records['Group']['id']}/$export")
    assert f"Patient/{scene.student['id']}" in found.ids
    assert f"Patient/{other['id']}" not in found.ids
    hidden = await scene.clinic.get(f"/Group/{scene.records['Group']['id']}/$export", headers=STARTED)
    absent = await scene.clinic.get(f"/Group/{scene.student['id']}/$export", headers=STARTED)
    assert hidden.status_code == absent.status_code == 404


async def test_types_elements_filters_and_patients_narrow_it(world: World, scene: Scene) -> None:
    by_type = await exported(world, scene.clinic, "/Patient/$export?_type=Encounter")
    assert by_type.ids == named(scene, "Encounter")
    parts = await exported(world, scene.clinic, "/Patient/$export?_type=Patient,Encounter&_elements=Patient.name")
    (patient,) = [r for r in parts.resources if r["resourceType"] == "Patient"]
    assert set(patient) <= {"resourceType", "id", "meta", "name"}
    encounters = "/Patient/$export?_type=Encounter&_typeFilter=Encounter%3Fstatus%3D"
    met = await exported(world, scene.clinic, f"{encounters}finished")
    assert met.ids == named(scene, "Encounter")
    unmet = await exported(world, scene.clinic, f"{encounters}planned")
    assert unmet.ids == set()


async def test_an_export_of_some_patients_names_those_that_lead_nowhere_hidden_or_absent_alike(
    world: World, scene: Scene
) -> None:
    hidden = await scene.district.create(build.patient("hidden-1"))
    absent = "11111111-1111-4111-8111-111111111111"
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueReference": {"reference": f"Patient/{id}"}}
            for id in (scene.student["id"], hidden["id"], absent)
        ],
    }
    answer = await scene.clinic.post("/Patient/$export", body, headers=STARTED)
    assert answer.status_code == 202, answer.text
    await work(world)
    found = await fetched(scene.clinic, answer.headers["Content-Location"].removeprefix(f"{BASE}/fhir"))
    assert f"Patient/{scene.student['id']}" in found.ids
    (problems,) = [found.files[e["url"]] for e in found.manifest["error"]]
    told = sorted(issue["details"]["text"] for p in problems for issue in p["issue"])
    assert told == sorted(f"Patient/{id} is not a Patient that this client can see." for id in (hidden["id"], absent))


@pytest.mark.parametrize("organized", ["", "&organizeOutputBy=Patient"])
async def test_the_provenance_of_what_comes_comes_along_all_or_the_latest_and_no_other(
    world: World, scene: Scene, organized: str
) -> None:
    visit, referral = scene.records["Encounter"], scene.records["ServiceRequest"]
    made = {}
    for name, about, recorded in (
        ("old", visit, "2026-01-01T00:00:00Z"), ("new", visit, "2026-02-01T00:00:00Z"),
        ("other", referral, "2026-03-01T00:00:00Z"),
    ):  # fmt: skip
        content = {
            "resourceType": "Provenance",
            "target": [{"reference": f"{r['resourceType']}/{r['id']}"} for r in (scene.student, about)],
            "recorded": recorded,
            "agent": [{"who": scene.district.reference}],
        }
        made[name] = f"Provenance/{(await scene.district.create(content))['id']}"
    first = f"Encounter/{visit['id']}"
    path = f"/Patient/$export?_type=Encounter{organized}&includeAssociatedData="
    latest = await exported(world, scene.district, f"{path}LatestProvenanceResources")
    assert latest.ids == {first, made["new"]}
    everything = await exported(
        world, scene.district, f"{path}RelevantProvenanceResources&_typeFilter=Encounter%3Fstatus%3Dfinished"
    )
    assert everything.ids >= {first, made["old"], made["new"]}
    assert made["other"] not in everything.ids
    hidden = await exported(world, scene.clinic, f"{path}RelevantProvenanceResources")
    assert hidden.ids == {first}
    await scene.release("Encounter", "Provenance")
    assert {made["old"], made["new"]} <= (await exported(world, scene.clinic, f"{path}RelevantProvenanceResources")).ids
    await world.login(scene.clinic, "system/Encounter.rs")
    assert (await scene.clinic.get(f"{path}RelevantProvenanceResources", headers=STARTED)).status_code == 403


async def test_organized_by_patient_each_students_block_begins_with_its_header(world: World, scene: Scene) -> None:
    second = await scene.district.create(build.patient("second-1"))
    found = await exported(world, scene.district, "/Patient/$export?organizeOutputBy=Patient")
    assert found.manifest["outputOrganizedBy"] == "Patient"
    lines = [line for o in found.manifest["output"] for line in found.files[o["url"]]]
    headers = [line["parameter"][0]["valueReference"]["reference"] for line in lines if "parameter" in line]
    assert sorted(headers) == sorted({f"Patient/{scene.student['id']}", f"Patient/{second['id']}"})
    under = ""
    for line in lines:
        if "parameter" in line:
            under = line["parameter"][0]["valueReference"]["reference"]
        else:
            assert under.removeprefix("Patient/") in str(line)


# what it rests on ---------------------------------------------------------------------------------------------------


def cited(found: Exported) -> set[str]:
    """The Consents that a manifest cites."""
    listed = found.manifest.get("extension", {}).get("releases", {}).get("first", [])
    return {one["reference"] for one in listed}


async def test_the_manifest_cites_the_releases_under_which_its_lines_leave_and_no_other(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    encounters = "/Patient/$export?_type=Encounter"
    unused = await scene.release("Task")
    [first] = cited(await exported(world, scene.clinic, encounters))
    found = await exported(world, scene.clinic, encounters)
    assert {label for r in found.resources for label in _artifacts(r)} == {f"{BASE}/fhir/{first}"}
    assert unused["id"] not in first
    second = await scene.release("Encounter")
    monkeypatch.setattr(export, "CITED", 1)
    both = await exported(world, scene.clinic, encounters)
    assert len(cited(both)) == 1
    listed = await scene.clinic.get(both.manifest["extension"]["releases"]["url"])
    lines = [json.loads(line)["parameter"][0]["valueReference"]["reference"] for line in listed.text.splitlines()]
    assert set(lines) == {first, f"Consent/{second['id']}/_history/1"}
    assert len(lines) == 2
    assert cited(await exported(world, scene.district, encounters)) == set()
    status = both.manifest["output"][0]["url"].rpartition("/")[0].removeprefix(f"{BASE}/fhir")
    for other in (scene.stranger, scene.district):
        assert (await other.get(f"{status}/releases.ndjson")).status_code == 404
    monkeypatch.undo()
    for id in (first.split("/")[1], second["id"]):
        consent = (await scene.district.get(f"/Consent/{id}")).json()
        await scene.district.save({**consent, "status": "inactive"})
    assert cited(await fetched(scene.clinic, status)) == set()


def _artifacts(resource: dict[str, Any]) -> set[str]:
    return {
        e["valueRelatedArtifact"]["resource"]
        for label in resource["meta"]["security"]
        for e in label.get("extension", [])
    }


async def test_with_a_record_under_part_2_the_consent_is_among_the_lines_for_who_may_read_it(
    world: World, scene: Scene
) -> None:
    """42 CFR 2.32: a copy of the consent goes along."""
    adult = await scene.district.create(build.patient("adult", birthDate="2000-05-02"))
    label = {"system": ACT_CODE, "code": "42CFRPart2"}
    visit = await scene.district.create(build.encounter(adult, meta={"security": [label]}))
    consent = build.consent(adult, adult, scene.district.reference, scene.clinic.reference, classes=("Encounter",))
    exchange = {"role": {"coding": [{"system": ACTOR_ROLE, "code": "intermediary"}]}, "reference": {"display": "It"}}
    consent["policy"] = [{"uri": "https://www.ecfr.gov/current/title-42/section-2.31"}]
    consent["provision"] |= {"securityLabel": [label], "actor": [*consent["provision"]["actor"], exchange]}
    made = await scene.district.create(consent)
    encounters = "/Patient/$export?_type=Encounter"
    expected = named(scene, "Encounter") | {f"Encounter/{visit['id']}"}
    found = await exported(world, scene.clinic, encounters)
    assert found.ids == expected | {f"Consent/{made['id']}"}
    assert f"Consent/{made['id']}/_history/1" in cited(found)
    await world.login(scene.clinic, "system/Encounter.rs")
    assert (await exported(world, scene.clinic, encounters)).ids == expected


# what does not ------------------------------------------------------------------------------------------------------


async def test_what_a_release_no_longer_covers_is_withheld_from_a_file_that_was_chosen_before(
    world: World, scene: Scene
) -> None:
    release = await scene.release("Task")
    status = await kick_off(scene.clinic, "/Patient/$export")
    await work(world)
    manifest = (await scene.clinic.get(status)).json()
    for consent in (await scene.district.get("/Consent?status=active")).json()["entry"]:
        content = consent["resource"]
        await scene.district.save({**content, "status": "inactive"})
    assert release["status"] == "active"
    found = await fetched(scene.clinic, status)
    assert {r["resourceType"] for r in found.resources} <= {"Consent"}
    assert {t for t, _, _ in await entries(world, scene.clinic)} <= {"Consent"}
    assert [o["url"] for o in manifest["output"]] == [o["url"] for o in found.manifest["output"]]


async def test_a_record_deleted_since_the_choice_is_withheld_from_its_custodian_too(world: World, scene: Scene) -> None:
    extra = await scene.district.create(build.patient("gone-1"))
    status = await kick_off(scene.district, "/Patient/$export")
    await work(world)
    assert (await scene.district.delete(f"/Patient/{extra['id']}")).status_code == 204
    assert f"Patient/{extra['id']}" not in (await fetched(scene.district, status)).ids


@pytest.mark.parametrize("name", ["", "/Patient-1.ndjson", "/errors.ndjson"])
async def test_an_export_is_its_clients_alone(world: World, scene: Scene, name: str) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export")
    await work(world)
    colleague = await world.client_of(scene.clinic.organization, scopes=EVERYTHING, purposes=("TREAT",))
    for other in (scene.stranger, scene.district, colleague):
        answer = await other.get(f"{status}{name}")
        assert answer.status_code == 404
        assert (await other.get("/export/11111111-1111-4111-8111-111111111111")).json() == (
            await other.get(status)
        ).json()


async def test_a_token_without_the_scope_gets_no_file_of_the_type(world: World, scene: Scene) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export?_type=Patient,Encounter")
    await work(world)
    await world.login(scene.clinic, "system/Encounter.rs")
    assert (await scene.clinic.get(f"{status}/Encounter-1.ndjson")).status_code == 200
    assert (await scene.clinic.get(f"{status}/Patient-1.ndjson")).status_code == 403


# again --------------------------------------------------------------------------------------------------------------


async def test_since_brings_what_was_written_what_was_opened_and_names_what_is_gone(world: World, scene: Scene) -> None:
    first = await exported(world, scene.clinic)
    since = first.manifest["transactionTime"]
    path = f"/Patient/$export?_since={since}"
    assert (await exported(world, scene.clinic, path)).resources == []
    await scene.district.save({**scene.records["Encounter"], "status": "cancelled"})
    await scene.release("Task", "RelatedPerson")
    again = await exported(world, scene.clinic, path)
    assert named(scene, "Encounter", "RelatedPerson") <= again.ids
    assert not named(scene, "Patient", "ServiceRequest") & again.ids
    for consent in (await scene.district.get("/Consent?status=active")).json()["entry"]:
        await scene.district.save({**consent["resource"], "status": "inactive"})
    last = await exported(world, scene.clinic, f"/Patient/$export?_since={again.manifest['transactionTime']}")
    assert named(scene, *CLASSES, "RelatedPerson") <= last.deleted
    assert not last.deleted & last.ids


async def test_who_was_given_a_record_is_told_that_it_was_deleted_once_and_who_was_not_is_told_nothing(
    world: World, scene: Scene
) -> None:
    hidden = await scene.district.create(build.patient("never-released"))
    since = (await exported(world, scene.clinic)).manifest["transactionTime"]
    gone = f"Encounter/{scene.records['Encounter']['id']}"
    for path in (gone, f"Patient/{hidden['id']}"):
        assert (await scene.district.delete(f"/{path}")).status_code == 204
    told = await exported(world, scene.clinic, f"/Patient/$export?_since={since}")
    assert (told.deleted, gone in told.ids) == ({gone}, False)
    after = await exported(world, scene.clinic, f"/Patient/$export?_since={told.manifest['transactionTime']}")
    assert after.deleted == set()


async def test_an_export_in_halves_has_every_version_once(world: World, scene: Scene) -> None:
    whole = await exported(world, scene.district)
    middle = scene.records["ServiceRequest"]["meta"]["lastUpdated"]
    first = await exported(world, scene.district, f"/Patient/$export?_until={middle}")
    second = await exported(world, scene.district, f"/Patient/$export?_since={middle}")
    assert first.ids | second.ids == whole.ids
    assert not first.ids & second.ids


# what leaves, and how -----------------------------------------------------------------------------------------------


async def test_the_custodian_reads_what_was_withheld_and_why_and_the_recipient_does_not(
    world: World, scene: Scene
) -> None:
    status = await kick_off(scene.clinic, "/Patient/$export?_type=Patient,Encounter")
    await work(world)
    for consent in (await scene.district.get("/Consent?status=active")).json()["entry"]:
        await scene.district.save({**consent["resource"], "status": "inactive"})
    await fetched(scene.clinic, status)
    await fetched(scene.clinic, status)
    first = (await scene.district.get(f"/$withheld?recipient={scene.clinic.organization}&_count=1")).json()
    (line, link) = first["parameter"]
    second = (await scene.district.get(link["valueUrl"].removeprefix(f"{BASE}/fhir"))).json()
    told = [{p["name"]: p for p in one["part"]} for one in (line, *second["parameter"])]
    assert {t["resource"]["valueReference"]["reference"].partition("/_history")[0] for t in told} == named(
        scene, "Patient", "Encounter"
    )
    assert {t["decision"]["valueCode"] for t in told} == {"deny"}
    assert all(t["why"]["valueString"] for t in told)
    for other in (scene.clinic, scene.stranger):
        assert "parameter" not in (await other.get("/$withheld")).json()


async def test_a_file_goes_on_behind_a_record_that_its_client_has(world: World, scene: Scene) -> None:
    await scene.district.create(build.encounter(scene.student))
    status = await kick_off(scene.district, "/Patient/$export?_type=Encounter")
    await work(world)
    name = f"{status}/Encounter-1.ndjson"
    whole = (await scene.district.get(name)).text.splitlines()
    assert len(whole) == 2
    rest = await scene.district.get(f"{name}?_after={json.loads(whole[0])['id']}")
    assert rest.text.splitlines() == whole[1:]
    assert (await scene.district.get(f"{name}?_after={json.loads(whole[1])['id']}")).text == ""
    for strange in (scene.student["id"], "x"):
        assert (await scene.district.get(f"{name}?_after={strange}")).status_code == 400


async def test_who_takes_gzip_gets_each_page_whole_before_the_next_is_judged(
    world: World, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await scene.district.create(build.encounter(scene.student))
    status = await kick_off(scene.clinic, "/Patient/$export?_type=Encounter")
    await work(world)
    monkeypatch.setattr("app.api.bulk_lines.FIRST_LINES", 2)
    monkeypatch.setattr(export, "PAGE_LINES", 2)
    had: list[bytes] = []
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    async for part in sent(world, scene.clinic, f"{status}/Encounter-1.ndjson", gzip=True):
        had.append(unpack.decompress(part))
        if len(had) == 1:
            for consent in (await scene.district.get("/Consent?status=active")).json()["entry"]:
                await scene.district.save({**consent["resource"], "status": "inactive"})
    assert unpack.eof
    lines = b"".join(had).splitlines()
    assert had[0].count(b"\n") == len(lines) == 2
    assert {(r["resourceType"], r["id"]) for r in map(json.loads, lines)} == {
        (t, i) for t, i, _ in await entries(world, scene.clinic)
    }
