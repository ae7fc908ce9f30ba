"""Bad input: the right status, an OperationOutcome that names the element, and never a fault of the server's."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from app.auth import jose
from tests import build
from tests.scene import FAMILY, Scene, set_scene
from tests.world import BASE, Member, World

PLAIN = build.patient("S-1")
FHIR = {"Content-Type": "application/fhir+json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest_asyncio.fixture(scope="module")
async def scene(world: World) -> Scene:
    """A district with records, and a stranger that sees none of them."""
    return await set_scene(world)


@pytest_asyncio.fixture(scope="module")
async def member(scene: Scene) -> Member:
    """Who sends all this."""
    return scene.district


def refused(response: httpx.Response, status: int, code: str | None = None, expression: str | None = None) -> None:
    """The answer is an OperationOutcome that names the element, and gives away no record and nothing of the server."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/fhir+json"
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    issue = body["issue"][0]
    assert issue["severity"] == "error"
    assert issue["details"]["text"]
    assert code is None or issue["code"] == code
    if expression is not None:
        assert expression in [e for i in body["issue"] for e in i.get("expression", [])], body
    assert FAMILY not in response.text
    assert not [word for word in ("Traceback", "sqlalchemy", "asyncpg", 'File "', "hallpass.") if word in response.text]


# Bodies -------------------------------------------------------------------------------------------------------------

