"""A batch is answered entry by entry: each is judged when those before it have left, and nothing is held until the end.

https://hl7.org/fhir/R4/http.html#brules
"""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import URL

from app.api.transaction import Transaction
from app.db.engine import Database
from app.session import Session
from tests import build
from tests.limits.wire import Exchange
from tests.scene import Scene, ledger, set_scene
from tests.world import Member, open_world

MEGABYTES = 1_000_000


@pytest_asyncio.fixture(scope="module")
async def member(scene: Scene) -> Member:
    """Who holds the records."""
    return scene.district


@pytest_asyncio.fixture(scope="module")
async def scene(database: URL) -> Any:
    """A clinic that sees a student's visit, and small budgets."""
    async with open_world(Database(database), max_batch_bytes=100 * MEGABYTES, max_result_bytes=30_000) as world:
        yield await set_scene(world, "Encounter")


def batch(*urls: str) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": u}} for u in urls],
    }


def statuses(taken: bytes) -> list[str]:
    return [e["response"]["status"][:3] for e in json.loads(taken)["entry"]]


async def test_a_record_whose_release_ends_while_a_batch_runs_leaves_no_more(scene: Scene) -> None:
    released = await scene.release("Patient")
    visit, student = (f"{t}/{scene.records[t]['id']}" for t in ("Encounter", "Patient"))
    exchange = Exchange(scene.clinic, batch(visit, student, visit, student))
    assert scene.records["Encounter"]["id"].encode() in await exchange.part()
    entered = len(await ledger(scene.world, scene.clinic))
    await scene.district.save({**released, "status": "inactive"})
    await exchange.rest()
    assert statuses(exchange.taken) == ["200", "404", "200", "404"]
    assert len(await ledger(scene.world, scene.clinic)) == entered + 1


async def test_a_token_that_expires_while_a_batch_runs_gives_no_more(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit = f"Encounter/{scene.records['Encounter']['id']}"
    exchange = Exchange(scene.clinic, batch(visit, visit, "Encounter?_count=1"))
    await exchange.part()
    tokens = scene.clinic.http._transport.app.state.auth.tokens  # type: ignore[attr-defined]
    monkeypatch.setattr(tokens, "_clock", lambda: 9e9)
    await exchange.rest()
    assert (exchange.status, statuses(exchange.taken)) == (200, ["200", "401", "401"])


async def test_a_fault_breaks_the_answer_off_and_never_ends_it_well(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    perform, done = Transaction.perform, 0

    async def failing(self: Transaction, session: Session) -> Any:
        nonlocal done
        done += 1
        if done > 1:
            raise ZeroDivisionError
        return await perform(self, session)

    monkeypatch.setattr(Transaction, "perform", failing)
    visit = f"Encounter/{scene.records['Encounter']['id']}"
    exchange = Exchange(scene.clinic, batch(visit, visit, visit))
    await exchange.rest()
    with pytest.raises(ZeroDivisionError):
        await exchange.task
    assert (exchange.status, exchange.whole) == (200, False)
    with pytest.raises(json.JSONDecodeError):
        json.loads(exchange.taken)


async def test_a_batch_of_large_records_is_never_held_as_a_whole_and_ends_at_its_bound(scene: Scene) -> None:
    large = await scene.district.create(
        build.patient("S", photo=[{"contentType": "image/png", "data": "A" * 4 * MEGABYTES}])
    )
    exchange = Exchange(scene.district, batch(*[f"Patient/{large['id']}"] * 30))
    await exchange.part(keep=False)
    tracemalloc.start()
    await exchange.rest(keep=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 100 * MEGABYTES <= exchange.size < 110 * MEGABYTES
    assert peak < 40 * MEGABYTES


async def test_a_batch_beyond_its_bound_says_so_in_its_entries(database: URL) -> None:
    async with open_world(Database(database), max_released=3) as world:
        member = await world.member("District")
        student = await member.create(build.patient("S-1"))
        answer = await member.post("", batch(*[f"Patient/{student['id']}"] * 5))
        assert statuses(answer.content) == ["200", "200", "200", "422", "422"]
        assert "Ask for the rest in another" in answer.text
        whole = {**batch(*[f"Patient/{student['id']}"] * 5), "type": "transaction"}
        answer = await member.post("", whole)
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (422, "too-costly")


async def test_a_page_ends_where_its_bytes_do_and_the_next_goes_on_there(scene: Scene) -> None:
    """With the exact total, and every record once, in both directions."""
    district = await scene.world.member("Other district")
    for n in range(7):
        await district.create(build.patient(f"S-{n}", text={"status": "additional", "div": narrative(8_000)}))
    for path in ("/Patient?_sort=_lastUpdated&_count=5", "/Patient/_history?_count=5"):
        found, url, pages = [], path, []
        while url:
            page = (await district.get(url)).json()
            assert page["total"] == 7
            pages.append(len(page["entry"]))
            found += [e["resource"]["id"] for e in page["entry"]]
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        assert len(set(found)) == len(found) == 7
        assert pages == [3, 3, 1]


def narrative(size: int) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{"x" * size}</div>'
