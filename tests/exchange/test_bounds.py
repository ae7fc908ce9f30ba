"""A page's bodies are bounded in the database: what is beyond is never fetched, whatever the page is of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from app.db import driver
from app.db.engine import Database
from tests import build
from tests.scene import Scene, set_scene
from tests.world import Member, open_world

KB = 1024
BOUND, SIZE, RECORDS = 200 * KB, 60 * KB, 12


@pytest_asyncio.fixture(scope="module")
async def member(db: Database) -> AsyncIterator[Member]:
    """A district with records of 60 kB each, where an answer may hold 200 kB."""
    async with open_world(db, max_result_bytes=BOUND) as world:
        district = await world.member("District")
        student = await district.create(build.patient())
        for n in range(RECORDS):
            note = [{"text": f"{n} " + "x" * SIZE}]
            await district.create(build.referral(student, note=note, requisition={"value": f"R-{n}"}))
        yield district


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The bytes that each statement brought."""
    sizes: list[int] = []
    seen = driver.fetch

    async def counting(*args: Any) -> Any:
        rows = await seen(*args)
        sizes.append(sum(len(row["body"]) for row in rows if row.get("body")))
        return rows

    for module in ("app.db.read", "app.exchange.reads"):
        monkeypatch.setattr(f"{module}.fetch", counting)
    return sizes


async def test_a_page_ends_where_its_bytes_do_and_the_next_goes_on(member: Member, fetched: list[int]) -> None:
    found: list[str] = []
    url: str | None = "/ServiceRequest?_count=50"
    while url:
        page = (await member.get(url)).json()
        assert page["total"] == RECORDS
        found += [e["resource"]["requisition"]["value"] for e in page["entry"]]
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
    assert found == [f"R-{n}" for n in reversed(range(RECORDS))]
    assert 0 < max(fetched) < BOUND + 2 * SIZE


async def test_a_history_ends_where_its_bytes_do_and_the_next_goes_on(member: Member) -> None:
    found: list[str] = []
    url: str | None = "/ServiceRequest/_history?_count=50"
    while url:
        page = (await member.get(url)).json()
        found += [e["resource"]["requisition"]["value"] for e in page["entry"]]
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
    assert found == [f"R-{n}" for n in reversed(range(RECORDS))]


async def test_what_would_be_included_beyond_the_bound_is_too_costly(member: Member, fetched: list[int]) -> None:
    answer = await member.get("/Patient?_revinclude=ServiceRequest:subject")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (422, "too-costly")
    assert 0 < max(fetched) < BOUND + 2 * SIZE


async def test_a_costly_search_takes_every_kind_of_value(member: Member) -> None:
    """Also those of which a statement holds as many as there are."""
    chain = "_has:Task:based-on:_has:DocumentReference:related:_has:DocumentReference:related"
    genders = "http://terminology.hl7.org/ValueSet/v3-ConfidentialityClassification"
    for query in (f"{chain}:patient:Patient.gender:in={genders}", f"{chain}:status=current,superseded"):
        for total in ("", "&_summary=count"):
            answer = await member.get(f"/ServiceRequest?{query}{total}&_sort=-_security")
            assert answer.status_code == 200, answer.text
            assert answer.json()["total"] == 0


@pytest_asyncio.fixture(scope="module")
async def scene(db: Database) -> AsyncIterator[Scene]:
    """A clinic that was given records of 60 kB each."""
    async with open_world(db, max_result_bytes=BOUND) as world:
        found = await set_scene(world, "ServiceRequest")
        for n in range(RECORDS):
            made = build.referral(found.student, note=[{"text": f"{n} " + "x" * SIZE}])
            made = await found.district.create(made)
            assert (await found.clinic.get(f"/ServiceRequest/{made['id']}")).status_code == 200
        yield found


async def test_a_copy_of_what_left_ends_where_its_bytes_do_and_the_next_goes_on(scene: Scene) -> None:
    found: list[str] = []
    url: str | None = f"/Patient/{scene.student['id']}/$disclosed-copy?_count=50"
    while url:
        answer = await scene.district.get(url)
        assert len(answer.content) < BOUND + 2 * SIZE
        page = answer.json()
        found += [e["resource"]["id"] for e in page["entry"]]
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
    assert len(found) == len(set(found)) == RECORDS


async def test_a_report_of_more_than_an_answer_may_read_is_too_costly(scene: Scene) -> None:
    path = f"/{scene.district.reference['reference']}/$referral-report?start=2020-01-01&end=2030-01-01"
    answer = await scene.clinic.get(path)
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (422, "too-costly")
