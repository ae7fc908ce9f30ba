"""HEAD, trailing slashes, CORS, packed bodies, formats. https://hl7.org/fhir/R4/http.html"""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import URL

from app.db.engine import Database
from tests import build
from tests.scene import Scene, ledger, set_scene
from tests.world import BASE, World, open_world

ORIGIN = "https://ehr.example.org"


@pytest_asyncio.fixture(scope="module")
async def world(database: URL) -> AsyncIterator[World]:
    """A network whose settings name one web page, and allow small bodies."""
    async with open_world(Database(database), cors_origins=(ORIGIN,), max_body_bytes=20_000) as found:
        yield found


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A referral that the clinic sees."""
    return await set_scene(world, "ServiceRequest")


@pytest.mark.parametrize("below", ["/{id}", "", "?_count=1", "/{id}/_history", "/{id}/_history/1"])
async def test_a_head_is_its_get_without_the_body(scene: Scene, below: str) -> None:
    path = "/ServiceRequest" + below.replace("{id}", scene.records["ServiceRequest"]["id"])
    get = await scene.clinic.get(path)
    before = len(await ledger(scene.world, scene.clinic))
    head = await scene.clinic._send("HEAD", path)
    assert head.status_code == get.status_code == 200
    assert head.content == b""
    assert head.headers.get("ETag") == get.headers.get("ETag")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]
    assert len(await ledger(scene.world, scene.clinic)) > before


async def test_a_head_of_what_is_hidden_is_that_of_nothing(scene: Scene) -> None:
    hidden = await scene.clinic._send("HEAD", f"/Encounter/{scene.records['Encounter']['id']}")
    absent = await scene.clinic._send("HEAD", "/Encounter/00000000-0000-4000-8000-000000000000")
    assert hidden.status_code == absent.status_code == 404
    for answer in (hidden, absent):
        del answer.headers["X-Request-Id"]
    assert hidden.headers == absent.headers
    assert (await scene.world.http.head(f"{BASE}/fhir/metadata")).status_code == 200


async def test_a_slash_at_the_end_changes_nothing(scene: Scene) -> None:
    one = f"/ServiceRequest/{scene.records['ServiceRequest']['id']}"
    assert (await scene.clinic.get(f"{one}/")).content == (await scene.clinic.get(one)).content
    assert (await scene.clinic.get("/ServiceRequest/?_count=1")).status_code == 200
    assert (await scene.district.post("/Patient/", build.patient("slash"))).status_code == 201
    empty = {"resourceType": "Bundle", "type": "batch"}
    assert (await scene.district.post("/", empty)).status_code == 200


async def test_an_escaped_slash_is_a_character_of_a_name_that_nothing_has(scene: Scene) -> None:
    """So it neither ends a path nor separates its parts."""
    id_ = scene.records["ServiceRequest"]["id"]
    for path in (
        f"/ServiceRequest/{id_}%2F",
        f"/ServiceRequest/{id_}%2f",
        f"/ServiceRequest%2F{id_}",
        "/ServiceRequest%2F",
    ):
        assert (await scene.clinic.get(path)).status_code == 404
    assert (await scene.clinic.get(f"/ServiceRequest/{id_}/")).status_code == 200


async def test_options_answers_what_there_is(scene: Scene) -> None:
    """The CapabilityStatement for the service, as of old and as HAPI does; for any other path its methods."""
    whole = await scene.world.http.options(f"{BASE}/fhir")
    assert whole.json() == (await scene.world.http.get(f"{BASE}/fhir/metadata")).json()
    for path, methods in (
        ("/ServiceRequest", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        ("/ServiceRequest/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("/ServiceRequest/1/_history/1", "GET, HEAD, OPTIONS"),
        ("/Patient/_search", "OPTIONS, POST"),
        ("/Patient/$match", "OPTIONS, POST"),
    ):
        response = await scene.world.http.options(f"{BASE}/fhir{path}")
        assert (response.status_code, response.headers["Allow"], response.content) == (204, methods, b"")
    assert (await scene.world.http.options(f"{BASE}/fhir/Nothing")).status_code == 404


async def test_a_405_lists_all_methods_of_its_path(scene: Scene) -> None:
    response = await scene.clinic.put("/Patient/1/_history", {})
    assert (response.status_code, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_an_error_is_pretty_where_that_is_asked(scene: Scene) -> None:
    for path, status in (("/Patient/1", 404), ("/Patient?x=y", 400), ("/Nothing", 404)):
        plain, pretty = [
            await scene.clinic.get(f"{path}{'&' if '?' in path else '?'}_pretty={v}") for v in ("false", "true")
        ]
        assert plain.status_code == pretty.status_code == status
        assert plain.json() == pretty.json()
        assert (plain.text.count("\n"), pretty.text.count("\n") > 5) == (0, True)


def preflight(origin: str, method: str = "PUT", headers: str = "authorization,if-match") -> dict[str, str]:
    """What a browser asks before it lets a page call."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


