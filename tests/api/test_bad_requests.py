"""Bad ids, parameters, page tokens and headers: refused as what they are, and never a fault of the server's."""

from __future__ import annotations

import json
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests import build
from tests.api.asking import FHIR, FORM, PLAIN, refused
from tests.scene import Scene
from tests.world import BASE, Member, World

# Ids ----------------------------------------------------------------------------------------------------------------

IDS = [
    "x", "%00", "a%00b", "%2Fx", "x%2Fy", "..%2F..%2Fauth%2Fjwks", "%252e%252e", "%E2%82%AC", "\u00e9", "%FF%FE",
    "%F0%9F%98%80", "*", "'", "%22", "%27%20OR%201%3D1", "$", "%20", "%0A", "a" * 300, "0" * 36, "{id}", "%7Bid%7D",
    "1;DROP%20TABLE", "00000000-0000-4000-8000-00000000000G",
    "00000000-0000-4000-8000-000000000000%00",
]  # fmt: skip


@pytest.mark.parametrize("text", IDS)
async def test_an_id_with_odd_characters_is_one_that_does_not_exist(member: Member, text: str) -> None:
    for below in ("", "/_history", "/_history/1", f"/_history/{text}"):
        refused(await member.get(f"/Patient/{text}{below}"), 404, "not-found")
    assert (await member.delete(f"/Patient/{text}")).status_code == 404
    assert (await member.put(f"/Patient/{text}", {**PLAIN, "id": "x"})).status_code in (400, 404)


async def test_an_id_in_another_spelling_is_another_id(scene: Scene) -> None:
    """Else two URLs would name one resource, and what is told about one would have to be told about the other."""
    own = scene.student["id"]
    for text in (own.upper(), f"{{{own}}}", own.replace("-", ""), f"urn:uuid:{own}", f" {own}", f"{own}\n", f"{own}."):
        refused(await scene.district.get(f"/Patient/{quote(text)}"), 404, "not-found")


# Parameters ---------------------------------------------------------------------------------------------------------

QUERIES = [
    ("nothing=known", "not-supported"), ("_nothing=x", "not-supported"), ("name:nothing=x", "not-supported"),
    ("=x", "not-supported"), ("%00=x", "not-supported"), ("_filter=name eq x", "not-supported"),
    ("_count=-1", "invalid"), ("_count=x", "invalid"), ("_count=", "invalid"), ("_count=99999999999", "invalid"),
    ("_count=1&_count=2", "invalid"), ("_count=1.5", "invalid"), ("_total=some", "invalid"), ("_summary=x", "invalid"),
    ("_sort=nothing", "invalid"), ("_sort=", "invalid"), ("_sort=--_id", "invalid"), ("_elements=nothing", "invalid"),
    ("_include=x", "invalid"), ("_include=Patient:nothing", "invalid"), ("_revinclude=Encounter", "invalid"),
    ("birthdate=x", "invalid"), ("birthdate=2014-13", "invalid"), ("birthdate=zz2014", "invalid"),
    ("_lastUpdated=yesterday", "invalid"), ("name=%00", "invalid"), ("name=%ED%A0%80%00", "invalid"),
    ("identifier=a|b|c", "invalid"), ("_id=", "invalid"), ("active:missing=maybe", "invalid"),
    ("_cursor=x", "invalid"), ("_cursor=", "invalid"), ("_cursor=%00", "invalid"), ("_cursor=%C3%A9", "invalid"),
    ("_cursor=" + "A" * 100, "invalid"), ("_cursor=a&_cursor=b", "invalid"),
    ("_has:Encounter:patient=x", None), ("_has:Encounter:nothing:status=x", None),
    ("general-practitioner.nothing=x", None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code"), QUERIES)
async def test_a_search_that_is_not_understood_is_a_400_by_get_by_form_and_in_a_bundle(
    member: Member, query: str, code: str | None
) -> None:
    refused(await member.get(f"/Patient?{query}"), 400, code)
    refused(await member.post("/Patient/_search", content=query, headers=FORM), 400, code)
    entry = {"request": {"method": "GET", "url": f"Patient?{query.replace(' ', '%20')}"}}
    answer = (await member.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})).json()
    assert answer["entry"][0]["response"]["status"] == "400"


@pytest.mark.parametrize("below", ["", "/_history/1", "/_history"])
async def test_a_parameter_that_a_read_does_not_have_is_refused(scene: Scene, below: str) -> None:
    path = f"/Patient/{scene.student['id']}{below}"
    for query in ("nothing=known", "_since=2026-01-01" if below != "/_history" else "_until=2026", "name=x"):
        refused(await scene.district.get(f"{path}?{query}"), 400, "not-supported")