MALFORMED = {
    "nothing": b"",
    "no JSON": b"resourceType=Patient",
    "cut short": json.dumps(PLAIN).encode()[:-1],
    "two documents": json.dumps(PLAIN).encode() * 2,
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "a comma too many": b'{"resourceType":"Patient",}',
    "a comment": b'{"resourceType":"Patient"/* */}',
    "single quotes": b"{'resourceType':'Patient'}",
    "Latin-1": '{"resourceType":"Patient","language":"é"}'.encode("latin-1"),
    "UTF-16": json.dumps(PLAIN).encode("utf-16"),
    "a raw NUL": b'{"resourceType":"Patient","language":"\x00"}',
    "an escaped NUL": b'{"resourceType":"Patient","language":"\\u0000"}',
    "half a surrogate pair": b'{"resourceType":"Patient","language":"\\ud800"}',
    "10,000 lists": b'{"resourceType":"Patient","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "10,000 objects": b'{"x":' * 10_000 + b"1" + b"}" * 10_000,
    "10,000 brackets and no end": b"[" * 10_000,
    "a key twice": b'{"resourceType":"Patient","active":true,"active":false}',
    "a key twice, far down": b'{"resourceType":"Patient","name":[{"family":"a","family":"b"}]}',
    "NaN": b'{"resourceType":"Patient","multipleBirthInteger":NaN}',
    "an infinite number": b'{"resourceType":"Patient","multipleBirthInteger":1e999999999}',
    "an integer of 10,000 digits": b'{"resourceType":"Patient","multipleBirthInteger":' + b"9" * 10_000 + b"}",
    "a fraction of 10,000 digits": b'{"resourceType":"Patient","multipleBirthInteger":0.' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("name", MALFORMED)
@pytest.mark.parametrize("path", ["/Patient", ""])
async def test_a_body_that_is_not_strict_json_is_a_400(member: Member, name: str, path: str) -> None:
    refused(await member.post(path, content=MALFORMED[name], headers=FHIR), 400, "structure")


@pytest.mark.parametrize(("path", "name"), [("active", "a key twice"), ("name[0].family", "a key twice, far down")])
async def test_a_key_that_stands_twice_is_named(member: Member, path: str, name: str) -> None:
    refused(await member.post("/Patient", content=MALFORMED[name], headers=FHIR), 400, "structure", path)


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body of this size, whose length is not told before."""
    for _ in range(size // 100_000):
        yield b" " * 100_000


@pytest.mark.parametrize("path", ["/Patient", "", "/Patient/_search", "/Consent/$preview"])
async def test_a_body_of_10_mb_is_a_413_whether_its_length_is_told_or_not(member: Member, path: str) -> None:
    headers = FORM if path.endswith("_search") else FHIR
    for content in (b" " * 10_000_000, chunks(10_000_000)):
        response = await member.post(path, content=content, headers=headers)
        refused(response, 413, "too-long")


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "٣", "9" * 5_000])
async def test_a_length_that_is_no_number_is_refused(member: Member, length: str) -> None:
    headers = [(k.encode(), v.encode()) for k, v in {**FHIR, **member.headers, "Content-Length": length}.items()]
    response = await member.http.post(f"{BASE}/fhir/Patient", content=chunks(100_000), headers=headers)
    refused(response, 413 if length.startswith("9") else 400)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "another type": ({"resourceType": "Encounter"}, "resourceType"),
    "no type": ({"resourceType": None}, "resourceType"),
    "a string for a boolean": ({"active": "true"}, "Patient.active"),
    "a number for a string": ({"language": 1}, "Patient.language"),
    "a string for a list": ({"name": "Ana"}, "Patient.name"),
    "an object for a list": ({"name": {"family": "x"}}, "Patient.name"),
    "a list for an object": ({"maritalStatus": []}, "Patient.maritalStatus"),
    "a list in a list": ({"name": [[{"family": "x"}]]}, "Patient.name[0]"),
    "an empty list": ({"name": []}, "Patient.name"),
    "an empty object": ({"name": [{}]}, "Patient.name[0]"),
    "an empty string": ({"language": ""}, "Patient.language"),
    "a null": ({"active": None}, "Patient.active"),
    "an unknown element": ({"nickname": "x"}, "Patient.nickname"),
    "an unknown element far down": ({"contact": [{"name": {"nick": "x"}}]}, "Patient.contact[0].name.nick"),
    "an unknown code": ({"gender": "boy"}, "Patient.gender"),
    "a day that is not": ({"birthDate": "2014-02-30"}, "Patient.birthDate"),
    "a date in another order": ({"birthDate": "02/05/2014"}, "Patient.birthDate"),
    "a date with a time": ({"birthDate": "2014-05-02T10:00:00Z"}, "Patient.birthDate"),
    "a number for a date": ({"birthDate": 20140502}, "Patient.birthDate"),
    "a year of five digits": ({"birthDate": "12014-05-02"}, "Patient.birthDate"),
    "a time without a zone": ({"deceasedDateTime": "2026-01-01T10:00:00"}, "Patient.deceased"),
    "a huge number": ({"multipleBirthInteger": 2**40}, "Patient.multipleBirth"),
    "a fraction for an integer": ({"multipleBirthInteger": 1.5}, "Patient.multipleBirth"),
    "two of a choice": ({"deceasedBoolean": False, "deceasedDateTime": "2026-01-01"}, "Patient.deceased"),
    "an id with a slash": ({"id": "a/b"}, "Patient.id"),
    "an id too long": ({"id": "a" * 65}, "Patient.id"),
    "script in the narrative": (
        {"text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml"><script>1</script></div>'}},
        "Patient.text.div",
    ),
    "an entity in the narrative": (
        {"text": {"status": "generated", "div": '<!DOCTYPE d [<!ENTITY e "x">]><div>&e;</div>'}},
        "Patient.text.div",
    ),
    "no Base64": ({"photo": [{"data": "***"}]}, "Patient.photo[0].data"),
    "a reference to another type": (
        {"managingOrganization": {"reference": "Patient/x"}},
        "Patient.managingOrganization",
    ),
    "a reference to no resource": (
        {"managingOrganization": {"reference": f"Organization/{uuid4()}"}},
        "Patient.managingOrganization.reference",
    ),
    "a SUBSETTED part": ({"meta": {"tag": [{"code": "SUBSETTED"}]}}, "Patient.meta.tag"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_resource_that_breaks_a_rule_is_a_422_that_names_the_element(member: Member, name: str) -> None:
    change, expression = WRONG[name]
    body = {k: v for k, v in {**PLAIN, **change}.items() if k != "resourceType" or v is not None}
    response = await member.post("/Patient", body)
    assert response.status_code == 422, response.text
    stated = [e for i in response.json()["issue"] for e in i.get("expression", [])]
    assert any(e.startswith(expression) for e in stated), stated
    refused(response, 422)
    entry = {"resource": body, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry, {**entry, "resource": PLAIN}]}
    placed = await member.post("", bundle)
    refused(placed, 422)
    assert placed.json()["issue"][0]["expression"][0].startswith("Bundle.entry[0].resource")


async def test_every_finding_is_told_at_once(member: Member) -> None:
    response = await member.post("/Patient", {**PLAIN, "active": "x", "gender": "x", "nickname": "x"})
    assert {i["expression"][0] for i in response.json()["issue"]} >= {
        "Patient.active",
        "Patient.gender",
        "Patient.nickname",
    }


# Ids ----------------------------------------------------------------------------------------------------------------

IDS = [
    "x", "%00", "a%00b", "%2Fx", "x%2Fy", "..%2F..%2Fauth%2Fjwks", "%252e%252e", "%E2%82%AC", "\u00e9", "%FF%FE", "%F0%9F%98%80", "*", "'", '%22', "%27%20OR%201%3D1",
    "$", "_history", "%20", "%0A", "a" * 300, "0" * 36, "{id}", "%7Bid%7D", "1;DROP%20TABLE", "00000000-0000-4000-8000-00000000000G",
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
    ("_has:Encounter:patient=x", None), ("_has:Encounter:nothing:status=x", None), ("general-practitioner.nothing=x", None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "code"), QUERIES)
async def test_a_search_that_is_not_understood_is_a_400_by_get_by_form_and_in_a_bundle(
    member: Member, query: str, code: str | None
) -> None:
    refused(await member.get(f"/Patient?{query}"), 400, code)
    refused(await member.post("/Patient/_search", content=query, headers=FORM), 400, code)
    entry = {"request": {"method": "GET", "url": f"Patient?{query}"}}
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
    for altered in ("A" + token[1:], token[:-2] + "AA", token[:-4], token + "AAAA", token[::-1], token * 2):
        refused(await scene.district.get(f"{head}_cursor={altered}"), 400, "invalid")
    for elsewhere in (
        f"/Patient?_count=2&_cursor={token}",
        f"/Group?_count=1&_cursor={token}",
        f"/Patient?_cursor={token}",
    ):
        refused(await scene.district.get(elsewhere), 400, "invalid")


# Headers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/fhir+xml", "", "x", "multipart/form-data",
                                  "application/x-www-form-urlencoded", "application/fhir+ndjson"])  # fmt: skip
async def test_a_body_of_another_type_is_a_415(member: Member, kind: str) -> None:
    for path in ("/Patient", "", "/Patient/$explain-access"):
        url = path if "$" not in path else f"/Patient/{uuid4()}/$explain-access"
        refused(await member.post(url, content=json.dumps(PLAIN), headers={"Content-Type": kind}), 415, "not-supported")
    put = {"content": json.dumps(PLAIN), "headers": {"Content-Type": kind}}
    refused(
        await member.http.put(
            f"{BASE}/fhir/Patient?name=x", content=put["content"], headers={**member.headers, "Content-Type": kind}
        ),
        415,
    )
    if kind != FORM["Content-Type"]:
        refused(await member.post("/Patient/_search", content="name=x", headers={"Content-Type": kind}), 415)


@pytest.mark.parametrize("accept", ["application/fhir+xml", "application/xml", "text/html", "text/turtle", "x"])
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
    "condition", ["", "?", "Patient", "Patient?", "nothing=known", "name", "identifier=a|b|c", "&&", "name=%00"]
)
async def test_an_if_none_exist_that_cannot_be_read_stops_the_create(scene: Scene, condition: str) -> None:
    before = (await scene.district.get("/Patient")).json()["total"]
    refused(await scene.district.post("/Patient", PLAIN, headers={"If-None-Exist": condition}), 400)
    entry = {"resource": PLAIN, "request": {"method": "POST", "url": "Patient", "ifNoneExist": condition}}
    answer = await scene.district.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert answer.json()["entry"][0]["response"]["status"] == "400"
    assert (await scene.district.get("/Patient")).json()["total"] == before


@pytest.mark.parametrize("prefer", ["return=x", "handling=x", "return=", 'return="', "return=minimal, return=x"])
async def test_a_preference_that_there_is_not_is_a_400(member: Member, prefer: str) -> None:
    refused(await member.post("/Patient", PLAIN, headers={"Prefer": prefer}), 400, "invalid")
    refused(await member.get("/Patient", headers={"Prefer": prefer}), 400, "invalid")


@pytest.mark.parametrize(("method", "path"), [
    ("PATCH", "/fhir/Encounter"), ("POST", "/fhir/Patient/x"), ("DELETE", "/fhir"), ("PUT", "/fhir"), ("TRACE", "/fhir/Patient"),
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
        "/fhir/Observation",
        "/fhir/patient",
        "/fhir/Patient/x/y",
        "/fhir/Nothing/1",
        "/",
        "/fhirx",
        "/fhir/$nothing",
        "/fhir/Patient/x/$nothing",
    ],
)
async def test_a_path_that_there_is_not_is_a_404(member: Member, path: str) -> None:
    refused(await member.http.get(BASE + path, headers=member.headers), 404, "not-found")


# Bundles ------------------------------------------------------------------------------------------------------------

GET = {"method": "GET", "url": "Patient"}
BUNDLES: dict[str, tuple[Any, str]] = {
    "no Bundle": (PLAIN, "Bundle.type"),
    "another type": ({"type": "searchset"}, "Bundle.type"),
    "no type": ({"type": None}, "Bundle.type"),
    "entries that are no list": ({"entry": {}}, "Bundle.entry"),
    "an entry that is no object": ({"entry": ["x"]}, "Bundle.entry[0].request"),
    "an entry that is null": ({"entry": [None]}, "Bundle.entry[0].request"),
    "no request": ({"entry": [{"resource": PLAIN}]}, "Bundle.entry[0].request"),
    "a request that is a text": ({"entry": [{"request": "GET Patient"}]}, "Bundle.entry[0].request"),
    "no method": ({"entry": [{"request": {"url": "Patient"}}]}, "Bundle.entry[0].request.method"),
    "an unknown method": ({"entry": [{"request": {**GET, "method": "get"}}]}, "Bundle.entry[0].request.method"),
    "a method that is a list": ({"entry": [{"request": {**GET, "method": ["GET"]}}]}, "Bundle.entry[0].request.method"),
    "no url": ({"entry": [{"request": {"method": "GET"}}]}, "Bundle.entry[0].request.url"),
    "a url that is a number": ({"entry": [{"request": {**GET, "url": 1}}]}, "Bundle.entry[0].request.url"),
    "a url elsewhere": ({"entry": [{"request": {**GET, "url": "http://x.org/Patient"}}]}, "Bundle.entry[0].request.url"),
    "a url above": ({"entry": [{"request": {**GET, "url": "../auth/jwks"}}]}, "Bundle.entry[0].request.url"),
    "an unknown type": ({"entry": [{"request": {**GET, "url": "Observation"}}]}, "Bundle.entry[0].request.url"),
    "an operation": ({"entry": [{"request": {**GET, "url": "Patient/x/$nothing"}}]}, "Bundle.entry[0].request.url"),
    "a path too long": ({"entry": [{"request": {**GET, "url": "Patient/x/_history/1/2"}}]}, "Bundle.entry[0].request.url"),
    "a read with a query": ({"entry": [{"request": {**GET, "url": "Patient/x?y=z"}}]}, "Bundle.entry[0].request.url"),
    "a post to an id": (
        {"entry": [{"request": {"method": "POST", "url": "Patient/x"}, "resource": PLAIN}]},
        "Bundle.entry[0].request.url",
    ),
    "a put to a type": (
        {"entry": [{"request": {"method": "PUT", "url": "Patient"}, "resource": PLAIN}]},
        "Bundle.entry[0].request.url",
    ),
    "a delete of a type": ({"entry": [{"request": {"method": "DELETE", "url": "Patient"}}]}, "Bundle.entry[0].request.url"),
    "no resource": ({"entry": [{"request": {"method": "POST", "url": "Patient"}}]}, "Bundle.entry[0].resource"),
    "a resource of another type": (
        {"entry": [{"request": {"method": "POST", "url": "Encounter"}, "resource": PLAIN}]},
        "Bundle.entry[0].resource",
    ),
    "a resource that is a list": (
        {"entry": [{"request": {"method": "POST", "url": "Patient"}, "resource": [PLAIN]}]},
        "Bundle.entry[0].resource",
    ),
    "a full url that is a number": ({"entry": [{"request": GET, "fullUrl": 1}]}, "Bundle.entry[0].fullUrl"),
    "an ifMatch that is a number": ({"entry": [{"request": {**GET, "ifMatch": 1}}]}, "Bundle.entry[0].ifMatch"),
    "one full url twice": ({"entry": [{"request": GET, "fullUrl": "urn:x"}] * 2}, "Bundle.entry"),
}  # fmt: skip


@pytest.mark.parametrize("name", BUNDLES)
async def test_a_bundle_of_a_wrong_shape_is_a_422_that_names_the_place(member: Member, name: str) -> None:
    change, expression = BUNDLES[name]
    for kind in ("batch", "transaction"):
        bundle = {"resourceType": "Bundle", "type": kind, **change}
        refused(await member.post("", {k: v for k, v in bundle.items() if v is not None}), 422, None, expression)


# References to another's ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["Patient", "Encounter", "ServiceRequest", "RelatedPerson", "Task", "Group", "Consent"]
)
async def test_a_reference_to_anothers_resource_is_refused_byte_for_byte_as_one_to_nothing(
    scene: Scene, name: str
) -> None:
    answers = []
    for target in (scene.records[name]["id"], str(uuid4())):
        reference = {"reference": f"{name}/{target}"}
        own = {"resourceType": "Patient", "extension": [{"url": "urn:x", "valueReference": reference}]}
        entry = {"resource": own, "request": {"method": "POST", "url": "Patient"}}
        alone = await scene.stranger.post("/Patient", own)
        bundled = await scene.stranger.post("", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
        batched = await scene.stranger.post("", {"resourceType": "Bundle", "type": "batch", "entry": [entry]})
        refused(alone, 422, "not-found", "Patient.extension[0].value.reference")
        assert "422" in batched.text
        answers.append([(r.status_code, dict(r.headers), r.content) for r in (alone, bundled, batched)])
    assert answers[0] == answers[1]


# Tokens -------------------------------------------------------------------------------------------------------------


def claims(token: str) -> dict[str, Any]:
    """What a token says."""
    return jose.read(token)[1]


async def test_a_token_that_does_not_hold_is_a_401(scene: Scene, world: World) -> None:
    good = scene.district.headers["Authorization"].removeprefix("Bearer ")
    said = claims(good)
    ours = await world_keys(scene)
    now = int(time.time())
    forged = jose.generate()
    bad = {
        "expired": jose.sign({**said, "exp": now - 1}, ours, typ="at+jwt"),
        "of another server": jose.sign({**said, "aud": "https://other.example/fhir"}, ours, typ="at+jwt"),
        "by another server": jose.sign({**said, "iss": "https://other.example"}, ours, typ="at+jwt"),
        "of another kind": jose.sign(said, ours),
        "signed by another key": jose.sign(said, forged, typ="at+jwt"),
        "signed by another key under our kid": jose.sign(said, {**forged, "kid": ours["kid"]}, typ="at+jwt"),
        "unsigned": unsigned(said),
        "of another organization": jose.sign({**said, "org": str(scene.stranger.organization)}, ours, typ="at+jwt"),
        "of nobody": jose.sign({**said, "sub": "nobody"}, ours, typ="at+jwt"),
        "without an expiry": jose.sign({k: v for k, v in said.items() if k != "exp"}, ours, typ="at+jwt"),
        "cut": good[:-5],
        "empty": "",
        "two": f"{good} {good}",
        "no JWT": "x.y.z",
        "NUL": "\x00",
        "long": "x" * 50_000,
    }
    assert (await scene.district.get("/Patient")).status_code == 200
    for name, token in bad.items():
        for path in ("/Patient", f"/Patient/{scene.student['id']}"):
            response = await world.http.get(
                f"{BASE}/fhir{path}", headers=[(b"Authorization", b"Bearer " + token.encode())]
            )
            refused(response, 401, "login")
            assert "invalid_token" in response.headers["WWW-Authenticate"], name
    for header in ("Basic eDp5", "Bearer", "bearer", "", good, f"Bearer {good}, Bearer {good}"):
        refused(await world.http.get(f"{BASE}/fhir/Patient", headers={"Authorization": header}), 401, "login")
    for elsewhere in (f"/Patient?access_token={good}", f"/Patient?authorization={good}"):
        refused(await world.http.get(f"{BASE}/fhir{elsewhere}"), 401, "login")


async def world_keys(scene: Scene) -> dict[str, Any]:
    """The server's own signing key, as somebody would have who had stolen it: only what a token says is then wrong."""
    from tests.scene import as_owner

    rows = await as_owner(scene.world, "SELECT pem FROM hallpass.signing_key")
    return jose.from_pem(rows[0].pem)


def unsigned(said: dict[str, Any]) -> str:
    """A token of the algorithm `none`."""
    from base64 import urlsafe_b64encode

    parts = ({"alg": "none", "typ": "at+jwt"}, said)
    return ".".join(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."


@pytest.mark.parametrize(("scope", "allowed"), [
    ("system/Patient.r", {"read", "vread", "history"}),
    ("system/Patient.s", {"search", "search by form"}),
    ("system/Patient.c", {"create"}),
    ("system/Patient.u", {"update"}),
    ("system/Patient.d", {"delete"}),
    ("system/Encounter.cruds", set()),
])  # fmt: skip
async def test_each_interaction_needs_its_scope_and_is_a_403_without(
    scene: Scene, world: World, scope: str, allowed: set[str]
) -> None:
    member = await world.client_of(scene.district.organization, scopes=scope, purposes=("TREAT",))
    held = await scene.district.create(build.patient(f"S-{uuid4().hex}"))
    path = f"/Patient/{held['id']}"
    condition = f"/Patient?identifier={held['identifier'][0]['value']}"
    answers = {
        "read": await member.get(path),
        "vread": await member.get(f"{path}/_history/1"),
        "history": await member.get(f"{path}/_history"),
        "search": await member.get("/Patient"),
        "search by form": await member.post("/Patient/_search", content="name=x", headers=FORM),
        "create": await member.post("/Patient", PLAIN),
        "update": await member.put(path, {**held, "active": True}),
        "conditional update": await member.put(condition, {**held, "active": False}),
        "conditional delete": await member.delete(condition),
        "delete": await member.delete(path),
    }
    for name, response in answers.items():
        if name.removeprefix("conditional ") in allowed:
            assert response.status_code < 300 or name.startswith("conditional"), (name, response.text)
        else:
            refused(response, 403, "forbidden")
            assert "insufficient_scope" in response.headers["WWW-Authenticate"]


async def test_what_is_joined_or_included_needs_a_scope_too(scene: Scene, world: World) -> None:
    member = await world.client_of(scene.district.organization, scopes="system/Encounter.rs", purposes=("TREAT",))
    for query in ("patient.name=x", "patient:Patient.birthdate=2014", "_has:Task:encounter:status=requested"):
        refused(await member.get(f"/Encounter?{query}"), 403, "forbidden")
    bundle = (await member.get("/Encounter?_include=Encounter:patient")).json()
    assert {e["resource"]["resourceType"] for e in bundle["entry"]} == {"Encounter"}
