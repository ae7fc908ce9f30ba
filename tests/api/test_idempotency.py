"""A POST that is sent again with its Idempotency-Key is done once, and what it answers is judged each time."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from tests.api.asking import key as condition
from tests.api.asking import patient, refused
from tests.api.test_bundles import bundle, entry, statuses, stored
from tests.scene import as_owner, entered, ledger, set_scene
from tests.world import EVERYTHING, Member, World


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """One member for all: each test makes students and keys of its own."""
    return await world.member("District")


def keyed(**more: str) -> dict[str, str]:
    """Headers with a new key."""
    return {"Idempotency-Key": f'"{uuid4()}"', **more}


def said(response: httpx.Response) -> tuple[Any, ...]:
    """What an answer says, its own id aside."""
    names = ("ETag", "Last-Modified", "Location", "Content-Type")
    return response.status_code, response.content, [response.headers.get(n) for n in names]


async def count(district: Member, resource: dict[str, Any]) -> int:
    return len(await district.ids(f"/Patient?{condition(resource)}"))


async def test_a_create_that_is_sent_again_is_done_once_and_answered_alike(district: Member) -> None:
    sent, headers = patient(), keyed()
    one = await district.post("/Patient", sent, headers=headers)
    two = await district.post("/Patient", dict(reversed(sent.items())), headers=headers)
    assert one.status_code == 201
    assert said(one) == said(two)
    assert await count(district, sent) == 1
    await district.save({**one.json(), "active": True})
    assert said(await district.post("/Patient", sent, headers=headers)) == said(one)


async def test_a_key_without_quotation_marks_is_the_same_key(district: Member) -> None:
    sent, key = patient(), str(uuid4())
    for spelled in (key, f'"{key}"'):
        assert (await district.post("/Patient", sent, headers={"Idempotency-Key": spelled})).status_code == 201
    assert await count(district, sent) == 1


async def test_a_conditional_create_answers_again_that_it_created(district: Member) -> None:
    sent = patient()
    headers = keyed(**{"If-None-Exist": condition(sent)})
    one = await district.post("/Patient", sent, headers=headers)
    assert said(await district.post("/Patient", sent, headers=headers)) == said(one)
    assert one.status_code == 201


async def test_a_key_that_was_used_for_another_request_is_refused(district: Member) -> None:
    sent, headers = patient(), keyed()
    assert (await district.post("/Patient", sent, headers=headers)).status_code == 201
    others = [
        await district.post("/Patient", patient(), headers=headers),
        await district.post("/Patient", sent, headers={**headers, "If-None-Exist": condition(sent)}),
        await district.post(f"/Patient?{condition(sent)}", sent, headers=headers),
        await district.post("", bundle("transaction", entry("POST", "Patient", sent)), headers=headers),
    ]
    for other in others:
        refused(other, 422, "business-rule")
    assert await count(district, sent) == 1


async def test_what_was_refused_is_not_kept(district: Member) -> None:
    headers = keyed()
    refused(await district.post("/Patient", {**patient(), "gender": "?"}, headers=headers), 422)
    assert (await district.post("/Patient", patient(), headers=headers)).status_code == 201


async def test_a_key_says_nothing_of_other_clients_of_the_same_organization_either(
    world: World, district: Member
) -> None:
    other = await world.client_of(district.organization, scopes=EVERYTHING, purposes=("TREAT",))
    sent, headers = patient(), keyed()
    one = await district.post("/Patient", sent, headers=headers)
    two = await other.post("/Patient", sent, headers=headers)
    assert (one.status_code, two.status_code) == (201, 201)
    assert one.json()["id"] != two.json()["id"]
    async with entered(world, district) as connection:
        clients = await connection.scalars(text("SELECT client FROM hallpass.idempotency_key"))
        assert set(clients) == {district.client_id}


async def test_of_many_at_once_one_is_done_and_the_others_wait_their_turn(district: Member) -> None:
    sent, headers = patient(), keyed()
    answers = await asyncio.gather(*(district.post("/Patient", sent, headers=headers) for _ in range(8)))
    assert {a.status_code for a in answers} <= {201, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 201}) == 1
    assert await count(district, sent) == 1


async def test_while_a_request_is_answered_another_with_its_key_is_told_so(world: World, district: Member) -> None:
    key = str(uuid4())
    async with entered(world, district) as connection:
        await connection.execute(
            text("SELECT * FROM hallpass.begin_keyed(:key)"), {"key": sha256(key.encode()).digest()}
        )
        answer = await district.post("/Patient", patient(), headers={"Idempotency-Key": key})
    refused(answer, 409, "conflict")
    assert answer.headers["Retry-After"] == "1"
    assert (await district.post("/Patient", patient(), headers={"Idempotency-Key": key})).status_code == 201


async def test_a_transaction_that_is_sent_again_is_done_once_and_answered_alike(district: Member) -> None:
    old, new = await district.create(patient()), patient()
    entries = [
        entry("POST", "Patient", new, full_url=f"urn:uuid:{uuid4()}"),
        entry("PUT", f"Patient/{old['id']}", {**old, "active": True}),
        entry("DELETE", f"Patient/{(await district.create(patient()))['id']}"),
    ]
    headers = keyed(Prefer="return=representation")
    one = await district.post("", bundle("transaction", *entries), headers=headers)
    two = await district.post("", bundle("transaction", *entries), headers=headers)
    assert statuses(one) == ["201", "200", "204"]
    assert one.content == two.content
    assert (await count(district, new), stored(one, 1)) == (1, f"Patient/{old['id']}")


async def test_after_a_revocation_the_answer_does_not_leave_again(world: World) -> None:
    scene = await set_scene(world)
    task = await scene.district.save({**scene.records["Task"], "owner": scene.clinic.reference})
    release = await scene.release("Task", "ServiceRequest", "Patient")
    accepted = bundle("transaction", entry("PUT", f"Task/{task['id']}", {**task, "status": "accepted"}))
    headers = keyed(Prefer="return=representation")
    one = await scene.clinic.post("", accepted, headers=headers)
    assert one.json()["entry"][0]["resource"]["status"] == "accepted"
    given = await ledger(world, scene.clinic)
    assert (await scene.clinic.post("", accepted, headers=headers)).content == one.content
    assert len(await ledger(world, scene.clinic)) == len(given) + 1
    await scene.district.save({**release, "status": "inactive"})
    answer = await scene.clinic.post("", accepted, headers=headers)
    refused(answer, 404, "not-found")
    assert task["id"] not in answer.text


async def test_who_may_no_longer_write_gets_no_answer_again(world: World, district: Member) -> None:
    asked = bundle("transaction", entry("POST", "Patient", patient()))
    headers = keyed()
    assert statuses(await district.post("", asked, headers=headers)) == ["201"]
    full = dict(district.headers)
    await world.login(district, "system/Patient.rs")
    refused(await district.post("", asked, headers=headers), 403, "forbidden")
    district.headers = full


async def test_a_key_ends_and_is_forgotten(world: World, district: Member) -> None:
    sent, headers = patient(), keyed()
    ids = set()
    for _ in range(2):
        ids.add((await district.post("/Patient", sent, headers=headers)).json()["id"])
        await as_owner(world, "UPDATE hallpass.idempotency_key SET expires = now() - interval '1 s'")
    assert len(ids) == 2
    async with world.db.begin() as connection:
        await connection.execute(text("SELECT hallpass.forget_keyed(now())"))
    assert await as_owner(world, "SELECT 1 FROM hallpass.idempotency_key") == []


async def test_a_key_is_refused_where_a_request_could_be_done_twice_all_the_same(district: Member) -> None:
    made = await district.create(patient())
    read, write = entry("GET", f"Patient/{made['id']}"), entry("POST", "Patient", patient())
    patch = {**keyed(), "Content-Type": "application/merge-patch+json"}
    answers = [
        await district.post("", bundle("batch", write), headers=keyed()),
        await district.post("", bundle("transaction", write, read), headers=keyed()),
        await district.post("/Patient/$merge", {"resourceType": "Parameters"}, headers=keyed()),
        await district.http.patch(
            f"http://127.0.0.1:8000/fhir/Patient/{made['id']}",
            headers={**district.headers, **patch},
            content=b'{"active":true}',
        ),
    ]
    for answer in answers:
        refused(answer, 400, "not-supported")


@pytest.mark.parametrize("key", ["", '""', '"open', "two words", '"a", "b"', f'"{"x" * 256}"', "?1"])
async def test_what_is_no_key_is_refused(district: Member, key: str) -> None:
    refused(await district.post("/Patient", patient(), headers={"Idempotency-Key": key}), 400, "invalid")
