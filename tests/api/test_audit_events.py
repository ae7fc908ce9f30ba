"""AuditEvent: the ledger and the trail, searched and read by whom they concern."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from app.auth import jose
from app.db.engine import Database
from tests import build
from tests.api.asking import refused
from tests.scene import Scene, as_owner, set_scene
from tests.world import EVERYTHING, assertion, open_world


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    """The clinic has read the student once and the referral twice."""
    async with open_world(db) as world:
        found = await set_scene(world, "Patient", "ServiceRequest")
        await found.clinic.get(f"/Patient/{found.student['id']}")
        for _ in range(2):
            await found.clinic.get(f"/ServiceRequest/{found.records['ServiceRequest']['id']}")
        yield found


async def events(scene: Scene, query: str) -> list[dict[str, Any]]:
    """The AuditEvents that the district finds."""
    response = await scene.district.get(f"/AuditEvent?{query}")
    assert response.status_code == 200, response.text
    return [e["resource"] for e in response.json().get("entry", [])]


async def release_id(scene: Scene) -> str:
    """The release to the clinic."""
    found = (await scene.district.get(f"/Consent?patient={scene.student['id']}&_count=50")).json()["entry"]
    names = {scene.clinic.reference["reference"]}
    return str(
        next(
            e["resource"]["id"]
            for e in found
            if {a["reference"]["reference"] for a in e["resource"]["provision"]["actor"]} & names
        )
    )


async def test_the_ledger_is_searched_by_student_date_agent_entity_purpose_outcome_and_consent(scene: Scene) -> None:
    student, referral = scene.student["id"], scene.records["ServiceRequest"]["id"]
    for query, number in {
        f"patient={student}": 3,
        f"patient=Patient/{student}&date=ge2020-01-01": 3,
        f"patient={student}&date=lt2020-01-01": 0,
        f"patient={student}&agent=Organization/{scene.clinic.organization}": 3,
        f"patient={student}&agent={scene.stranger.organization}": 0,
        f"entity=ServiceRequest/{referral}": 2,
        f"entity=Consent/{await release_id(scene)}": 3,
        f"patient={student}&purpose=TREAT": 3,
        f"patient={student}&purpose=HPAYMT": 0,
        f"patient={student}&outcome=0": 3,
        f"patient={student}&outcome=4": 0,
        f"patient={student}&subtype=release": 3,
        f"patient={student}&subtype=party": 0,
    }.items():
        assert len(await events(scene, query)) == number, query


async def test_an_event_cites_the_version_of_the_consent_and_is_read_by_its_id(scene: Scene) -> None:
    found = (await events(scene, f"entity=ServiceRequest/{scene.records['ServiceRequest']['id']}"))[0]
    cited = [e["what"]["reference"] for e in found["entity"]]
    assert f"Consent/{await release_id(scene)}/_history/1" in cited
    read = await scene.district.get(f"/AuditEvent/{found['id']}")
    assert (read.status_code, read.json()) == (200, found)


async def test_nobody_else_finds_or_reads_them(scene: Scene) -> None:
    own = (await events(scene, f"patient={scene.student['id']}"))[0]["id"]
    for member in (scene.clinic, scene.stranger):
        assert (await member.get(f"/AuditEvent/{own}")).status_code == 404
        found = await member.get(f"/AuditEvent?patient={scene.student['id']}&_total=accurate")
        assert found.json()["total"] == 0
    assert (await scene.district.get(f"/AuditEvent/{uuid4()}")).status_code == 404
    assert (await scene.district.get("/AuditEvent/nonsense")).status_code == 404


@pytest.mark.parametrize("order", ["-date", "date"])
async def test_pages_are_full_and_whole_in_either_order(scene: Scene, order: str) -> None:
    query = f"_sort={order}"
    every = [e["id"] for e in await events(scene, f"{query}&_count=100")]
    seen: list[str] = []
    url: str | None = f"/AuditEvent?{query}&_count=2"
    while url:
        page = (await scene.district.get(url)).json()
        ids = [e["resource"]["id"] for e in page["entry"]]
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
        assert len(ids) == 2 or url is None
        seen += ids
    assert seen == every
    assert {"AuditEvent"} == {e["resourceType"] for e in await events(scene, query)}
    assert {e["id"] for e in await events(scene, f"patient={scene.student['id']}")} < set(every)
    of_the_trail = [e["id"] for e in await events(scene, f"subtype=command&{query}&_count=100")]
    assert of_the_trail == [e for e in every if e in of_the_trail]
    assert len(of_the_trail) > 1


@pytest.mark.parametrize("query", ["", "subtype=release", "subtype=command", "subtype=party", "subtype=emergency"])
async def test_the_total_is_of_the_ledgers_and_the_trails_together(scene: Scene, query: str) -> None:
    page = (await scene.district.get(f"/AuditEvent?{query}&_count=100&_total=accurate")).json()
    assert page["total"] == len(page.get("entry", []))


@pytest.mark.parametrize(("scope", "status"), [("AuditEvent.rs", 200), ("Patient.rs", 403)])
async def test_each_way_to_them_needs_their_scope(scene: Scene, scope: str, status: int) -> None:
    one = (await events(scene, f"patient={scene.student['id']}"))[0]["id"]
    scopes = f"system/{scope}"
    member = await scene.world.client_of(scene.district.organization, scopes=scopes, purposes=("TREAT",))
    for path in (
        "/AuditEvent",
        f"/AuditEvent/{one}",
        f"/Patient/{scene.student['id']}/$disclosures",
        f"/Consent/{await release_id(scene)}/$disclosures",
        f"/Organization/{scene.clinic.organization}/$disclosures",
    ):
        assert (await member.get(path)).status_code == status


@pytest.mark.parametrize(
    "query",
    ["nothing=known", "date=yesterday", "outcome=9", "_sort=patient", "patient=Group/x", "subtype=x", "_count=0",
     "agent=a&agent=b", "_cursor=x", "agent=", "date=", "entity=", "outcome=", "patient=", "purpose=", "purpose=x|",
     "subtype="],
)  # fmt: skip
async def test_what_cannot_be_understood_is_refused(scene: Scene, query: str) -> None:
    response = await scene.district.get(f"/AuditEvent?{query}")
    assert response.status_code == 400
    assert response.json()["issue"][0]["severity"] == "error"


async def test_a_form_asks_the_same(scene: Scene) -> None:
    response = await scene.district.http.post(
        "http://127.0.0.1:8000/fhir/AuditEvent/_search",
        content=f"patient={scene.student['id']}",
        headers={**scene.district.headers, "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert len(response.json()["entry"]) == 3


async def test_logins_refused_tokens_and_scopes_are_told_to_the_clients_organization_alone(scene: Scene) -> None:
    world = scene.world
    limited = await world.client_of(
        scene.clinic.organization, scopes="system/Patient.rs", purposes=("TREAT",), emergency=False
    )
    assert (await limited.get(f"/Encounter/{uuid4()}")).status_code == 403
    broken = {"Authorization": limited.headers["Authorization"][:-4] + "AAAA"}
    assert (await limited.get("/Patient", headers=broken)).status_code == 401
    refused = await world.http.post(
        "http://127.0.0.1:8000/auth/token",
        data={
            "grant_type": "client_credentials",
            "scope": "system/*.rs",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": _assertion_of(limited.client_id),
        },
    )
    assert refused.status_code in (400, 401)

    found = {}
    for kind in ("login", "scope", "token", "command"):
        bundle = (await scene.clinic.get(f"/AuditEvent?subtype={kind}")).json()
        found[kind] = [e["resource"] for e in bundle.get("entry", [])]
        told = str((await scene.stranger.get(f"/AuditEvent?subtype={kind}")).json())
        assert limited.client_id not in told
    mine = {k: [e for e in v if limited.client_id in str(e)] for k, v in found.items()}
    assert {e["outcome"] for e in mine["login"]} == {"0", "4"}
    assert [e["outcomeDesc"] for e in mine["scope"]] == ["The token's scopes do not include system/Encounter.r."]
    assert [e["outcome"] for e in mine["token"]] == ["4"]
    assert "added" in mine["command"][0]["outcomeDesc"]
    one = mine["scope"][0]
    assert (await scene.clinic.get(f"/AuditEvent/{one['id']}")).json() == one
    assert (await scene.stranger.get(f"/AuditEvent/{one['id']}")).status_code == 404


async def test_a_token_of_a_client_that_is_shut_out_is_told_to_its_organization(scene: Scene) -> None:
    gone = await scene.world.client_of(scene.clinic.organization, scopes="system/*.rs", purposes=("TREAT",))
    assert (await gone.get("/Patient")).status_code == 200
    await as_owner(scene.world, "UPDATE hallpass.client SET disabled = now() WHERE id = :id", id=gone.client_id)
    for path in ("/Patient", f"/Patient/{uuid4()}"):
        answer = await gone.get(path)
        refused(answer, 401, "login")
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    bundle = (await scene.clinic.get("/AuditEvent?subtype=token")).json()
    told = [e["resource"]["outcomeDesc"] for e in bundle["entry"] if gone.client_id in str(e)]
    assert told == ["revoked, or of a client that does not stand"]


def _assertion_of(client: str) -> str:
    """An assertion in a client's name that is signed by somebody else."""
    return assertion(client, jose.generate())


