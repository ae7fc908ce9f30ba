"""History at instance, type and system level. https://hl7.org/fhir/R4/http.html#history"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
import pytest_asyncio

from tests import build
from tests.scene import Scene, as_owner, ledger, set_scene
from tests.world import EVERYTHING, Member, World

LABEL = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A visit in four versions, of which a release shows the clinic all but the labeled second; another, deleted."""
    scene = await set_scene(world, "Encounter")
    visit = scene.records["Encounter"]
    for change in ({"meta": LABEL}, {"status": "cancelled"}, {"status": "finished", "length": {"value": 1}}):
        await asyncio.sleep(0.01)
        await scene.district.save({**{k: v for k, v in visit.items() if k != "meta"}, **change})
    gone = scene.records["gone"] = await scene.district.create(build.encounter(scene.student))
    await scene.district.delete(f"/Encounter/{gone['id']}")
    other = await scene.district.create(build.patient(f"S-{uuid4().hex[:8]}"))
    scene.records["other"] = await scene.district.create(build.encounter(other))
    return scene


async def versions(member: Member, path: str) -> list[tuple[str, str]]:
    """Id and version of each entry, over all pages; their number is the total."""
    found: list[tuple[str, str]] = []
    total = -1
    while path:
        response = await member.get(path)
        assert response.status_code == 200, response.text
        bundle: dict[str, Any] = response.json()
        assert bundle["type"] == "history"
        total = bundle["total"]
        for entry in bundle.get("entry", []):
            found.append((entry["fullUrl"].rpartition("/")[2], entry["response"]["etag"][3:-1]))
            assert ("resource" in entry) == (entry["request"]["method"] != "DELETE")
        path = next((x["url"] for x in bundle["link"] if x["relation"] == "next"), "")
    assert total == len(found)
    return found


def of(scene: Scene, name: str, *numbers: int) -> list[tuple[str, str]]:
    """Versions of a record."""
    return [(scene.records[name]["id"], str(n)) for n in numbers]


async def test_each_version_is_judged_by_its_own_facts(scene: Scene) -> None:
    path = f"/Encounter/{scene.records['Encounter']['id']}/_history"
    assert await versions(scene.district, path) == of(scene, "Encounter", 4, 3, 2, 1)
    assert await versions(scene.clinic, path) == of(scene, "Encounter", 4, 3, 1)
    assert (await scene.stranger.get(path)).status_code == 404


async def test_the_history_of_a_type_has_the_visible_versions_of_all_its_resources(scene: Scene) -> None:
    seen = [*of(scene, "gone", 2, 1), *of(scene, "Encounter", 4, 3, 1)]
    assert await versions(scene.clinic, "/Encounter/_history") == seen
    held = [*of(scene, "other", 1), *of(scene, "gone", 2, 1), *of(scene, "Encounter", 4, 3, 2, 1)]
    assert await versions(scene.district, "/Encounter/_history") == held
    assert await versions(scene.stranger, "/Encounter/_history") == []
    consent = scene.records["Consent"]["id"]
    assert consent not in [i for i, _ in await versions(scene.clinic, "/Consent/_history")]
    assert len(await versions(scene.clinic, "/Consent/_history")) == 1  # as a party


async def test_the_directory_has_its_history_for_every_member(scene: Scene) -> None:
    names = ("district", "clinic", "stranger")
    organizations = {str(getattr(scene, n).organization) for n in names}
    for name in names:
        assert organizations <= {i for i, _ in await versions(getattr(scene, name), "/Organization/_history")}


async def test_the_history_of_all_is_that_of_each_type(scene: Scene) -> None:
    for member in (scene.district, scene.clinic, scene.stranger):
        everything = await versions(member, "/_history")
        apart = [await versions(member, f"/{t}/_history") for t in ("Encounter", "Task", "Consent", "Patient")]
        assert {v for found in apart for v in found} <= set(everything)
        assert len(everything) == len(set(everything))
        some = await versions(member, "/_history?_type=Encounter,Task")
        assert sorted(some) == sorted(apart[0] + apart[1])


@pytest.mark.parametrize("path", ["/Encounter/_history", "/_history", "/Encounter/{id}/_history"])
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_pages_have_each_version_once_in_the_same_order(scene: Scene, path: str, count: int) -> None:
    path = path.replace("{id}", scene.records["Encounter"]["id"])
    for member in (scene.district, scene.clinic):
        assert await versions(member, f"{path}?_count={count}") == await versions(member, path)


@pytest.mark.parametrize("path", ["/Encounter/_history", "/_history?_type=Encounter", "/Encounter/{id}/_history"])
async def test_previous_walks_back_over_the_same_pages(scene: Scene, path: str) -> None:
    path = path.replace("{id}", scene.records["Encounter"]["id"])
    url = f"{path}{'&' if '?' in path else '?'}_count=2"
    for member in (scene.district, scene.clinic):
        forth, back = [], []
        page = (await member.get(url)).json()
        while True:
            forth.append(tags(page))
            links = {x["relation"]: x["url"] for x in page["link"]}
            assert ("previous" in links) == (len(forth) > 1)
            if "next" not in links:
                break
            page = (await member.get(links["next"])).json()
        while "previous" in links:
            page = (await member.get(links["previous"])).json()
            links = {x["relation"]: x["url"] for x in page["link"]}
            assert "next" in links
            back.append(tags(page))
        assert len(forth) > 1
        assert back[::-1] == forth[:-1]


def tags(page: dict[str, Any]) -> list[tuple[str, str]]:
    """Id and version of each entry of a page."""
    return [(e["fullUrl"].rpartition("/")[2], e["response"]["etag"]) for e in page["entry"]]


