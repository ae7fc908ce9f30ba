"""A search by its pages: full, in order, with exact totals, whatever is written meanwhile.

https://hl7.org/fhir/R4/http.html#paging
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from tests import build
from tests.api.asking import FORM, patient
from tests.scene import set_scene
from tests.world import Member, World


@pytest_asyncio.fixture(scope="module")
async def district(world: World) -> Member:
    """One member for all: each test makes students of its own."""
    return await world.member("District")


async def test_search_by_post_answers_as_search_by_get(district: Member) -> None:
    sent = [await district.create(patient(language="fr")) for _ in range(3)]
    for query in (
        "language=fr&_count=2",
        f"_id={sent[0]['id']}",
        "language=fr&_sort=_id&_total=none",
        "_summary=count",
    ):
        got = await district.get(f"/Patient?{query}")
        posted = await district.post("/Patient/_search", content=query, headers=FORM)
        halves = await district.post(
            f"/Patient/_search?{query.partition('&')[0]}", content=query.partition("&")[2], headers=FORM
        )
        assert got.status_code == 200, got.text
        assert without_tokens(got) == without_tokens(posted) == without_tokens(halves)


def without_tokens(response: httpx.Response) -> dict[str, Any]:
    """The Bundle with page tokens, which hold the time, set aside."""
    bundle: dict[str, Any] = response.json()
    bundle["link"] = [(x["relation"], x["url"].partition("_cursor")[0]) for x in bundle["link"]]
    return bundle


@pytest.mark.parametrize(
    "order", ["", "&_sort=-_lastUpdated", "&_sort=_id", "&_sort=_lastUpdated", "&_sort=-birthdate,_id", "&_sort=family"]
)
async def test_a_walk_sees_each_once_in_full_pages_while_another_writes(district: Member, order: str) -> None:
    mark = f"urn:walk:{uuid4()}"
    made = [await district.create(patient(meta=tagged(mark))) for _ in range(15)]
    changed = [made[0], made[-1], made[1]]  # what a walk from the newest sees last, first, and last but one
    seen: list[str] = []
    url: str | None = f"/Patient?_tag={mark}|x&_count=4{order}"
    writes = 0
    while url:
        page = (await district.get(url)).json()
        found = [e["resource"]["id"] for e in page["entry"]]
        assert page["total"] == 15 + writes
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
        assert len(found) == 4 or url is None
        seen += found
        if writes < 3:  # else the walk upward would never end
            await district.create(patient(meta=tagged(mark), birthDate="2016"))
            await district.save({**changed[writes], "active": True})
            writes += 1
    assert {p["id"] for p in made} <= set(seen)
    if order != "&_sort=_lastUpdated":  # which comes to what has changed once more
        assert len(seen) == len(set(seen))


async def test_a_walk_back_finds_in_its_place_what_has_changed_meanwhile(district: Member) -> None:
    mark = f"urn:walk:{uuid4()}"
    made = [await district.create(patient(meta=tagged(mark))) for _ in range(6)]
    pages, url = [], f"/Patient?_tag={mark}|x&_count=2"
    for _ in range(3):
        page = (await district.get(url)).json()
        pages.append(page)
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), "")
    await district.save({**made[2], "active": True})  # on the page in the middle
    back = next(x["url"] for x in pages[2]["link"] if x["relation"] == "previous")
    found = (await district.get(back)).json()
    assert [e["resource"]["id"] for e in found["entry"]] == [made[3]["id"], made[2]["id"]]
    assert found["entry"][1]["resource"]["active"] is True


async def test_the_directory_is_walked_in_the_same_way(district: Member) -> None:
    mark = f"urn:walk:{uuid4()}"
    made = [await district.create({"resourceType": "Location", "name": "Room", "meta": tagged(mark)}) for _ in range(5)]
    page = (await district.get(f"/Location?_tag={mark}|x&_count=2")).json()
    await district.save({**made[0], "name": "Hall"})
    seen = [e["resource"]["id"] for e in page["entry"]]
    while url := next((x["url"] for x in page["link"] if x["relation"] == "next"), None):
        page = (await district.get(url)).json()
        seen += [e["resource"]["id"] for e in page["entry"]]
    assert seen == [m["id"] for m in reversed(made)]


def tagged(mark: str) -> dict[str, Any]:
    """A tag that sets some students apart."""
    return {"tag": [{"system": mark, "code": "x"}]}


async def test_previous_walks_back_over_the_same_pages(district: Member) -> None:
    mark = f"urn:walk:{uuid4()}"
    for _ in range(7):
        await district.create(patient(meta=tagged(mark)))
    forth, back = [], []
    page = (await district.get(f"/Patient?_tag={mark}|x&_count=3")).json()
    while True:
        forth.append([e["resource"]["id"] for e in page["entry"]])
        links = {x["relation"]: x["url"] for x in page["link"]}
        if "next" not in links:
            break
        page = (await district.get(links["next"])).json()
    while "previous" in links:
        page = (await district.get(links["previous"])).json()
        back.append([e["resource"]["id"] for e in page["entry"]])
        links = {x["relation"]: x["url"] for x in page["link"]}
    assert [len(p) for p in forth] == [3, 3, 1]
    assert back[::-1] == forth[:-1]


async def test_a_page_link_holds_while_what_it_points_behind_is_deleted(district: Member) -> None:
    mark = f"urn:walk:{uuid4()}"
    made = [(await district.create(patient(meta=tagged(mark))))["id"] for _ in range(5)]
    page = (await district.get(f"/Patient?_tag={mark}|x&_count=2")).json()
    last = page["entry"][-1]["resource"]["id"]
    assert (await district.delete(f"/Patient/{last}")).status_code == 204
    follow = next(x["url"] for x in page["link"] if x["relation"] == "next")
    answers = await asyncio.gather(*(district.get(follow) for _ in range(3)))
    assert {tuple(e["resource"]["id"] for e in a.json()["entry"]) for a in answers} == {(made[2], made[1])}
    assert answers[0].json()["total"] == 4


async def test_the_old_place_is_that_of_the_newest_version_that_the_caller_sees(world: World) -> None:
    """What was hidden does not tell when it was written."""
    scene = await set_scene(world, "Encounter")
    first = scene.records["Encounter"]
    second = await scene.district.create(build.encounter(scene.student))
    label = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}
    hidden = await scene.district.save({**first, "meta": label})
    third = await scene.district.create(build.encounter(scene.student))
    pages = [(m, (await m.get("/Encounter?_count=1")).json()) for m in (scene.clinic, scene.district)]
    await scene.district.save({**{k: v for k, v in hidden.items() if k != "meta"}, "status": "planned"})
    for (member, page), order in zip(pages, ([third, second, first], [third, first, second]), strict=True):
        seen = [e["resource"]["id"] for e in page["entry"]]
        while url := next((x["url"] for x in page["link"] if x["relation"] == "next"), None):
            page = (await member.get(url)).json()
            seen += [e["resource"]["id"] for e in page["entry"]]
        assert seen == [v["id"] for v in order]