async def test_a_parameter_that_a_write_does_not_have_is_refused_and_nothing_is_written(scene: Scene) -> None:
    path = f"/Patient/{scene.student['id']}"
    refused(await scene.district.post("/Patient?nothing=known", PLAIN), 400, "not-supported")
    refused(await scene.district.put(f"{path}?nothing=known", {**scene.student, "active": True}), 400, "not-supported")
    refused(await scene.district.delete(f"{path}?nothing=known"), 400, "not-supported")
    refused(await scene.district.post("?nothing=known", {"resourceType": "Bundle", "type": "batch"}), 400)
    for method in (scene.district.put, scene.district.delete):
        arguments = (PLAIN,) if method == scene.district.put else ()
        refused(await method("/Patient?nothing=known", *arguments), 400, "not-supported")
    assert (await scene.district.get(path)).headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize("query", ["_count=0", "_count=x", "_before=0", "_before=-1", "_before=x", "_count=%00"])
async def test_a_history_page_that_there_is_not_is_a_400(scene: Scene, query: str) -> None:
    refused(await scene.district.get(f"/Patient/{scene.student['id']}/_history?{query}"), 400)


async def test_too_many_parameters_are_refused(member: Member) -> None:
    for many in ("&".join("name=x" for _ in range(300)), "name=" + ",".join("x" for _ in range(20_000))):
        response = await member.get(f"/Patient?{many}")
        refused(response, response.status_code)
        assert response.status_code in (400, 422)


# Page tokens --------------------------------------------------------------------------------------------------------


async def test_a_page_token_is_good_for_its_client_its_search_and_as_it_is_only(scene: Scene, world: World) -> None:
    for _ in range(3):
        await scene.district.create(build.patient())
    page = (await scene.district.get("/Patient?_count=1")).json()
    link = next(x["url"] for x in page["link"] if x["relation"] == "next")
    assert (await scene.district.get(link)).status_code == 200
    head, token = link.split("_cursor=")
    sibling = await world.client_of(scene.district.organization, scopes="system/*.cruds", purposes=("TREAT",))
    for other in (scene.stranger, scene.clinic, sibling):
        refused(await other.get(link), 400, "invalid")
    first = "B" if token.startswith("A") else "A"
    for altered in (first + token[1:], token[:-4], token + "AAAA", token[::-1], token * 2, f"!!!!{token}"):
        refused(await scene.district.get(f"{head}_cursor={altered}"), 400, "invalid")
    for elsewhere in (
        f"/Patient?_count=2&_cursor={token}",
        f"/Group?_count=1&_cursor={token}",
        f"/Patient?_cursor={token}",
    ):
        refused(await scene.district.get(elsewhere), 400, "invalid")


# Headers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [
    "text/plain", "text/turtle", "", "x", "multipart/form-data",
    "application/x-www-form-urlencoded", "application/fhir+ndjson",
])  # fmt: skip
async def test_a_body_of_another_type_is_a_415(member: Member, kind: str) -> None:
    for path in ("/Patient", "", "/Patient/$explain-access"):
        url = path if "$" not in path else f"/Patient/{uuid4()}/$explain-access"
        response = await member.post(url, content=json.dumps(PLAIN), headers={"Content-Type": kind})
        refused(response, 415, "not-supported")
        assert "Content-Type: application/fhir+json" in response.text
    put = {"content": json.dumps(PLAIN), "headers": {"Content-Type": kind}}
    refused(
        await member.http.put(
            f"{BASE}/fhir/Patient?name=x", content=put["content"], headers={**member.headers, "Content-Type": kind}
        ),
        415,
    )
    if kind != FORM["Content-Type"]:
        refused(await member.post("/Patient/_search", content="name=x", headers={"Content-Type": kind}), 415)


@pytest.mark.parametrize("accept", ["application/fhir+turtle", "text/html", "text/turtle", "x"])
async def test_an_answer_in_another_format_is_a_406(scene: Scene, accept: str) -> None:
    headers = {"Accept": accept}
    path = f"/Patient/{scene.student['id']}"
    for url in (path, f"{path}/_history", f"{path}/_history/1", "/Patient", "/metadata"):
        refused(await scene.district.get(url, headers=headers), 406, "not-supported")
        refused(await scene.district.get(f"{url}?_format={quote(accept)}"), 406, "not-supported")
    new = build.patient(f"S-{uuid4().hex}")
    refused(await scene.district.post("/Patient", new, headers=headers), 406)
    assert await scene.district.ids(f"/Patient?identifier={new['identifier'][0]['value']}") == []


