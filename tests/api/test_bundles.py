"""Batch and transaction Bundles as FHIR has them. https://hl7.org/fhir/R4/http.html#transaction"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests import build
from tests.api.asking import key, patient, refused
from tests.world import BASE, Member, World


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """One member for all: each test makes students of its own."""
    return await world.member("District")


def bundle(kind: str, *entries: dict[str, Any]) -> dict[str, Any]:
    """A Bundle to process."""
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **request: str) -> dict[str, Any]:
    """An entry; `full_url` is its fullUrl."""
    full_url = request.pop("full_url", None)
    found: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        found["resource"] = resource
    return {**found, "fullUrl": full_url} if full_url else found


def statuses(response: httpx.Response) -> list[str]:
    """The status codes of the entries' answers."""
    assert response.status_code == 200, response.text
    return [e["response"]["status"][:3] for e in response.json()["entry"]]


def stored(response: httpx.Response, n: int) -> str:
    """The relative reference to what entry n wrote."""
    location = response.json()["entry"][n]["response"]["location"]
    return str(location).removeprefix(f"{BASE}/fhir/").partition("/_history")[0]


# Batches ------------------------------------------------------------------------------------------------------------


async def test_the_entries_of_a_batch_stand_each_for_itself_in_their_order(district: Member) -> None:
    held = await district.create(patient())
    answer = await district.post(
        "",
        bundle(
            "batch",
            entry("POST", "Patient", patient()),
            entry("GET", f"Patient/{uuid4()}"),
            entry("POST", "Patient", patient(gender="none")),
            entry("GET", f"Patient/{held['id']}"),
            entry("PUT", f"Patient/{held['id']}", {**held, "active": True}, ifMatch='W/"9"'),
            entry("DELETE", f"Patient/{held['id']}"),
            entry("GET", "Patient?nothing=known"),
            entry("GET", f"Patient?_id={held['id']}"),
        ),
    )
    assert statuses(answer) == ["201", "404", "422", "200", "412", "204", "400", "200"]
    entries = answer.json()["entry"]
    assert answer.json()["type"] == "batch-response"
    assert entries[3]["resource"] == held
    assert entries[2]["response"]["outcome"]["issue"][0]["expression"] == ["Patient.gender"]
    assert entries[7]["resource"]["total"] == 0


UNREAD: list[tuple[Any, str, str]] = [
    (entry("GET", "Unicorn/1"), "404", "request.url"),
    (entry("POST", "Unicorn", patient()), "404", "request.url"),
    (entry("GET", f"Patient/{uuid4()}/x/y/z"), "404", "request.url"),
    (entry("PUT", "Patient", patient()), "404", "request.url"),
    (entry("GET", "http://other.example/fhir/Patient"), "404", "request.url"),
    (entry("BREW", "Patient"), "405", "request.method"),
    (entry("HEAD", "Patient"), "405", "request.method"),
    (entry("POST", "Patient"), "422", "resource"),
    (entry("POST", "Encounter", patient()), "422", "resource"),
    (entry("GET", "Patient", ifNoneMatch=7), "422", "request.ifNoneMatch"),  # type: ignore[arg-type]
    ({**entry("GET", "Patient"), "unicorn": 1}, "422", "unicorn"),
    (entry("GET", "Patient?name"), "400", ""),
    ({}, "422", "request"),
    (7, "422", "request"),
]


@pytest.mark.parametrize(("broken", "status", "element"), UNREAD)
async def test_an_entry_that_cannot_be_read_fails_alone_in_a_batch_and_stops_a_transaction(
    district: Member, broken: Any, status: str, element: str
) -> None:
    new = [patient(), patient()]
    good = [entry("POST", "Patient", p) for p in new]
    answer = await district.post("", bundle("batch", good[0], broken, entry("GET", f"Patient?{key(new[0])}")))
    assert statuses(answer) == ["201", status, "200"]
    (issue, *_) = answer.json()["entry"][1]["response"]["outcome"]["issue"]
    assert not element or issue["expression"][0] == f"Bundle.entry[1].{element}"
    answer = await district.post("", bundle("transaction", good[1], broken))
    assert answer.status_code in (400, 422), answer.text
    assert await district.ids(f"/Patient?{key(new[1])}") == []