async def test_alike_events_of_a_minute_are_one_that_counts_them(scene: Scene) -> None:
    for _ in range(3):
        await scene.world.login(scene.stranger, EVERYTHING)
    bundle = (await scene.stranger.get("/AuditEvent?subtype=login&outcome=0")).json()
    assert len(bundle["entry"]) <= 2, "two, where the minute turned meanwhile"
    assert "times" in str(bundle)


async def test_what_the_assertion_says_of_who_is_behind_the_client_is_on_the_entry(scene: Scene) -> None:
    world, clinic = scene.world, scene.clinic
    said = {"hl7-b2b": {"version": "1", "subject_name": "Dana Reyes", "subject_id": "npi-1", "subject_role": "LCSW"}}
    token = await world.http.post(
        "http://127.0.0.1:8000/auth/token",
        data={
            "grant_type": "client_credentials",
            "scope": EVERYTHING,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion(clinic.client_id, clinic.key, extensions=said),
        },
    )
    headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
    other = await scene.district.create(build.encounter(scene.student))
    await scene.release("Encounter", provision={"data": [{"meaning": "instance", "reference": build.ref(other)}]})
    assert (await clinic.get(f"/Encounter/{other['id']}", headers=headers)).status_code == 200
    found = await events(scene, f"entity=Encounter/{other['id']}")
    behind = [a["who"] for a in found[0]["agent"] if a["who"].get("display") == "Dana Reyes"]
    assert behind == [{"display": "Dana Reyes", "identifier": {"value": "npi-1"}}]
    table = (await scene.district.get(f"/Patient/{scene.student['id']}/$disclosures?_format=csv")).text
    assert "Dana Reyes (npi-1)" in table