async def test_a_page_of_the_settings_may_call_and_no_other(world: World) -> None:
    url = f"{BASE}/fhir/Patient/1"
    allowed = await world.http.options(url, headers=preflight(ORIGIN))
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert "PATCH" in allowed.headers["Access-Control-Allow-Methods"]
    for refused in (preflight("https://evil.example.org"), preflight(ORIGIN, "TRACE"), preflight(ORIGIN, headers="x")):
        assert (await world.http.options(url, headers=refused)).status_code == 400
    for origin, named in ((ORIGIN, ORIGIN), ("https://evil.example.org", None)):
        response = await world.http.get(url, headers={"Origin": origin})
        assert response.headers.get("Access-Control-Allow-Origin") == named


@pytest.mark.parametrize("path", ["/fhir/metadata", "/.well-known/smart-configuration", "/auth/jwks"])
async def test_what_is_public_is_so_for_every_page(world: World, path: str) -> None:
    response = await world.http.get(f"{BASE}{path}", headers={"Origin": "https://any.example.org"})
    assert response.headers.get_list("Access-Control-Allow-Origin") == ["*"]
    asked = await world.http.options(f"{BASE}{path}", headers=preflight("https://any.example.org", "GET"))
    assert asked.headers["Access-Control-Allow-Origin"] == "*"


async def test_responses_are_packed_for_those_who_ask(scene: Scene) -> None:
    url = f"{BASE}/fhir/ServiceRequest?_include=*"
    async with scene.world.http.stream("GET", url, headers={**scene.district.headers, "Accept-Encoding": "gzip"}) as r:
        raw = b"".join([chunk async for chunk in r.aiter_raw()])
        assert r.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in r.headers["Vary"]
    plain = await scene.world.http.get(url, headers={**scene.district.headers, "Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content


@pytest.mark.parametrize("coding", ["gzip", "identity"])
@pytest.mark.parametrize("origin", [{}, {"Origin": ORIGIN}])
async def test_a_response_names_the_headers_that_it_hangs_on(scene: Scene, coding: str, origin: dict[str, str]) -> None:
    headers = {**scene.district.headers, **origin, "Accept-Encoding": coding}
    response = await scene.world.http.get(f"{BASE}/fhir/ServiceRequest?_include=*", headers=headers)
    named = {name.strip() for line in response.headers.get_list("Vary") for name in line.split(",")}
    assert named == {"Accept-Encoding", "Origin"}


async def send(scene: Scene, content: bytes, coding: str = "gzip") -> httpx.Response:
    """A Patient to create, as these bytes in this coding."""
    headers = {"Content-Type": "application/fhir+json", "Content-Encoding": coding}
    return await scene.district.post("/Patient", content=content, headers=headers)


async def test_a_packed_request_is_read(scene: Scene) -> None:
    made = await send(scene, gzip.compress(json.dumps(build.patient("packed")).encode()))
    assert made.status_code == 201, made.text
    assert made.json()["identifier"][0]["value"] == "packed"
    search = await scene.district.post(
        "/Patient/_search",
        content=gzip.compress(b"identifier=packed", mtime=0),
        headers={"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"},
    )
    assert search.json()["total"] == 1


async def test_a_packed_request_is_held_to_the_bound_of_what_it_holds(scene: Scene) -> None:
    bomb = gzip.compress(b" " * 500_000_000, 9, mtime=0)[:19_000]
    assert (await send(scene, bomb)).status_code == 413
    assert (await send(scene, gzip.compress(b" " * 20_001, mtime=0))).status_code == 413


BROKEN: list[tuple[bytes, str, int]] = [
    (b"{}", "gzip", 400),
    (gzip.compress(b'{"resourceType":"Patient"}', mtime=0)[:-4], "gzip", 400),
    (gzip.compress(b'{"resourceType":"Patient"}', mtime=0) + b"more", "gzip", 400),
    (b"{}", "br", 415),
]


@pytest.mark.parametrize(("content", "coding", "status"), BROKEN)
async def test_a_body_that_cannot_be_unpacked_is_refused(
    scene: Scene, content: bytes, coding: str, status: int
) -> None:
    assert (await send(scene, content, coding)).status_code == status


FORMATS: list[tuple[dict[str, str], str, int]] = [
    ({}, "?_format=json", 200),
    ({}, "?_format=application/fhir%2Bjson", 200),
    ({"Accept": "application/fhir+xml"}, "?_format=json", 200),
    ({"Accept": "application/fhir+xml, */*;q=0.1"}, "", 200),
    ({"Accept": "application/fhir+xml"}, "", 200),
    ({"Accept": "application/fhir+turtle"}, "", 406),
    ({}, "?_format=ttl", 406),
]


@pytest.mark.parametrize(("headers", "query", "status"), FORMATS)
async def test_json_and_xml_are_spoken_and_the_rest_refused(
    scene: Scene, headers: dict[str, str], query: str, status: int
) -> None:
    for path in ("/metadata", "/Patient", f"/Patient/{scene.student['id']}"):
        assert (await scene.district.get(path + query, headers=headers)).status_code == status


async def test_pretty_is_for_people_and_says_the_same(scene: Scene) -> None:
    for path in (f"/Patient/{scene.student['id']}", "/Patient", "/metadata"):
        plain, pretty = [await scene.district.get(f"{path}?_pretty={v}") for v in ("false", "true")]
        assert b"\n  " in pretty.content
        assert _without_links(pretty.json()) == _without_links(plain.json())


def _without_links(body: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in body.items() if k != "link"}