@pytest.mark.parametrize("kind", ["batch", "transaction"])
async def test_what_a_bundle_finds_as_it_is_to_be_is_said_to_be_unchanged(district: Member, kind: str) -> None:
    held, gone = await district.create(patient()), await district.create(patient())
    await district.delete(f"/Patient/{gone['id']}")
    entries = (entry("PUT", f"Patient/{held['id']}", held), entry("DELETE", f"Patient/{gone['id']}"))
    answer = await district.post("", bundle(kind, *entries))
    assert statuses(answer) == ["200", "204"]
    one, other = answer.json()["entry"]
    assert one["response"]["etag"] == 'W/"1"'
    assert one["response"]["outcome"]["issue"][0]["details"]["text"] == "Unchanged."
    assert "resource" not in other


async def test_each_entry_of_a_batch_needs_its_own_scope(world: World) -> None:
    member = await world.member("Reader", scopes="system/Patient.rs")
    answer = await member.post(
        "", bundle("batch", entry("GET", "Patient"), entry("GET", "Encounter"), entry("POST", "Patient", patient()))
    )
    assert statuses(answer) == ["200", "403", "403"]


async def test_reads_of_all_kinds_answer_in_a_bundle_as_they_do_alone(district: Member) -> None:
    held = await district.save({**await district.create(patient()), "active": True})
    urls = [f"Patient/{held['id']}", f"Patient/{held['id']}/_history/1", f"Patient?_id={held['id']}"]
    for kind in ("batch", "transaction"):
        answer = await district.post("", bundle(kind, *(entry("GET", u) for u in urls)))
        alone = [(await district.get(f"/{u}")).json() for u in urls]
        assert [e["resource"] for e in answer.json()["entry"]] == alone
    history = await district.post("", bundle("batch", entry("GET", f"Patient/{held['id']}/_history")))
    assert history.json()["entry"][0]["resource"]["total"] == 2


@pytest.mark.parametrize("prefer", ["", "return=minimal", "return=representation", "return=OperationOutcome"])
async def test_prefer_says_whether_a_bundle_answers_what_it_wrote(district: Member, prefer: str) -> None:
    for kind in ("batch", "transaction"):
        headers = {"Prefer": prefer} if prefer else {}
        answer = await district.post("", bundle(kind, entry("POST", "Patient", patient())), headers=headers)
        assert ("resource" in answer.json()["entry"][0]) is (prefer == "return=representation")
        assert ("outcome" in answer.json()["entry"][0]["response"]) is (prefer == "return=OperationOutcome")
        assert answer.json()["entry"][0]["response"]["etag"] == 'W/"1"'


async def test_no_two_entries_of_an_answer_have_one_full_url_and_one_version(district: Member) -> None:
    """bdl-7: what is told again is told without it."""
    held = await district.create(patient())
    url = f"Patient/{held['id']}"
    read, write = entry("GET", url), [entry("PUT", url, {**held, "active": active}) for active in (True, False)]
    answer = await district.post("", bundle("batch", read, read, *write, read, entry("GET", f"{url}/_history/1")))
    assert set(statuses(answer)) == {"200"}
    told = [e.get("fullUrl") for e in answer.json()["entry"]]
    full = f"{BASE}/fhir/{url}"
    assert told == [full, None, full, None, full, None]
    assert [e["resource"]["id"] for e in answer.json()["entry"] if "resource" in e] == [held["id"]] * 4


# Transactions -------------------------------------------------------------------------------------------------------


async def test_the_entries_of_a_transaction_refer_to_each_other_by_full_url_in_any_order(district: Member) -> None:
    child, mother, visit = [f"urn:uuid:{uuid4()}" for _ in range(3)]
    subject = {"reference": child}
    answer = await district.post(
        "",
        bundle(
            "transaction",
            entry(
                "POST", "Encounter", build.encounter({"resourceType": "x", "id": "y"}, subject=subject), full_url=visit
            ),
            entry(
                "POST",
                "RelatedPerson",
                {**build.guardian({"resourceType": "x", "id": "y"}), "patient": {"reference": child}},
                full_url=mother,
            ),
            entry("POST", "Patient", patient(), full_url=child),
        ),
    )
    assert statuses(answer) == ["201", "201", "201"]
    encounter, person, student = [(await district.get(f"/{stored(answer, n)}")).json() for n in range(3)]
    assert encounter["subject"]["reference"] == person["patient"]["reference"] == f"Patient/{student['id']}"


