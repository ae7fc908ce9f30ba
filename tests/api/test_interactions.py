"""The interactions on single resources as FHIR has them. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from tests import build
from tests.api.asking import key, patient, refused
from tests.scene import as_owner
from tests.world import BASE, Member, World


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """One member for all: each test makes students of its own."""
    return await world.member("District")


# create, read, vread ------------------------------------------------------------------------------------------------


async def test_create_answers_201_with_location_etag_and_last_modified(district: Member) -> None:
    response = await district.post("/Patient", patient())
    made = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"{BASE}/fhir/Patient/{made['id']}/_history/1"
    assert response.headers["ETag"] == 'W/"1"'
    assert response.headers["Content-Type"] == "application/fhir+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert made["meta"]["versionId"] == "1"
    assert parsedate_to_datetime(response.headers["Last-Modified"]).timestamp() == pytest.approx(
        parsedate(made["meta"]["lastUpdated"]), abs=1
    )
    assert UUID(made["id"]).version == 4


def parsedate(instant: str) -> float:
    """Seconds of the epoch of an instant."""
    return datetime.fromisoformat(instant).timestamp()


async def test_create_gives_an_id_of_the_servers_and_ignores_the_version_in_the_body(district: Member) -> None:
    sent = {**patient(), "id": str(uuid4()), "meta": {"versionId": "9", "lastUpdated": "2001-01-01T00:00:00Z"}}
    made = await district.create(sent)
    assert made["id"] != sent["id"]
    assert (made["meta"]["versionId"], made["meta"]["lastUpdated"][:4] > "2001") == ("1", True)


async def test_read_answers_what_was_written_with_its_version(district: Member) -> None:
    made = await district.create(patient())
    response = await district.get(f"/Patient/{made['id']}")
    assert (response.status_code, response.json()) == (200, made)
    assert response.headers["ETag"] == 'W/"1"'


async def test_vread_answers_each_version_as_it_was(district: Member) -> None:
    one = await district.create(patient(gender="male"))
    two = await district.save({**one, "gender": "female"})
    assert (await district.get(f"/Patient/{one['id']}/_history/1")).json() == one
    second = await district.get(f"/Patient/{one['id']}/_history/2")
    assert (second.json(), second.headers["ETag"]) == (two, 'W/"2"')
    for absent in ("3", "0", "x", "01x", "4294967296", "99999999999999999999"):
        refused(await district.get(f"/Patient/{one['id']}/_history/{absent}"), 404, "not-found")


@pytest.mark.parametrize(("accept", "kind"), [
    ("application/fhir+json", "application/fhir+json"),
    ("application/json", "application/json"),
    ("*/*", "application/fhir+json"),
    ("text/html, application/fhir+json;q=0.5", "application/fhir+json"),
])  # fmt: skip
async def test_the_answer_has_the_media_type_that_was_asked_for(district: Member, accept: str, kind: str) -> None:
    made = await district.create(patient())
    response = await district.get(f"/Patient/{made['id']}", headers={"Accept": accept})
    assert (response.status_code, response.headers["Content-Type"]) == (200, kind)


async def test_pretty_answers_are_the_same_with_white_space(district: Member) -> None:
    made = await district.create(patient())
    response = await district.get(f"/Patient/{made['id']}?_pretty=true&_format=json")
    assert response.json() == made
    assert "\n  " in response.text


async def test_a_resource_is_not_read_as_one_of_another_type(district: Member) -> None:
    made = await district.create(patient())
    refused(await district.get(f"/Encounter/{made['id']}"), 404, "not-found")


# update -------------------------------------------------------------------------------------------------------------


async def test_update_makes_the_next_version(district: Member) -> None:
    made = await district.create(patient())
    response = await district.put(f"/Patient/{made['id']}", {**made, "active": True})
    assert (response.status_code, response.headers["ETag"]) == (200, 'W/"2"')
    assert response.headers["Location"] == f"{BASE}/fhir/Patient/{made['id']}/_history/2"
    assert (await district.get(f"/Patient/{made['id']}")).json()["active"] is True


async def test_update_with_the_right_if_match_goes_through_and_with_another_does_not(district: Member) -> None:
    made = await district.create(patient())
    path = f"/Patient/{made['id']}"
    assert (await district.put(path, {**made, "active": True}, headers={"If-Match": 'W/"1"'})).status_code == 200
    for stale in ('W/"1"', '"1"', 'W/"3"', "x"):
        refused(await district.put(path, {**made, "active": False}, headers={"If-Match": stale}), 412, "conflict")
    assert (await district.get(path)).json()["active"] is True


async def test_an_update_that_changes_nothing_keeps_the_version(district: Member) -> None:
    made = await district.create(patient(meta={"profile": ["urn:test:profile"]}))
    path = f"/Patient/{made['id']}"
    shuffled = dict(reversed(made.items()))
    without_version = {**made, "meta": {"profile": ["urn:test:profile"]}}
    for same in (made, shuffled, without_version):
        response = await district.put(path, same)
        assert (response.status_code, response.headers["ETag"]) == (200, 'W/"1"')
    assert (await district.get(f"{path}/_history")).json()["total"] == 1
    assert (await district.put(path, {**made, "meta": {"profile": ["urn:other"]}})).headers["ETag"] == 'W/"2"'


async def test_there_is_no_create_by_put(district: Member) -> None:
    absent = str(uuid4())
    for own in (absent, "mine"):
        answer = await district.put(f"/Patient/{own}", {**patient(), "id": own})
        refused(answer, 404, "not-found")
        assert "PUT [type]?identifier=[system]|[value]" in answer.text
    refused(await district.get(f"/Patient/{absent}"), 404, "not-found")


async def test_the_id_in_the_body_of_an_update_is_that_in_the_url(district: Member) -> None:
    made = await district.create(patient())
    other = {**made, "id": str(uuid4())}
    refused(await district.put(f"/Patient/{made['id']}", other), 400, "invalid", "Patient.id")
    none = {k: v for k, v in made.items() if k != "id"}
    refused(await district.put(f"/Patient/{made['id']}", none), 400, "invalid", "Patient.id")


async def test_a_record_stays_with_its_student(district: Member) -> None:
    one, other = await district.create(patient()), await district.create(patient())
    visit = await district.create(build.encounter(one))
    moved = {**visit, "subject": build.ref(other)}
    refused(await district.put(f"/Encounter/{visit['id']}", moved), 422, "business-rule", "Encounter.subject")


async def test_a_record_of_a_student_says_of_which(district: Member) -> None:
    visit = {k: v for k, v in build.encounter(await district.create(patient())).items() if k != "subject"}
    refused(await district.post("/Encounter", visit), 422, "required", "Encounter.subject")


async def test_references_lead_somewhere_but_for_those_to_what_is_contained_or_has_no_address(district: Member) -> None:
    student = await district.create(patient())
    doctor = {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Okafor"}]}
    among = [{"individual": {"display": "A nurse"}}, {"individual": {"reference": "#d"}}]
    visit = build.encounter(student, contained=[doctor], participant=among)
    assert (await district.post("/Encounter", visit)).status_code == 201
    nobody = {"individual": {"reference": f"Practitioner/{uuid4()}"}}
    answer = await district.post("/Encounter", {**visit, "participant": [*among, nobody]})
    refused(answer, 422, "not-found", "Encounter.participant[2].individual.reference")


# delete and history -------------------------------------------------------------------------------------------------


async def test_what_was_deleted_is_gone_and_its_history_says_so(district: Member) -> None:
    made = await district.create(patient())
    path = f"/Patient/{made['id']}"
    await district.save({**made, "active": True})
    response = await district.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    gone = await district.get(path)
    refused(gone, 410, "deleted")
    assert gone.headers["ETag"] == 'W/"3"'
    refused(await district.get(f"{path}/_history/3"), 410, "deleted")
    assert (await district.get(f"{path}/_history/2")).status_code == 200
    assert made["id"] not in await district.ids(f"/Patient?_id={made['id']}")
    assert (await district.delete(path)).status_code == 204
    history = (await district.get(f"{path}/_history")).json()
    assert [(e["request"]["method"], e["response"]["status"], "resource" in e) for e in history["entry"]] == [
        ("DELETE", "204", False),
        ("PUT", "200", True),
        ("POST", "201", True),
    ]
    back = await district.put(path, {**made, "active": False})
    assert (back.status_code, back.headers["ETag"]) == (200, 'W/"4"')
    assert (await district.get(path)).status_code == 200


async def test_of_what_was_deleted_the_deletion_holds_nothing_but_its_moment(world: World, district: Member) -> None:
    made = await district.create(patient())
    assert (await district.delete(f"/Patient/{made['id']}")).status_code == 204
    query = "SELECT body, label_at, digest FROM hallpass.resource WHERE id = :id AND deleted"
    assert await as_owner(world, query, id=made["id"]) == [(b"", 0, b"")]
    deletion, creation = (await district.get(f"/Patient/{made['id']}/_history")).json()["entry"]
    assert deletion["response"]["lastModified"] > creation["response"]["lastModified"]


async def test_a_delete_heeds_if_match(district: Member) -> None:
    made = await district.create(patient())
    refused(await district.delete(f"/Patient/{made['id']}", headers={"If-Match": 'W/"2"'}), 412, "conflict")
    assert (await district.delete(f"/Patient/{made['id']}", headers={"If-Match": 'W/"1"'})).status_code == 204


async def test_what_others_refer_to_is_not_deleted(district: Member) -> None:
    made = await district.create(patient())
    visit = await district.create(build.encounter(made))
    refused(await district.delete(f"/Patient/{made['id']}"), 409, "conflict")
    assert (await district.delete(f"/Encounter/{visit['id']}")).status_code == 204
    assert (await district.delete(f"/Patient/{made['id']}")).status_code == 204


async def test_history_is_newest_first_with_a_total_and_pages(district: Member) -> None:
    made = await district.create(patient())
    for gender in ("male", "female", "other", "unknown"):
        made = await district.save({**made, "gender": gender})
    url: str | None = f"/Patient/{made['id']}/_history?_count=2"
    pages = []
    while url:
        page = (await district.get(url)).json()
        assert (page["type"], page["total"]) == ("history", 5)
        pages.append([e["resource"]["meta"]["versionId"] for e in page["entry"]])
        assert all(e["fullUrl"] == f"{BASE}/fhir/Patient/{made['id']}" for e in page["entry"])
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
    assert pages == [["5", "4"], ["3", "2"], ["1"]]
    moments = [
        e["response"]["lastModified"] for e in (await district.get(f"/Patient/{made['id']}/_history")).json()["entry"]
    ]
    assert moments == sorted(moments, reverse=True)


async def test_the_history_of_nothing_is_a_404(district: Member) -> None:
    refused(await district.get(f"/Patient/{uuid4()}/_history"), 404, "not-found")


# conditions ---------------------------------------------------------------------------------------------------------


async def test_conditional_create_makes_one_and_then_answers_it(district: Member) -> None:
    sent = patient()
    one = await district.post("/Patient", sent, headers={"If-None-Exist": key(sent)})
    two = await district.post("/Patient", {**sent, "active": True}, headers={"If-None-Exist": f"Patient?{key(sent)}"})
    assert (one.status_code, two.status_code) == (201, 200)
    assert one.json() == two.json()
    assert two.headers["Location"] == one.headers["Location"]


async def test_conditional_update_creates_updates_and_keeps(district: Member) -> None:
    sent = patient()
    one = await district.put(f"/Patient?{key(sent)}", sent)
    same = await district.put(f"/Patient?{key(sent)}", sent)
    other = await district.put(f"/Patient?{key(sent)}", {**sent, "active": True})
    assert [(r.status_code, r.headers["ETag"]) for r in (one, same, other)] == [
        (201, 'W/"1"'),
        (200, 'W/"1"'),
        (200, 'W/"2"'),
    ]
    assert len({r.json()["id"] for r in (one, same, other)}) == 1


async def test_conditional_update_heeds_if_match_also_where_nothing_matches(district: Member) -> None:
    sent = patient()
    refused(await district.put(f"/Patient?{key(sent)}", sent, headers={"If-Match": 'W/"1"'}), 412, "conflict")
    assert await district.ids(f"/Patient?{key(sent)}") == []
    await district.create(sent)
    changed = {**sent, "active": True}
    refused(await district.put(f"/Patient?{key(sent)}", changed, headers={"If-Match": 'W/"2"'}), 412, "conflict")
    assert (await district.put(f"/Patient?{key(sent)}", changed, headers={"If-Match": 'W/"1"'})).status_code == 200


async def test_conditional_update_takes_no_other_id_than_the_matchs(district: Member) -> None:
    sent = patient()
    refused(await district.put(f"/Patient?{key(sent)}", {**sent, "id": str(uuid4())}), 422, "processing", "Patient.id")
    made = await district.create(sent)
    refused(await district.put(f"/Patient?{key(sent)}", {**sent, "id": str(uuid4())}), 400, "invalid", "Patient.id")
    assert (await district.put(f"/Patient?{key(sent)}", {**made, "active": True})).status_code == 200


async def test_conditional_delete_deletes_the_one_that_matches(district: Member) -> None:
    made = await district.create(patient())
    refused(await district.delete(f"/Patient?{key(made)}", headers={"If-Match": 'W/"2"'}), 412, "conflict")
    assert (await district.delete(f"/Patient?{key(made)}")).status_code == 204
    refused(await district.get(f"/Patient/{made['id']}"), 410, "deleted")
    assert (await district.delete(f"/Patient?{key(made)}")).status_code == 204


async def test_a_condition_that_matches_several_is_refused_and_changes_nothing(district: Member) -> None:
    sent = patient()
    made = [await district.create(sent) for _ in range(2)]
    refused(await district.post("/Patient", sent, headers={"If-None-Exist": key(sent)}), 412, "conflict")
    refused(await district.put(f"/Patient?{key(sent)}", {**sent, "active": True}), 412, "conflict")
    refused(await district.delete(f"/Patient?{key(sent)}"), 412, "conflict")
    assert sorted(await district.ids(f"/Patient?{key(sent)}")) == sorted(m["id"] for m in made)


CRITERIA_FREE = ["", "_count=1", "_sort=_id", "_total=none", "_include=Group:member", "_format=json", "_summary=count"]


@pytest.mark.parametrize("condition", CRITERIA_FREE)
async def test_a_condition_without_a_criterion_is_refused_and_not_taken_for_all(
    district: Member, condition: str
) -> None:
    """Where the caller holds just one, it would be that one."""
    group = {"resourceType": "Group", "type": "person", "actual": True}
    held = (await district.get("/Group")).json().get("entry") or [{"resource": await district.create(group)}]
    refused(await district.put(f"/Group?{condition}", {**group, "quantity": 3}), 400, "invalid")
    refused(await district.delete(f"/Group?{condition}"), 400, "invalid")
    refused(await district.post("/Group", group, headers={"If-None-Exist": condition}), 400, "invalid")
    assert (await district.get(f"/Group/{held[0]['resource']['id']}")).headers["ETag"] == 'W/"1"'


async def test_a_question_mark_in_a_value_does_not_cut_a_condition_short(district: Member) -> None:
    """Only what is before the first can be the type: what followed would be all that is left of the condition."""
    held = await district.create(patient())
    for condition in (f"family=what?{key(held)}", f"Patient?family=what?{key(held)}"):
        made = await district.post("/Patient", patient(), headers={"If-None-Exist": condition})
        assert made.status_code == 201, made.text
    entry = {"request": {"method": "DELETE", "url": f"Patient?family=what?{key(held)}"}}
    await district.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert (await district.get(f"/Patient/{held['id']}")).status_code == 200


# Prefer -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["create", "update"])
async def test_prefer_says_what_a_write_answers(district: Member, verb: str) -> None:
    async def write(prefer: str) -> httpx.Response:
        sent, headers = patient(), {"Prefer": prefer}
        if verb == "create":
            return await district.post("/Patient", sent, headers=headers)
        made = await district.create(sent)
        return await district.put(f"/Patient/{made['id']}", {**made, "active": True}, headers=headers)

    status = 201 if verb == "create" else 200
    minimal = await write("return=minimal")
    assert (minimal.status_code, minimal.content) == (status, b"")
    assert minimal.headers["ETag"]
    assert minimal.headers["Location"]
    outcome = await write("return=OperationOutcome")
    assert (outcome.status_code, outcome.json()["resourceType"]) == (status, "OperationOutcome")
    for prefer in ("return=representation", "respond-async, return=representation", "handling=lenient"):
        whole = await write(prefer)
        assert (whole.status_code, whole.json()["resourceType"]) == (status, "Patient")


@pytest.mark.parametrize(
    ("prefer", "kind"),
    [
        ("return=everything", "Patient"),
        ("handling=sloppy", "Patient"),
        ("return=", "Patient"),
        ('return="', "Patient"),
        ("wait=10, foo; return=minimal", "Patient"),
        ("RETURN=OperationOutcome", "OperationOutcome"),
        ('Return="operationoutcome"', "OperationOutcome"),
        ("return=OperationOutcome; foo=bar", "OperationOutcome"),
        ("return=OperationOutcome, return=minimal", "OperationOutcome"),
    ],
)
async def test_what_is_not_known_is_ignored_in_prefer_and_case_does_not_count(
    district: Member, prefer: str, kind: str
) -> None:
    """https://www.rfc-editor.org/rfc/rfc7240#section-2"""
    answer = await district.post("/Patient", patient(), headers={"Prefer": prefer})
    assert (answer.status_code, answer.json()["resourceType"]) == (201, kind)