async def test_a_district_pages_through_what_its_schools_disclosed_in_one_order_of_time(scene: Scene) -> None:
    school = await scene.world.member("School", part_of=scene.district.organization)
    await scene.world.agree(school, scene.clinic)
    student = await school.create(build.patient("S-of-the-school"))
    mother = await school.create(build.guardian(student))
    parties = school.reference, scene.clinic.reference
    await school.create(build.consent(student, mother, *parties, classes=("Patient",)))
    for _ in range(2):
        for own in (student["id"], scene.student["id"]):
            assert (await scene.clinic.get(f"/Patient/{own}")).status_code == 200
    query = f"subtype=release&agent=Organization/{scene.clinic.organization}"
    whole = await events(scene, f"{query}&_count=500")
    moments = [e["recorded"] for e in whole]
    assert moments == sorted(moments, reverse=True)
    assert sum(f"Patient/{student['id']}" in str(e) for e in whole) == 2
    paged, url = [], f"/AuditEvent?{query}&_count=1"
    while url:
        page = (await scene.district.get(url)).json()
        paged += [e["resource"]["id"] for e in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
    assert paged == [e["id"] for e in whole]
    assert len(await events(scene, f"entity=Patient/{student['id']}")) == 2


async def test_events_are_found_by_their_ids_and_by_when_they_were_last_updated(scene: Scene) -> None:
    events = (await scene.district.get("/AuditEvent?_count=3")).json()["entry"]
    ids = [e["resource"]["id"] for e in events]
    asked = ",".join([*ids, str(uuid4()), "x"])
    assert sorted(await scene.district.ids(f"/AuditEvent?_id={asked}")) == sorted(ids)
    assert await scene.stranger.ids(f"/AuditEvent?_id={asked}") == []
    assert await scene.district.ids("/AuditEvent?_lastUpdated=lt2000") == []
    assert set(ids) <= set(await scene.district.ids("/AuditEvent?_lastUpdated=gt2000&_count=50"))
    assert (await scene.district.get(f"/AuditEvent?_id={ids[0]}&outcome=0")).status_code == 400