async def test_a_full_url_may_stand_for_what_a_condition_finds(district: Member) -> None:
    held = await district.create(patient())
    new = patient()
    one, two = f"urn:uuid:{uuid4()}", f"urn:uuid:{uuid4()}"
    visits = [build.encounter(held, subject={"reference": u}) for u in (one, two)]
    answer = await district.post(
        "",
        bundle(
            "transaction",
            entry("PUT", f"Patient?{key(held)}", {**patient(), "identifier": held["identifier"]}, full_url=one),
            entry("POST", "Patient", new, full_url=two, ifNoneExist=key(new)),
            *(entry("POST", "Encounter", v) for v in visits),
        ),
    )
    assert statuses(answer) == ["200", "201", "201", "201"]
    assert stored(answer, 0) == f"Patient/{held['id']}"
    for n, target in ((2, stored(answer, 0)), (3, stored(answer, 1))):
        assert (await district.get(f"/{stored(answer, n)}")).json()["subject"]["reference"] == target


async def test_a_conditional_reference_is_resolved_or_the_transaction_refused(district: Member) -> None:
    held = await district.create(patient())
    visit = build.encounter(held, subject={"reference": f"Patient?{key(held)}"})
    answer = await district.post("", bundle("transaction", entry("POST", "Encounter", visit)))
    made = (await district.get(f"/{stored(answer, 0)}")).json()
    assert made["subject"]["reference"] == f"Patient/{held['id']}"
    await district.create({**patient(), "identifier": held["identifier"]})
    for condition in (key(held), key(patient())):
        visit = build.encounter(held, subject={"reference": f"Patient?{condition}"})
        refused(await district.post("", bundle("transaction", entry("POST", "Encounter", visit))), 412, "conflict")


async def test_a_transaction_goes_by_verb_delete_post_put_get(district: Member) -> None:
    to_delete, held = await district.create(patient()), await district.create(patient())
    answer = await district.post(
        "",
        bundle(
            "transaction",
            entry("GET", f"Patient?{key(to_delete)}"),
            entry("GET", f"Patient/{held['id']}"),
            entry("PUT", f"Patient/{held['id']}", {**held, "active": True}),
            entry("POST", "Patient", {**patient(), "identifier": to_delete["identifier"]}, ifNoneExist=key(to_delete)),
            entry("DELETE", f"Patient/{to_delete['id']}"),
        ),
    )
    assert statuses(answer) == ["200", "200", "200", "201", "204"]
    entries = answer.json()["entry"]
    assert [e["resource"]["id"] for e in entries[0]["resource"]["entry"]] == [stored(answer, 3).rpartition("/")[2]]
    assert entries[1]["resource"]["active"] is True


@pytest.mark.parametrize(
    ("last", "status", "expression"),
    [
        (entry("POST", "Patient", patient(gender="none")), 422, "Bundle.entry[2].resource.gender"),
        (entry("GET", f"Patient/{uuid4()}"), 404, "Bundle.entry[2]"),
        (entry("DELETE", f"Patient/{uuid4()}"), 404, "Bundle.entry[2]"),
        (
            entry("POST", "Encounter", build.encounter({"resourceType": "Patient", "id": str(uuid4())})),
            422,
            "Bundle.entry[2].resource.subject.reference",
        ),
        (entry("GET", "Patient?nothing=known"), 400, None),
    ],
)
async def test_a_transaction_with_one_entry_that_fails_leaves_nothing_and_says_which(
    district: Member, last: dict[str, Any], status: int, expression: str | None
) -> None:
    held, new = await district.create(patient()), patient()
    changed = entry("PUT", f"Patient/{held['id']}", {**held, "active": True})
    answer = await district.post("", bundle("transaction", entry("POST", "Patient", new), changed, last))
    assert answer.status_code == status, answer.text
    assert expression is None or answer.json()["issue"][0]["expression"] == [expression]
    assert await district.ids(f"/Patient?{key(new)}") == []
    assert (await district.get(f"/Patient/{held['id']}")).headers["ETag"] == 'W/"1"'