@pytest.mark.parametrize("tag", ["", "W/", '"', '""', "W/1 2", "é", '"1', "1" * 5_000, 'W/"1"; x'])
async def test_an_if_match_that_cannot_be_read_or_does_not_hold_stops_the_write(scene: Scene, tag: str) -> None:
    path = f"/Patient/{scene.student['id']}"
    headers = {"If-Match": tag.encode()}
    for response in (
        await scene.district.put(path, {**scene.student, "active": False}, headers=headers),
        await scene.district.delete(path, headers=headers),
    ):
        assert response.status_code in (400, 412), response.text
        refused(response, response.status_code)


@pytest.mark.parametrize(
    "condition", ["?", "Patient", "Patient?", "nothing=known", "name", "identifier=a|b|c", "&&", "name=%00"]
)
async def test_an_if_none_exist_that_cannot_be_read_stops_the_create(scene: Scene, condition: str) -> None:
    before = (await scene.district.get("/Patient")).json()["total"]
    refused(await scene.district.post("/Patient", PLAIN, headers={"If-None-Exist": condition}), 400)
    entry = {"resource": PLAIN, "request": {"method": "POST", "url": "Patient", "ifNoneExist": condition}}
    answer = await scene.district.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert answer.json()["entry"][0]["response"]["status"] == "400"
    assert (await scene.district.get("/Patient")).json()["total"] == before


async def test_an_empty_if_none_exist_is_refused_with_the_entry_that_has_it(scene: Scene) -> None:
    """No string of FHIR is empty."""
    refused(await scene.district.post("/Patient", PLAIN, headers={"If-None-Exist": ""}), 400)
    entry = {"resource": PLAIN, "request": {"method": "POST", "url": "Patient", "ifNoneExist": ""}}
    answer = await scene.district.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert answer.json()["entry"][0]["response"]["status"] == "422"


@pytest.mark.parametrize(("method", "path"), [
    ("PATCH", "/fhir"), ("POST", "/fhir/Patient/x"), ("DELETE", "/fhir"), ("PUT", "/fhir"), ("TRACE", "/fhir/Patient"),
    ("PUT", "/fhir/Patient/x/_history/1"), ("DELETE", "/fhir/Patient/x/_history"), ("POST", "/fhir/metadata"),
    ("BREW", "/fhir/Patient"),
])  # fmt: skip
async def test_an_interaction_that_there_is_not_is_a_405(member: Member, method: str, path: str) -> None:
    response = await member.http.request(
        method, BASE + path, headers={**member.headers, **FHIR}, content=json.dumps(PLAIN)
    )
    refused(response, 405, "not-supported")
    assert response.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/fhir/Medication",
        "/fhir/patient",
        "/fhir/Patient/x/y",
        "/fhir/Nothing/1",
        "/fhirx",
        "/fhir/$nothing",
        "/fhir/Patient/x/$nothing",
    ],
)
async def test_a_path_that_there_is_not_is_a_404_that_says_where_to_look(member: Member, path: str) -> None:
    response = await member.http.get(BASE + path, headers=member.headers)
    refused(response, 404, "not-found")
    assert "/fhir/metadata" in response.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/Patient/$match"),
        ("POST", "/Patient/$validate"),
        ("POST", "/Patient/$break-glass"),
        ("POST", "/Patient/{id}/$everything"),
        ("POST", "/Patient/{id}/$explain-access"),
        ("POST", "/Consent/$preview"),
        ("PATCH", "/Patient/{id}"),
    ],
)
async def test_a_parameters_resource_is_itself_judged(scene: Scene, method: str, path: str) -> None:
    """All that is wrong with what stands around the parameters is told, whatever the operation would read of them."""
    content = {"resourceType": "Parameters", "meta": {"versionId": "ç"}, "parameter": [{"name": "x", "valueCode": 3}]}
    response = await scene.district._send(
        method, path.format(id=scene.student["id"]), content=json.dumps(content),
        headers={"Content-Type": "application/fhir+json"},
    )  # fmt: skip
    told = {e for issue in response.json()["issue"] for e in issue.get("expression", [])}
    assert (response.status_code, told) == (422, {"Parameters.meta.versionId", "Parameters.parameter[0].value"})