async def test_a_page_token_is_bound_to_the_history_and_the_client_that_got_it(scene: Scene) -> None:
    bundle = (await scene.clinic.get("/Encounter/_history?_count=1")).json()
    link = next(x["url"] for x in bundle["link"] if x["relation"] == "next")
    assert (await scene.clinic.get(link)).status_code == 200
    assert (await scene.district.get(link)).status_code == 400
    for other in (link.replace("/Encounter/", "/Task/"), link.replace("_count=1", "_count=2"), f"{link}x"):
        assert (await scene.clinic.get(other)).status_code == 400


async def times(scene: Scene) -> list[datetime]:
    """When the visit's versions were made."""
    statement = "SELECT updated FROM hallpass.resource WHERE id = :id ORDER BY version"
    rows = await as_owner(scene.world, statement, id=scene.records["Encounter"]["id"])
    return [r[0] for r in rows]


async def test_since_has_what_was_made_from_then_on(scene: Scene) -> None:
    third = quote((await times(scene))[2].isoformat())
    for path in ("/Encounter/{id}/_history", "/Encounter/_history", "/_history?_type=Encounter&"):
        url = path.replace("{id}", scene.records["Encounter"]["id"])
        query = f"{url}{'' if url.endswith('&') else '?'}_since={third}"
        for member in (scene.district, scene.clinic):
            found = [v for v in await versions(member, query) if v[0] == scene.records["Encounter"]["id"]]
            assert found == of(scene, "Encounter", 4, 3)


async def test_at_has_what_was_current_then_as_far_as_the_caller_sees(scene: Scene) -> None:
    first, second, third, _ = await times(scene)
    path = f"/Encounter/{scene.records['Encounter']['id']}/_history?_at="
    just = timedelta(milliseconds=1)

    async def at(member: Member, moment: datetime) -> list[tuple[str, str]]:
        return await versions(member, path + quote(moment.isoformat()))

    assert await at(scene.district, first - just) == await at(scene.clinic, first - just) == []
    assert await at(scene.district, second - just) == await at(scene.clinic, second - just) == of(scene, "Encounter", 1)
    assert await at(scene.district, second + just) == of(scene, "Encounter", 2)
    assert await at(scene.clinic, second + just) == of(scene, "Encounter", 1)  # as if the second had never been
    assert await at(scene.clinic, third + just) == of(scene, "Encounter", 3)
    assert await versions(scene.clinic, f"{path}{first.year}") == of(scene, "Encounter", 4, 3, 1)


@pytest.mark.parametrize("path", ["/Encounter/_history?", "/_history?_type=Encounter&"])
async def test_at_has_what_was_current_then_of_a_type_and_of_all_too(scene: Scene, path: str) -> None:
    moment = (await times(scene))[2] + timedelta(milliseconds=1)
    assert await versions(scene.clinic, f"{path}_at={quote(moment.isoformat())}") == of(scene, "Encounter", 3)


async def test_what_leaves_is_on_the_ledger_version_by_version(scene: Scene) -> None:
    before = len(await ledger(scene.world, scene.clinic))
    found = await versions(scene.clinic, "/Encounter/_history")
    entered = (await ledger(scene.world, scene.clinic))[before:]
    assert sorted((str(e[1]), str(e[2])) for e in entered) == sorted(found)
    assert {e[3] for e in entered} == {"history"}


async def test_what_a_release_no_longer_opens_leaves_the_history(scene: Scene) -> None:
    release = await scene.release("ServiceRequest")
    referral = of(scene, "ServiceRequest", 1)
    assert await versions(scene.clinic, "/ServiceRequest/_history") == referral
    await scene.district.save({**release, "status": "inactive"})
    assert await versions(scene.clinic, "/ServiceRequest/_history") == []


async def test_an_emergency_has_its_history(scene: Scene) -> None:
    organization = scene.stranger.organization
    options: dict[str, Any] = {"purposes": ("TREAT", "BTG"), "emergency": True}
    member = await scene.world.client_of(organization, scopes=EVERYTHING, **options)
    await scene.world.login(member, f"{EVERYTHING} hallpass/emergency", purpose_of_use="BTG")
    identifier = scene.student["identifier"][0]
    parameter = [
        {"name": "identifier", "valueIdentifier": identifier},
        {"name": "reason", "valueString": "collapsed at the gates of school"},
    ]
    broken = await member.post("/Patient/$break-glass", {"resourceType": "Parameters", "parameter": parameter})
    assert broken.status_code == 200, broken.text
    assert set(of(scene, "Encounter", 4, 3, 2, 1)) <= set(await versions(member, "/Encounter/_history"))
    assert await versions(scene.stranger, "/Encounter/_history") == []


async def test_scopes_narrow_the_history_of_all(scene: Scene) -> None:
    member = await scene.world.client_of(scene.district.organization, scopes="system/Encounter.rs", purposes=("TREAT",))
    assert await versions(member, "/_history") == await versions(scene.district, "/Encounter/_history")
    assert (await member.get("/_history")).json()["link"][0]["url"].endswith("_history?_type=Encounter")
    assert (await member.get("/Task/_history")).status_code == 403
    assert (await member.get("/_history?_type=Task")).status_code == 403


BAD = ["_since=x", "_at=x", "_count=0", "_count=x", "_before=1", "_cursor=x", "_since=2024&_since=2025", "status=final"]


@pytest.mark.parametrize("query", BAD)
@pytest.mark.parametrize("path", ["/Encounter/_history", "/_history", "/Encounter/{id}/_history"])
async def test_what_cannot_be_understood_is_refused(scene: Scene, path: str, query: str) -> None:
    url = path.replace("{id}", scene.records["Encounter"]["id"])
    assert (await scene.clinic.get(f"{url}?{query}")).status_code == 400