async def test_a_transaction_that_lacks_a_scope_for_one_entry_does_nothing(world: World) -> None:
    member = await world.member("Writer", scopes="system/Patient.cruds")
    new = patient()
    answer = await member.post(
        "", bundle("transaction", entry("POST", "Patient", new), entry("GET", "Encounter?status=finished"))
    )
    refused(answer, 403, "forbidden")
    assert await member.ids(f"/Patient?{key(new)}") == []


async def test_two_entries_for_one_resource_are_refused(district: Member) -> None:
    """https://hl7.org/fhir/R4/http.html#trules: else it would hang on their order what is stored."""
    held, new = await district.create(patient()), patient()
    put = entry("PUT", f"Patient/{held['id']}", {**held, "active": True})
    for second in (
        entry("PUT", f"Patient/{held['id']}", {**held, "active": False}),
        entry("DELETE", f"Patient/{held['id']}"),
        entry("PUT", f"Patient?{key(held)}", {**held, "active": False}),
    ):
        for full_urls in ({}, {"full_url": f"urn:uuid:{uuid4()}"}):
            answer = await district.post("", bundle("transaction", put, {**second, **_full_url(full_urls)}))
            assert answer.status_code == 422, answer.text
    assert (await district.get(f"/Patient/{held['id']}")).headers["ETag"] == 'W/"1"'
    several = [entry("POST", "Patient", new, full_url=f"urn:uuid:{uuid4()}", ifNoneExist=key(new)) for _ in range(2)]
    assert (await district.post("", bundle("transaction", *several))).status_code == 422
    twice = [entry("PUT", f"Patient?{key(new)}", new, full_url=f"urn:uuid:{uuid4()}") for _ in range(2)]
    assert (await district.post("", bundle("transaction", *twice))).status_code == 422
    assert await district.ids(f"/Patient?{key(new)}") == []


def _full_url(given: dict[str, str]) -> dict[str, str]:
    return {"fullUrl": given["full_url"]} if given else {}


async def test_what_is_deleted_and_matched_in_one_transaction_is_made_again_or_refused(district: Member) -> None:
    held = await district.create(patient())
    again = {**patient(), "identifier": held["identifier"]}
    full_url = f"urn:uuid:{uuid4()}"
    visit = build.encounter(held, subject={"reference": full_url})
    answer = await district.post(
        "",
        bundle(
            "transaction",
            entry("DELETE", f"Patient/{held['id']}"),
            entry("POST", "Patient", again, full_url=full_url, ifNoneExist=key(held)),
            entry("POST", "Encounter", visit),
        ),
    )
    if answer.status_code == 200:
        subject = (await district.get(f"/{stored(answer, 2)}")).json()["subject"]["reference"]
        assert (await district.get(f"/{subject}")).status_code == 200
    else:
        assert answer.status_code == 422, answer.text
        assert (await district.get(f"/Patient/{held['id']}")).status_code == 200


async def test_one_reference_to_itself_is_taken_only_as_the_type_that_it_is(district: Member) -> None:
    held = await district.create(patient())
    task = await district.create(build.task(held, held, district.reference, district.reference))
    wrong = {**task, "basedOn": [{"reference": f"ServiceRequest/{task['id']}"}]}
    refused(await district.put(f"/Task/{task['id']}", wrong), 422, "not-found", "Task.basedOn[0].reference")
    assert (await district.put(f"/Task/{task['id']}", {**task, "partOf": [build.ref(task)]})).status_code == 200


async def test_an_empty_bundle_is_processed_to_an_empty_answer(district: Member) -> None:
    for kind in ("batch", "transaction"):
        answer = await district.post("", {"resourceType": "Bundle", "type": kind})
        assert (answer.status_code, answer.json()) == (200, {"resourceType": "Bundle", "type": f"{kind}-response"})


async def test_a_bundle_with_too_many_entries_is_refused_whole(world: World, district: Member) -> None:
    many = [entry("GET", "Patient")] * (world.settings.max_bundle_entries + 1)
    refused(await district.post("", bundle("batch", *many)), 413, "too-long", "Bundle.entry")
